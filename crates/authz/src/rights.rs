//! What somebody may do, compiled from grants, so that a decision walks an index and allocates nothing.
//!
//! The rule, in full: what is public anybody may; one's own account everybody may who has signed in. Anything else is
//! permitted where an allow holds for the action at the place, and no deny does. A token may what its owner may and its
//! own limits say too. [`crate::reference`] says the same in the plainest way, and a test compares both.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use wk_domain::{GrantId, HostId, Tenant, TenantId, TenantTree, UserId};

use crate::action::{Act, Actions, Kind};
use crate::role::Role;
use crate::scope::{Effect, Grant, Place, Scope, Via};

/// Grants that count for one person at most: a compiled index of more would be slower than promised.
pub const MAX_GRANTS: usize = 4_096;

/// Why somebody may, or may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is public.
    Anybody,
    /// It is one's own account.
    Own,
    /// This grant says so, of [`Rights::grants`].
    Allowed(usize),
    /// This grant denies it, of [`Rights::grants`].
    DeniedBy(usize),
    /// No grant says so.
    Nothing,
    /// The person may; the limits of the token say no.
    BeyondToken,
}

/// `seen`: its name is for whoever reads it; a tenant above one's own has none.
fn closed_sentence(tenant: &Tenant, seen: bool) -> String {
    let what = if tenant.id == TenantId::ROOT {
        "the server is read-only".to_owned()
    } else if seen {
        format!("the tenant {} is read-only", tenant.name)
    } else {
        "this part of the server is read-only".to_owned()
    };
    match tenant.why.as_str() {
        "" => format!("{what}: nobody changes its configuration now"),
        why => format!("{what} now ({why}): nobody changes its configuration until it is open again"),
    }
}

/// The answer to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    pub why: Why,
}

impl Decision {
    const fn yes(why: Why) -> Self {
        Self { allowed: true, why }
    }

    const fn no(why: Why) -> Self {
        Self { allowed: false, why }
    }
}

/// One grant in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rule<K> {
    key: K,
    tenant: TenantId,
    actions: Actions,
    /// Its place in [`Rights::grants`].
    grant: usize,
}

/// Grants of one effect, each under the most telling thing of its scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Index {
    /// What any of them is about: most questions end here.
    actions: Actions,
    /// Whole tenants, in order.
    whole: Vec<Rule<TenantId>>,
    hosts: Vec<Rule<HostId>>,
    /// By labels or owner within a tenant.
    some: Vec<Rule<TenantId>>,
}

/// The rules of a sorted list under one key.
fn under<K: Ord + Copy>(rules: &[Rule<K>], key: K) -> impl Iterator<Item = &Rule<K>> {
    let from = rules.partition_point(|rule| rule.key < key);
    rules[from..].iter().take_while(move |rule| rule.key == key)
}

impl Index {
    fn of(grants: &[Grant], effect: Effect, tree: &TenantTree) -> Self {
        let mut index = Self::default();
        for (grant, held) in grants.iter().enumerate() {
            let (actions, scope) = (held.acts(), &held.scope);
            if held.effect != effect || actions.is_empty() || tree.path(scope.tenant).is_none() {
                continue;
            }
            index.actions = index.actions.or(actions);
            let tenant = scope.tenant;
            if let Some(key) = scope.host {
                index.hosts.push(Rule { key, tenant, actions, grant });
            } else {
                let list = if scope.is_whole() { &mut index.whole } else { &mut index.some };
                list.push(Rule { key: tenant, tenant, actions, grant });
            }
        }
        index.whole.sort_by_key(|rule| (rule.key, rule.grant));
        index.hosts.sort_by_key(|rule| (rule.key, rule.grant));
        index.some.sort_by_key(|rule| (rule.key, rule.grant));
        index
    }

    /// The first grant found that holds for `act` at `place`.
    fn find(&self, act: Act, place: &Place<'_>, grants: &[Grant], person: Option<UserId>) -> Option<usize> {
        if !self.actions.has(act) {
            return None;
        }
        for &tenant in place.tenants {
            if let Some(rule) = under(&self.whole, tenant).find(|rule| rule.actions.has(act)) {
                return Some(rule.grant);
            }
        }
        let holds = |actions: Actions, tenant: TenantId, grant: usize| {
            actions.has(act)
                && place.tenants.contains(&tenant)
                && grants.get(grant).is_some_and(|grant| grant.scope.holds_beside_tenant(place, person))
        };
        if let Some(host) = place.host
            && let Some(rule) =
                under(&self.hosts, host).find(|rule| holds(rule.actions, rule.tenant, rule.grant))
        {
            return Some(rule.grant);
        }
        if !self.some.is_empty() {
            for &tenant in place.tenants {
                let mut rules = under(&self.some, tenant);
                if let Some(rule) = rules.find(|rule| holds(rule.actions, rule.tenant, rule.grant)) {
                    return Some(rule.grant);
                }
            }
        }
        None
    }

    fn tenants_of(&self, act: Act) -> impl Iterator<Item = TenantId> {
        let whole = self.whole.iter().chain(&self.some).map(|rule| (rule.tenant, rule.actions));
        let hosts = self.hosts.iter().map(|rule| (rule.tenant, rule.actions));
        whole.chain(hosts).filter(move |(_, actions)| actions.has(act)).map(|(tenant, _)| tenant)
    }

    /// What is there for all of `tenant`: by a grant for it whole, or for one above it.
    fn whole_at(&self, path: &[TenantId]) -> Actions {
        path.iter()
            .flat_map(|&tenant| under(&self.whole, tenant))
            .fold(Actions::NONE, |all, rule| all.or(rule.actions))
    }
}

/// What somebody may do.
#[derive(Debug, PartialEq, Eq)]
pub struct Rights {
    person: Option<UserId>,
    grants: Vec<Grant>,
    allow: Index,
    deny: Index,
    somewhere: Actions,
    /// Whether one's own account is among it.
    own: bool,
    /// What is beyond this is refused, whatever the grants say.
    within: Option<Arc<Rights>>,
    /// Tenants that are read-only, with the sentence that says so: what changes configuration is refused there and below,
    /// to everybody.
    closed: Vec<(TenantId, String)>,
}

impl Rights {
    /// From what somebody holds, himself and through groups. Grants at tenants that are not in the tree hold nowhere,
    /// and of more than [`MAX_GRANTS`] only denies are taken: too many must not open anything.
    pub fn compile(person: Option<UserId>, mut grants: Vec<Grant>, tree: &TenantTree) -> Self {
        if grants.len() > MAX_GRANTS {
            let mut room = MAX_GRANTS;
            grants.retain(|grant| {
                let taken = grant.effect == Effect::Deny || room > 0;
                room = room.saturating_sub(usize::from(grant.effect == Effect::Allow));
                taken
            });
        }
        let allow = Index::of(&grants, Effect::Allow, tree);
        let deny = Index::of(&grants, Effect::Deny, tree);
        // An allow counts for "somewhere" unless a deny takes all of its tenant.
        let alive = |grant: &Grant| {
            let path = tree.path(grant.scope.tenant).filter(|_| grant.effect == Effect::Allow);
            path.map_or(Actions::NONE, |path| grant.acts().minus(deny.whole_at(path.ids())))
        };
        let somewhere = grants.iter().fold(Actions::NONE, |all, grant| all.or(alive(grant)));
        let closed = Vec::new();
        let mut rights = Self { person, grants, allow, deny, somewhere, own: true, within: None, closed };
        let mut closed: Vec<(TenantId, String)> = tree
            .all()
            .filter(|(tenant, _)| tenant.read_only)
            .map(|(tenant, path)| {
                let seen = rights.may(Act::TenantRead, &Place::tenant(path.ids()));
                (tenant.id, closed_sentence(tenant, seen))
            })
            .collect();
        closed.sort_unstable();
        rights.closed = closed;
        rights
    }

    /// Of the program's machine, as [`Self::server`], where what is read-only is so for it, too.
    pub fn server_in(tree: &TenantTree) -> Arc<Self> {
        let home = Grant { via: Via::Server, ..Grant::home(Role::Admin, TenantId::ROOT) };
        Arc::new(Self::compile(None, vec![home], tree))
    }

    /// Why `place` is closed to what `act` would do, if it is: it changes configuration, and that is read-only now.
    pub fn closed_at(&self, act: Act, place: &Place<'_>) -> Option<&str> {
        if act.kind() != Kind::Configure {
            return None;
        }
        let (_, why) = self.closed.iter().find(|(tenant, _)| place.tenants.contains(tenant))?;
        Some(why)
    }

    /// Nothing, not even an account of one's own.
    pub fn nothing() -> Arc<Self> {
        static NOTHING: LazyLock<Arc<Rights>> = LazyLock::new(|| {
            Arc::new(Rights { own: false, ..Rights::compile(None, Vec::new(), &TenantTree::default()) })
        });
        Arc::clone(&NOTHING)
    }

    /// Of a built-in role over the whole server, without grants.
    pub fn of_role(role: Role) -> Arc<Self> {
        static ROLES: LazyLock<[Arc<Rights>; 8]> = LazyLock::new(|| {
            Role::ALL.map(|role| {
                let home = Grant::home(role, TenantId::ROOT);
                Arc::new(Rights::compile(None, vec![home], &TenantTree::default()))
            })
        });
        Arc::clone(&ROLES[role as usize])
    }

    /// Of the program itself, and of whoever is on its machine with its rights: everything.
    pub fn server() -> Arc<Self> {
        static SERVER: LazyLock<Arc<Rights>> = LazyLock::new(|| {
            let home = Grant { via: Via::Server, ..Grant::home(Role::Admin, TenantId::ROOT) };
            Arc::new(Rights::compile(None, vec![home], &TenantTree::default()))
        });
        Arc::clone(&SERVER)
    }

    /// The same, and of that only what `limits` allow too: a token's. One's own account is not a token's to change.
    #[must_use]
    pub fn limited(self: &Arc<Self>, limits: Arc<Self>) -> Arc<Self> {
        Arc::new(Self {
            person: self.person,
            grants: self.grants.clone(),
            allow: self.allow.clone(),
            deny: self.deny.clone(),
            somewhere: self.somewhere.and(limits.somewhere),
            own: false,
            within: Some(match &self.within {
                Some(already) => already.limited(limits),
                None => limits,
            }),
            closed: self.closed.clone(),
        })
    }

    /// Whose they are.
    pub fn person(&self) -> Option<UserId> {
        self.person
    }

    /// All that is held, as it was given to [`Self::compile`].
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Decides about `act` at `place`, and says why.
    pub fn decide(&self, act: Act, place: &Place<'_>) -> Decision {
        match act.kind() {
            Kind::Public => return Decision::yes(Why::Anybody),
            Kind::Own if self.own => return Decision::yes(Why::Own),
            Kind::Own => return Decision::no(Why::Nothing),
            Kind::Read | Kind::Handle | Kind::Configure => {}
        }
        if let Some(denied) = self.deny.find(act, place, &self.grants, self.person) {
            return Decision::no(Why::DeniedBy(denied));
        }
        let Some(allowed) = self.allow.find(act, place, &self.grants, self.person) else {
            return Decision::no(Why::Nothing);
        };
        match &self.within {
            Some(limits) if !limits.decide(act, place).allowed => Decision::no(Why::BeyondToken),
            _ => Decision::yes(Why::Allowed(allowed)),
        }
    }

    /// Whether `act` is permitted at `place`.
    pub fn may(&self, act: Act, place: &Place<'_>) -> bool {
        self.decide(act, place).allowed
    }

    /// Whether `act` is permitted anywhere at all. May say yes where labels or hosts leave nothing; never no where
    /// something is left.
    pub fn may_somewhere(&self, act: Act) -> bool {
        match act.kind() {
            Kind::Public => true,
            Kind::Own => self.own,
            Kind::Read | Kind::Handle | Kind::Configure => self.somewhere.has(act),
        }
    }

    /// All that is permitted somewhere, for menus: as [`Self::may_somewhere`], with what is public and one's own.
    pub fn somewhere(&self) -> Actions {
        Act::ALL.iter().copied().filter(|act| self.may_somewhere(*act)).collect()
    }

    /// Whether this is everything everywhere: no limit, no deny.
    pub fn is_unrestricted(&self) -> bool {
        self.within.is_none()
            && self.deny.actions.is_empty()
            && Actions::ALL.minus(self.allow.whole_at(&[TenantId::ROOT])).is_empty()
    }

    /// Every grant that speaks about `act` at `place`, denies first: all there is to say about why.
    pub fn reasons(&self, act: Act, place: &Place<'_>) -> Vec<&Grant> {
        let speaks = |grant: &&Grant| grant.acts().has(act) && grant.scope.holds_at(place, self.person);
        let of =
            |effect: Effect| self.grants.iter().filter(move |grant| grant.effect == effect).filter(speaks);
        of(Effect::Deny).chain(of(Effect::Allow)).collect()
    }

    /// Which things may be touched by `act`, for lists.
    pub fn sight(self: &Arc<Self>, act: Act) -> Sight {
        Sight { extent: self.extent(act), rights: Arc::clone(self), act }
    }

    fn extent(&self, act: Act) -> Extent {
        let own = if !self.may_somewhere(act) {
            Extent::None
        } else if !self.deny.actions.has(act) && self.allow.whole_at(&[TenantId::ROOT]).has(act) {
            Extent::All
        } else {
            Extent::Some
        };
        own.and(self.within.as_ref().map_or(Extent::All, |limits| limits.extent(act)))
    }

    /// How much of what is right in the tenant at the end of `path` may be touched by `act`.
    fn extent_at(&self, act: Act, path: &[TenantId]) -> Extent {
        let on_path = |index: &Index| index.tenants_of(act).any(|tenant| path.contains(&tenant));
        let own = if self.deny.whole_at(path).has(act) || !on_path(&self.allow) {
            Extent::None
        } else if self.allow.whole_at(path).has(act) && !on_path(&self.deny) {
            Extent::All
        } else {
            Extent::Some
        };
        own.and(self.within.as_ref().map_or(Extent::All, |limits| limits.extent_at(act, path)))
    }

    /// Whether all of `actions` are held all over `scope`, so that they are theirs to give, or to take.
    ///
    /// # Errors
    /// The first that is not, or of which it cannot be told.
    pub fn covers(&self, actions: Actions, scope: &Scope, tree: &TenantTree) -> Result<(), Act> {
        let wanted = scope.of(actions).and(Actions::ALL);
        let mut held = Actions::NONE;
        for grant in &self.grants {
            match grant.effect {
                Effect::Allow if scope.is_within(&grant.scope, tree) => held = held.or(grant.acts()),
                Effect::Allow | Effect::Deny => {}
            }
        }
        for grant in self.grants.iter().filter(|grant| grant.effect == Effect::Deny) {
            if scope.may_meet(&grant.scope, tree) {
                held = held.minus(grant.acts());
            }
        }
        match wanted.minus(held).iter().next() {
            Some(lacking) => Err(lacking),
            None => self.within.as_ref().map_or(Ok(()), |limits| limits.covers(actions, scope, tree)),
        }
    }

    /// The grant of this id.
    pub fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.grants.iter().find(|grant| grant.id == Some(id))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    All,
    Some,
    None,
}

impl Extent {
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, other) => other,
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Some, _) => Self::Some,
        }
    }
}

/// The tenants in which something is seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// All that is right in these is seen.
    pub whole: BTreeSet<TenantId>,
    /// Of what is right in these, some may be: [`Sight::sees`] tells of each thing.
    pub part: BTreeSet<TenantId>,
}

/// Which things may be touched by one action: made once for a list, asked for each thing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    rights: Arc<Rights>,
    act: Act,
    extent: Extent,
}

impl Sight {
    /// Everything, so that nothing needs to be asked.
    pub fn is_all(&self) -> bool {
        self.extent == Extent::All
    }

    /// Nothing, so that nothing needs to be read.
    pub fn is_none(&self) -> bool {
        self.extent == Extent::None
    }

    /// Whether what is at `place` is among it.
    pub fn sees(&self, place: &Place<'_>) -> bool {
        match self.extent {
            // What hangs on no branch of the root is nowhere.
            Extent::All => place.tenants.first() == Some(&TenantId::ROOT),
            Extent::None => false,
            Extent::Some => self.rights.may(self.act, place),
        }
    }

    /// Which tenants are seen whole, and which in part: for a condition of a statement. Of a tenant in neither, nothing is.
    pub fn split(&self, tree: &TenantTree) -> Split {
        let mut split = Split::default();
        for (tenant, path) in tree.all().filter(|_| !self.is_none()) {
            match self.rights.extent_at(self.act, path.ids()) {
                Extent::All => split.whole.insert(tenant.id),
                Extent::Some => split.part.insert(tenant.id),
                Extent::None => false,
            };
        }
        split
    }

    /// Outside of these tenants and what is below them there is nothing of it. Inside there may be less than all: ask
    /// [`Self::sees`].
    pub fn tenants(&self) -> Vec<TenantId> {
        if self.is_none() {
            return Vec::new();
        }
        let mut tenants: Vec<_> = self.rights.allow.tenants_of(self.act).collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants
    }
}

//! Where a right holds, and where a thing is: scopes of grants, places of things in the tree of tenants.

use wk_domain::{GrantId, GroupId, HostId, Labels, TenantId, TenantTree, UserId};

use crate::action::{Actions, Section};
use crate::role::Role;
use crate::selector::Selector;

/// Whether a grant gives or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    Allow,
    /// Wins over every allow.
    Deny,
}

impl Effect {
    /// `allow` or `deny`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }

    /// The effect that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Allow, Self::Deny].into_iter().find(|effect| effect.as_str() == raw)
    }
}

/// Where a grant holds: the tenant with all below it, and of that only what every other field says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    pub tenant: TenantId,
    /// Only hosts with these labels, and what is theirs. A group of hosts is a label: `group=web`.
    pub selector: Option<Selector>,
    /// Only this host, and what is its.
    pub host: Option<HostId>,
    /// Only what the person owns.
    pub owned: bool,
    /// Only actions of these sections of the console; all when empty.
    pub sections: Vec<Section>,
}

impl Scope {
    /// The tenant and everything below it.
    pub const fn tenant(tenant: TenantId) -> Self {
        Self { tenant, selector: None, host: None, owned: false, sections: Vec::new() }
    }

    /// Everything there is.
    pub const fn everything() -> Self {
        Self::tenant(TenantId::ROOT)
    }

    /// Of these actions, those of its sections.
    pub fn of(&self, actions: Actions) -> Actions {
        if self.sections.is_empty() {
            return actions;
        }
        actions.and(self.sections.iter().fold(Actions::NONE, |all, section| all.or(section.actions())))
    }

    /// Whether all of the tenant and what is below it is meant, and not only some of it.
    pub const fn is_whole(&self) -> bool {
        self.selector.is_none() && self.host.is_none() && !self.owned
    }

    /// Whether it holds at `place` for `person`.
    pub fn holds_at(&self, place: &Place<'_>, person: Option<UserId>) -> bool {
        place.tenants.contains(&self.tenant) && self.holds_beside_tenant(place, person)
    }

    pub(crate) fn holds_beside_tenant(&self, place: &Place<'_>, person: Option<UserId>) -> bool {
        self.host.is_none_or(|host| place.host == Some(host))
            && (!self.owned || (person.is_some() && place.owner == person))
            && self.selector.as_ref().is_none_or(|selector| selector.matches(place.labels))
    }

    /// Whether everything in it is in `wider` too, whoever asks, as far as can be told without asking.
    pub(crate) fn is_within(&self, wider: &Self, tree: &TenantTree) -> bool {
        within(tree, self.tenant, wider.tenant)
            && !wider.owned
            && (wider.host.is_none() || wider.host == self.host)
            && wider
                .selector
                .as_ref()
                .is_none_or(|wider| self.selector.as_ref().is_some_and(|selector| selector.is_within(wider)))
    }

    /// Whether there may be something in both.
    pub(crate) fn may_meet(&self, other: &Self, tree: &TenantTree) -> bool {
        let one_host = match (self.host, other.host) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        one_host && (within(tree, self.tenant, other.tenant) || within(tree, other.tenant, self.tenant))
    }
}

/// Whether `tenant` is `above` or below it.
fn within(tree: &TenantTree, tenant: TenantId, above: TenantId) -> bool {
    tree.path(tenant).is_some_and(|path| path.is_within(above))
}

/// How somebody comes to hold a grant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Via {
    /// The account's own role at its own tenant.
    Home,
    /// Given to the person.
    Person,
    /// Given to a group the person is in.
    Group { id: GroupId, name: String },
    /// The limits of a token.
    Token,
    /// The program itself, or the machine it runs on.
    Server,
}

/// A role given to somebody somewhere, or denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// None for what no stored grant says: the home role, a token's limits.
    pub id: Option<GrantId>,
    pub via: Via,
    pub effect: Effect,
    /// The role's name, for people.
    pub role: String,
    /// What the role may.
    pub actions: Actions,
    pub scope: Scope,
}

impl Grant {
    /// The role of an account at its tenant.
    pub fn home(role: Role, tenant: TenantId) -> Self {
        Self {
            id: None,
            via: Via::Home,
            effect: Effect::Allow,
            role: role.as_str().to_owned(),
            actions: role.actions(),
            scope: Scope::tenant(tenant),
        }
    }

    /// The actions it is about: the role's, of the scope's sections. One's own account is nobody's to give or take.
    pub fn acts(&self) -> Actions {
        self.scope.of(self.actions).and(Actions::ALL)
    }
}

static NO_LABELS: Labels = Labels::NONE;

/// Where a thing is. Borrowed, since one is made for every decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// From the root down to the thing's own tenant, as [`TenantTree::path`] gives it. Nothing is permitted where it is
    /// empty.
    pub tenants: &'a [TenantId],
    /// The host it is, or belongs to.
    pub host: Option<HostId>,
    /// That host's labels.
    pub labels: &'a Labels,
    pub owner: Option<UserId>,
}

impl Place<'static> {
    /// The whole server: settings, policies, ways to sign in.
    pub const ROOT: Self = Self::tenant(&[TenantId::ROOT]);
}

impl<'a> Place<'a> {
    /// Something of a tenant that is no host's. `path`: from the root down to it.
    pub const fn tenant(path: &'a [TenantId]) -> Self {
        Self { tenants: path, host: None, labels: &NO_LABELS, owner: None }
    }

    /// The same, somebody's.
    #[must_use]
    pub const fn owned_by(self, owner: UserId) -> Self {
        Self { owner: Some(owner), ..self }
    }
}

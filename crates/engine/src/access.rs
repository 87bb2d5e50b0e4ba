//! What people may do: rights compiled from what the store holds, anew for whoever asks; and who may change them.
//!
//! Rights are kept compiled between requests under the revision that the store counts. Every request asks for the revision
//! first, so that what was granted or taken counts from the next one on, whichever server did it.
//!
//! Nobody gives what he does not hold himself: a grant, a membership, a role and a reset of somebody's factors all end
//! here at the same question.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use wk_authz::{
    AccessWrite, Act, Actions, Actor, Denied, Effect, Grant, Permit, Place, Rights, Role, Scope, Section,
    Selector, Via,
};
use wk_domain::text::clean_line;
use wk_domain::{GrantId, GroupId, RoleId, TenantId, TenantTree, Timestamp, UserId};

use crate::Engine;
use crate::error::EngineError;
use crate::ids::new_id;
use crate::ports::access::{GrantRow, GroupRow, HeldRow, LOCAL, MembershipRow, RoleRow};
use crate::ports::rows::UserRow;
use crate::record::{self, DraftExt as _};

/// Accounts whose rights are kept compiled; beyond, all are forgotten and compiled anew as they come.
const KEPT_MAX: usize = 10_000;
/// Groups of one server at most: people must be able to find the one they mean.
const GROUPS_MAX: usize = 2_000;
/// Custom roles of one server at most.
const ROLES_MAX: usize = 200;
/// Grants of one person, or of one group, at most: what is held through all groups stays below
/// [`wk_authz::MAX_GRANTS`] for anybody in fewer than sixteen of the largest.
const GRANTS_OF_ONE_MAX: usize = 250;
/// Longest time ahead that a grant can run out, in milliseconds: ten years, so that a slip of the year is noticed.
const EXPIRES_MAX_MS: i64 = 10 * 366 * 86_400_000;

/// Compiled rights between requests.
#[derive(Debug)]
pub(crate) struct Kept {
    of: Mutex<HashMap<UserId, KeptRights>>,
    changed: watch::Sender<u64>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { of: Mutex::default(), changed: watch::channel(0).0 }
    }
}

#[derive(Debug, Clone)]
struct KeptRights {
    revision: u64,
    /// The tree's: the world has a change of it a moment after the store.
    tree: u64,
    role: String,
    tenant: TenantId,
    /// When the first of the grants runs out.
    until: Option<Timestamp>,
    held: Arc<Vec<HeldRow>>,
    rights: Arc<Rights>,
}

/// Whom a grant is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    Person(UserId),
    Group(GroupId),
}

/// What a group is to be.
#[derive(Debug, Clone)]
pub struct GroupEdit {
    pub name: String,
    pub about: String,
    /// The revision that was read; `None` overwrites.
    pub revision: Option<i64>,
}

/// What a custom role is to be.
#[derive(Debug, Clone)]
pub struct RoleEdit {
    pub name: String,
    pub about: String,
    pub actions: Actions,
    /// The revision that was read; `None` overwrites.
    pub revision: Option<i64>,
}

/// A grant to be made.
#[derive(Debug, Clone)]
pub struct GrantEdit {
    pub whom: Whom,
    pub effect: Effect,
    /// A built-in role's name, or a custom one's.
    pub role: String,
    pub scope: Scope,
    pub reason: String,
    pub expires: Option<Timestamp>,
}

/// A stored grant as rights are compiled from. What this program cannot read gives nothing and denies all: rows that
/// somebody edited by hand must not open anything.
pub fn compiled(held: &HeldRow, now: Timestamp) -> Option<Grant> {
    let row = &held.grant;
    if row.expires.is_some_and(|at| at <= now) {
        return None;
    }
    let effect = Effect::parse(&row.effect).unwrap_or(Effect::Deny);
    let denies = effect == Effect::Deny;
    let actions = match &held.actions {
        Some(names) => names.iter().filter_map(|name| Act::parse(name)).collect(),
        None => match Role::parse(&row.role) {
            Some(role) => role.actions(),
            None if denies => Actions::ALL,
            None => return None,
        },
    };
    let mut scope = Scope::tenant(row.tenant);
    scope.host = row.host;
    scope.owned = row.owned;
    if !row.selector.is_empty() {
        match Selector::parse(&row.selector) {
            Ok(selector) => scope.selector = Some(selector),
            Err(_) if denies => {}
            Err(_) => return None,
        }
    }
    let sections: Option<Vec<_>> = row.sections.iter().map(|name| Section::parse(name)).collect();
    match sections {
        Some(sections) => scope.sections = sections,
        None if denies => {}
        None => return None,
    }
    let via = match &held.through {
        Some((id, name)) => Via::Group { id: *id, name: name.clone() },
        None => Via::Person,
    };
    Some(Grant { id: Some(row.id), via, effect, role: row.role.clone(), actions, scope })
}

fn compile(user: &UserRow, held: &[HeldRow], tree: &TenantTree, now: Timestamp) -> Rights {
    let role = Role::parse(&user.role).unwrap_or(Role::None);
    let mut grants = vec![Grant::home(role, user.tenant)];
    grants.extend(held.iter().filter_map(|held| compiled(held, now)));
    Rights::compile(Some(user.id), grants, tree)
}

fn beyond(actor: &Actor, action: &'static str, reason: String) -> EngineError {
    EngineError::Denied(Denied { action, actor: actor.label(), reason, hidden: false, closed: false })
}

impl Engine {
    /// What an account may do now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rights_of(&self, user: &UserRow) -> Result<Arc<Rights>, EngineError> {
        let store = &self.ports.store;
        // The revision first: what changes after it is read is read again by whoever asks next.
        let revision = store.rights_revision().await?;
        let tree = self.world.read().tenants.generation();
        let now = self.now();
        let kept = self.rights.of.lock().get(&user.id).filter(|kept| kept.revision == revision).cloned();
        if let Some(kept) = &kept
            && kept.tree == tree
            && kept.role == user.role
            && kept.tenant == user.tenant
            && kept.until.is_none_or(|until| now < until)
        {
            return Ok(Arc::clone(&kept.rights));
        }
        let held = match kept {
            Some(kept) => kept.held,
            None => Arc::new(store.holdings(user.id).await?),
        };
        let rights = Arc::new(compile(user, &held, &self.world.read().tenants, now));
        let until = held.iter().filter_map(|held| held.grant.expires).filter(|at| *at > now).min();
        let mut all = self.rights.of.lock();
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        let (role, tenant) = (user.role.clone(), user.tenant);
        let kept = KeptRights { revision, tree, role, tenant, until, held, rights: Arc::clone(&rights) };
        all.insert(user.id, kept);
        Ok(rights)
    }

    /// What each of these accounts may do now, read at once.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rights_of_all(&self, users: &[UserRow]) -> Result<Vec<Arc<Rights>>, EngineError> {
        let store = &self.ports.store;
        let (groups, roles) = (store.groups().await?, store.roles().await?);
        let (members, grants) = (store.memberships().await?, store.grants().await?);
        let names: HashMap<GroupId, &str> =
            groups.iter().map(|group| (group.id, group.name.as_str())).collect();
        let custom: HashMap<RoleId, &Vec<String>> =
            roles.iter().map(|role| (role.id, &role.actions)).collect();
        let mut by_person: HashMap<UserId, Vec<&GrantRow>> = HashMap::new();
        let mut by_group: HashMap<GroupId, Vec<&GrantRow>> = HashMap::new();
        for grant in &grants {
            if let Some(person) = grant.person {
                by_person.entry(person).or_default().push(grant);
            }
            if let Some(group) = grant.group {
                by_group.entry(group).or_default().push(grant);
            }
        }
        let mut groups_of: HashMap<UserId, Vec<GroupId>> = HashMap::new();
        for member in &members {
            let of = groups_of.entry(member.person).or_default();
            if !of.contains(&member.group) {
                of.push(member.group);
            }
        }
        let held = |grant: &GrantRow| HeldRow {
            grant: grant.clone(),
            through: grant.group.map(|id| (id, names.get(&id).copied().unwrap_or_default().to_owned())),
            actions: grant.custom.map(|id| custom.get(&id).copied().cloned().unwrap_or_default()),
        };
        let (now, world) = (self.now(), self.world.read());
        let rights = users.iter().map(|user| {
            let own = by_person.get(&user.id).into_iter().flatten();
            let through = groups_of.get(&user.id).into_iter().flatten();
            let through = through.flat_map(|group| by_group.get(group).into_iter().flatten());
            let held: Vec<HeldRow> = own.chain(through).map(|grant| held(grant)).collect();
            Arc::new(compile(user, &held, &world.tenants, now))
        });
        Ok(rights.collect())
    }

    /// Told whenever this server changes what anybody may do: whoever serves something for long asks again.
    pub fn rights_changed(&self) -> watch::Receiver<u64> {
        self.rights.changed.subscribe()
    }

    /// Tells those who serve something for long that rights may have changed.
    pub fn tell_rights_changed(&self) {
        self.rights.changed.send_modify(|times| *times = times.wrapping_add(1));
    }

    /// Whether `actor` may give these actions over this scope: only who holds all of them there.
    ///
    /// # Errors
    /// [`EngineError::Denied`] names the first that is lacking.
    pub fn may_give(
        &self,
        actor: &Actor,
        action: &'static str,
        actions: Actions,
        scope: &Scope,
    ) -> Result<(), EngineError> {
        let lacking = actor.rights.covers(actions, scope, &self.world.read().tenants);
        lacking.map_err(|act| {
            let reason =
                format!("nobody gives or takes what he does not hold himself: {} over all of it", act.name());
            beyond(actor, action, reason)
        })
    }

    /// Whether `actor` may act on an account so that he could come to use it: only who holds all that it holds.
    ///
    /// # Errors
    /// [`EngineError::Denied`] names the first that is lacking.
    pub async fn may_act_on(
        &self,
        actor: &Actor,
        action: &'static str,
        user: &UserRow,
    ) -> Result<(), EngineError> {
        let rights = self.rights_of(user).await?;
        for grant in rights.grants().iter().filter(|grant| grant.effect == Effect::Allow) {
            self.may_give(actor, action, grant.actions, &grant.scope)?;
        }
        Ok(())
    }

    fn may_manage(&self, actor: &Actor, tenant: TenantId) -> bool {
        let path = self.world.read().tenants.path(tenant);
        path.is_some_and(|path| actor.rights.may(Act::AccessWrite, &Place::tenant(path.ids())))
    }

    /// Makes a group in a tenant.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] and [`EngineError::Conflict`] say what is wrong with it.
    pub async fn make_group(
        &self,
        permit: Permit<AccessWrite, TenantId>,
        edit: GroupEdit,
    ) -> Result<GroupRow, EngineError> {
        let (actor, tenant) = permit.into_parts();
        let (name, about) = group_words(&edit)?;
        if self.ports.store.groups().await?.len() >= GROUPS_MAX {
            return Err(EngineError::Conflict(format!(
                "there are {GROUPS_MAX} groups, and no more than that"
            )));
        }
        let now = self.now();
        let row = GroupRow { id: new_id(now), tenant, name, about, created: now, revision: 0 };
        let audit = record::draft(&actor, now, "group.create", "group", row.id)
            .within(tenant)
            .next_revision(None)
            .images_of(None, Some(&row));
        Ok(self.ports.store.put_group(row, audit).await?)
    }

    /// Renames a group.
    ///
    /// # Errors
    /// As [`Self::make_group`]; [`EngineError::NotFound`].
    pub async fn change_group(
        &self,
        permit: Permit<AccessWrite, GroupId>,
        edit: GroupEdit,
    ) -> Result<GroupRow, EngineError> {
        let (actor, id) = permit.into_parts();
        let (name, about) = group_words(&edit)?;
        let old = self.group(id).await?;
        same_revision("group", old.revision, edit.revision)?;
        let row = GroupRow { name, about, ..old.clone() };
        let audit = record::draft(&actor, self.now(), "group.change", "group", id)
            .within(old.tenant)
            .next_revision(Some(old.revision))
            .images_of(Some(&old), Some(&row));
        let row = self.ports.store.put_group(row, audit).await?;
        self.tell_rights_changed();
        Ok(row)
    }

    /// Removes a group with its memberships and grants.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Denied`] when it denies what the actor does not hold;
    /// [`EngineError::Conflict`] when nobody would be left who may do everything.
    pub async fn remove_group(&self, permit: Permit<AccessWrite, GroupId>) -> Result<(), EngineError> {
        let (actor, id) = permit.into_parts();
        let row = self.group(id).await?;
        let (held, now) = (self.held_by(id).await?, self.now());
        self.may_lift(&actor, "group.delete", &held)?;
        let draft =
            |action, kind, id: String| record::draft(&actor, now, action, kind, id).within(row.tenant);
        let mut audit = vec![draft("group.delete", "group", id.to_string()).images_of(Some(&row), None)];
        for member in self.ports.store.memberships().await?.iter().filter(|member| member.group == id) {
            let left = draft("group.remove_member", "group", id.to_string());
            audit.push(left.images_of(Some(member), None).reason("the group was removed"));
        }
        for held in &held {
            let taken = draft("grant.delete", "grant", held.grant.id.to_string());
            audit.push(taken.images_of(Some(&held.grant), None).reason("the group was removed"));
        }
        self.ports.store.delete_group(id, audit).await?;
        self.tell_rights_changed();
        Ok(())
    }

    /// Puts a person into a group. Whoever does gives all that the group holds.
    ///
    /// # Errors
    /// [`EngineError::Denied`] when that is more than the actor holds; [`EngineError::NotFound`];
    /// [`EngineError::Conflict`] when the person is in it already, or nobody would be left who may do everything.
    pub async fn add_member(
        &self,
        permit: Permit<AccessWrite, GroupId>,
        person: &UserRow,
    ) -> Result<(), EngineError> {
        let (actor, id) = permit.into_parts();
        let (row, now) = (self.group(id).await?, self.now());
        for held in self.held_by(id).await? {
            let Some(grant) = compiled(&held, now) else { continue };
            self.may_give(&actor, "group.add_member", grant.actions, &grant.scope)?;
            if grant.effect == Effect::Deny && !self.may_manage(&actor, person.tenant) {
                let reason =
                    "the group denies something, and the account is at home where you do not manage access";
                return Err(beyond(&actor, "group.add_member", reason.to_owned()));
            }
        }
        let member = MembershipRow { group: id, person: person.id, origin: LOCAL.to_owned(), since: now };
        let audit = record::draft(&actor, now, "group.add_member", "group", id)
            .within(row.tenant)
            .images_of(None, Some(&member));
        self.ports.store.put_membership(member, audit).await?;
        self.tell_rights_changed();
        Ok(())
    }

    /// Whether `actor` may let somebody else say who is in a group: only who holds all that it holds.
    ///
    /// # Errors
    /// [`EngineError::Denied`] names the first that is lacking; [`EngineError::NotFound`].
    pub async fn may_fill(
        &self,
        actor: &Actor,
        action: &'static str,
        group: GroupId,
    ) -> Result<(), EngineError> {
        let (_, now) = (self.group(group).await?, self.now());
        for grant in self.held_by(group).await?.iter().filter_map(|held| compiled(held, now)) {
            self.may_give(actor, action, grant.actions, &grant.scope)?;
        }
        Ok(())
    }

    /// Takes a person out of a group. What a provider put there, it alone takes out.
    ///
    /// # Errors
    /// [`EngineError::Denied`] when the group denies what the actor does not hold; [`EngineError::NotFound`];
    /// [`EngineError::Conflict`] when nobody would be left who may do everything.
    pub async fn remove_member(
        &self,
        permit: Permit<AccessWrite, GroupId>,
        person: UserId,
    ) -> Result<(), EngineError> {
        let (actor, id) = permit.into_parts();
        let row = self.group(id).await?;
        self.may_lift(&actor, "group.remove_member", &self.held_by(id).await?)?;
        let members = self.ports.store.memberships().await?;
        let mine = members.iter().filter(|member| member.group == id && member.person == person);
        let Some(member) = mine.clone().find(|member| member.origin == LOCAL) else {
            return Err(match mine.count() {
                0 => EngineError::NotFound { what: "the membership" },
                _ => EngineError::Conflict(
                    "a provider says that the person is in the group: change it there, or the provider's mapping here"
                        .to_owned(),
                ),
            });
        };
        let audit = record::draft(&actor, self.now(), "group.remove_member", "group", id)
            .within(row.tenant)
            .images_of(Some(member), None);
        self.ports.store.remove_membership(id, person, LOCAL, audit).await?;
        self.tell_rights_changed();
        Ok(())
    }

    /// Makes a custom role.
    ///
    /// # Errors
    /// [`EngineError::Denied`] when it has more than the actor holds everywhere; [`EngineError::Invalid`] and
    /// [`EngineError::Conflict`] say what is wrong with it.
    pub async fn make_role(
        &self,
        permit: Permit<AccessWrite, ()>,
        edit: RoleEdit,
    ) -> Result<RoleRow, EngineError> {
        let (actor, ()) = permit.into_parts();
        let (name, about) = role_words(&edit)?;
        self.may_give(&actor, "role.create", edit.actions, &Scope::everything())?;
        if self.ports.store.roles().await?.len() >= ROLES_MAX {
            return Err(EngineError::Conflict(format!("there are {ROLES_MAX} roles, and no more than that")));
        }
        let now = self.now();
        let actions = edit.actions.names().map(str::to_owned).collect();
        let row = RoleRow { id: new_id(now), name, about, actions, created: now, revision: 0 };
        let audit = record::draft(&actor, now, "role.create", "role", row.id)
            .next_revision(None)
            .images_of(None, Some(&row));
        Ok(self.ports.store.put_role(row, audit).await?)
    }

    /// Changes a custom role, and with it what everybody may who holds it.
    ///
    /// # Errors
    /// As [`Self::make_role`]; [`EngineError::NotFound`].
    pub async fn change_role(
        &self,
        permit: Permit<AccessWrite, RoleId>,
        edit: RoleEdit,
    ) -> Result<RoleRow, EngineError> {
        let (actor, id) = permit.into_parts();
        let (name, about) = role_words(&edit)?;
        let old = self.custom_role(id).await?;
        same_revision("role", old.revision, edit.revision)?;
        // It may be given by an allow or by a deny: what goes out of it counts as what goes in.
        let had: Actions = old.actions.iter().filter_map(|name| Act::parse(name)).collect();
        self.may_give(&actor, "role.change", edit.actions.or(had), &Scope::everything())?;
        let actions = edit.actions.names().map(str::to_owned).collect();
        let row = RoleRow { name, about, actions, ..old.clone() };
        let audit = record::draft(&actor, self.now(), "role.change", "role", id)
            .next_revision(Some(old.revision))
            .images_of(Some(&old), Some(&row));
        let row = self.ports.store.put_role(row, audit).await?;
        self.tell_rights_changed();
        Ok(row)
    }

    /// Removes a custom role that no grant gives.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] while a grant gives it.
    pub async fn remove_role(&self, permit: Permit<AccessWrite, RoleId>) -> Result<(), EngineError> {
        let (actor, id) = permit.into_parts();
        let old = self.custom_role(id).await?;
        let audit = record::draft(&actor, self.now(), "role.delete", "role", id).images_of(Some(&old), None);
        Ok(self.ports.store.delete_role(id, audit).await?)
    }

    /// Gives a role to somebody somewhere, or denies it. The permit is for the tenant of the scope; a deny needs the same
    /// at home of whom it is for: whoever manages a part must not shut out who manages the whole.
    ///
    /// # Errors
    /// [`EngineError::Denied`] when it is more than the actor holds; [`EngineError::Invalid`] says what is wrong with it;
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when nobody would be left who may do everything.
    pub async fn give(
        &self,
        permit: Permit<AccessWrite, TenantId>,
        edit: GrantEdit,
    ) -> Result<GrantRow, EngineError> {
        let (actor, tenant) = permit.into_parts();
        let now = self.now();
        let mut scope = edit.scope;
        scope.sections.sort_unstable();
        scope.sections.dedup();
        if scope.tenant != tenant {
            return Err(EngineError::Invalid("the permit is for another tenant".to_owned()));
        }
        let reason = clean_line(&edit.reason, 500).trim().to_owned();
        if reason.is_empty() {
            return Err(EngineError::Invalid("say why: whoever reviews access will ask".to_owned()));
        }
        if let Some(at) = edit.expires
            && (at <= now || at.as_ms().saturating_sub(now.as_ms()) > EXPIRES_MAX_MS)
        {
            return Err(EngineError::Invalid("a grant runs out later than now, within ten years".to_owned()));
        }
        let (custom, actions) = self.role_called(&edit.role).await?;
        if scope.of(actions).is_empty() {
            return Err(EngineError::Invalid("the role has no action in these sections".to_owned()));
        }
        self.may_give(&actor, "grant.create", actions, &scope)?;
        let homes = match edit.whom {
            Whom::Person(id) => {
                let user = self.ports.store.user(id).await?;
                vec![user.ok_or(EngineError::NotFound { what: "the account" })?.tenant]
            }
            Whom::Group(id) => self.homes_in(id).await?,
        };
        if edit.effect == Effect::Deny && !homes.iter().all(|home| self.may_manage(&actor, *home)) {
            let reason = "only who manages access at home of somebody may deny him something".to_owned();
            return Err(beyond(&actor, "grant.create", reason));
        }
        let (person, group) = match edit.whom {
            Whom::Person(id) => (Some(id), None),
            Whom::Group(id) => (None, Some(id)),
        };
        let row = GrantRow {
            id: new_id(now),
            person,
            group,
            effect: edit.effect.as_str().to_owned(),
            role: custom.as_ref().map_or(edit.role, |role| role.name.clone()),
            custom: custom.map(|role| role.id),
            tenant,
            selector: scope.selector.as_ref().map(ToString::to_string).unwrap_or_default(),
            host: scope.host,
            owned: scope.owned,
            sections: scope.sections.iter().map(|section| section.as_str().to_owned()).collect(),
            reason,
            created: now,
            created_by: actor.label(),
            expires: edit.expires,
        };
        let all = self.ports.store.grants().await?;
        let theirs = all.iter().filter(|grant| grant.person == person && grant.group == group);
        if theirs.count() >= GRANTS_OF_ONE_MAX {
            return Err(EngineError::Conflict(format!(
                "there are {GRANTS_OF_ONE_MAX} grants already: take some, or use a group"
            )));
        }
        let audit = record::draft(&actor, now, "grant.create", "grant", row.id)
            .within(tenant)
            .reason(&row.reason)
            .images_of(None, Some(&row));
        self.ports.store.put_grant(row.clone(), audit).await?;
        self.tell_rights_changed();
        Ok(row)
    }

    /// Takes a grant away.
    ///
    /// # Errors
    /// [`EngineError::Denied`] when it denies what the actor does not hold; [`EngineError::NotFound`];
    /// [`EngineError::Conflict`] when nobody would be left who may do everything.
    pub async fn take(&self, permit: Permit<AccessWrite, GrantId>, reason: &str) -> Result<(), EngineError> {
        let (actor, id) = permit.into_parts();
        let row = self.ports.store.grant(id).await?.ok_or(EngineError::NotFound { what: "the grant" })?;
        let actions = match row.custom {
            Some(role) => Some(self.custom_role(role).await?.actions),
            None => None,
        };
        let held = HeldRow { grant: row.clone(), through: None, actions };
        self.may_lift(&actor, "grant.delete", std::slice::from_ref(&held))?;
        let audit = record::draft(&actor, self.now(), "grant.delete", "grant", id)
            .within(row.tenant)
            .reason(clean_line(reason, 500))
            .images_of(Some(&row), None);
        self.ports.store.delete_grant(id, audit).await?;
        self.tell_rights_changed();
        Ok(())
    }

    /// Where a group, and everybody in it, is at home.
    async fn homes_in(&self, group: GroupId) -> Result<Vec<TenantId>, EngineError> {
        let mut homes = vec![self.group(group).await?.tenant];
        let members = self.ports.store.memberships().await?;
        let inside = |user: &UserRow| members.iter().any(|m| m.group == group && m.person == user.id);
        homes.extend(
            self.ports.store.users().await?.iter().filter(|user| inside(user)).map(|user| user.tenant),
        );
        homes.sort_unstable();
        homes.dedup();
        Ok(homes)
    }

    /// Rights may hang on labels and on tenants. Whoever writes a host, or moves a tenant, must not come to more by it
    /// than he held before.
    pub(crate) fn gains_nothing(
        &self,
        actor: &Actor,
        action: &'static str,
        before: Option<&Place<'_>>,
        after: Option<&Place<'_>>,
    ) -> Result<(), EngineError> {
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        let may = |act: Act, place| actor.rights.may(act, place);
        match Actions::ALL.iter().find(|act| may(*act, after) && !may(*act, before)) {
            None => Ok(()),
            Some(act) => {
                let why = format!(
                    "you would give yourself {} by it: ask somebody who holds that here already",
                    act.name()
                );
                Err(beyond(actor, action, why))
            }
        }
    }

    /// Lifting a deny gives what it withheld.
    fn may_lift(&self, actor: &Actor, action: &'static str, held: &[HeldRow]) -> Result<(), EngineError> {
        let now = self.now();
        for grant in
            held.iter().filter_map(|held| compiled(held, now)).filter(|grant| grant.effect == Effect::Deny)
        {
            self.may_give(actor, action, grant.actions, &grant.scope)?;
        }
        Ok(())
    }

    async fn group(&self, id: GroupId) -> Result<GroupRow, EngineError> {
        self.ports.store.group(id).await?.ok_or(EngineError::NotFound { what: "the group" })
    }

    async fn custom_role(&self, id: RoleId) -> Result<RoleRow, EngineError> {
        let mut roles = self.ports.store.roles().await?.into_iter();
        roles.find(|role| role.id == id).ok_or(EngineError::NotFound { what: "the role" })
    }

    async fn held_by(&self, id: GroupId) -> Result<Vec<HeldRow>, EngineError> {
        let roles = self.ports.store.roles().await?;
        let actions = |custom: Option<RoleId>| {
            custom.map(|id| {
                roles.iter().find(|role| role.id == id).map(|role| role.actions.clone()).unwrap_or_default()
            })
        };
        let grants = self.ports.store.grants().await?.into_iter().filter(|grant| grant.group == Some(id));
        let held = grants.map(|grant| HeldRow { actions: actions(grant.custom), through: None, grant });
        Ok(held.collect())
    }

    /// A role by name: a built-in one, or a custom one with its row.
    async fn role_called(&self, name: &str) -> Result<(Option<RoleRow>, Actions), EngineError> {
        if let Some(role) = Role::parse(name) {
            return Ok((None, role.actions()));
        }
        let role = self.ports.store.roles().await?.into_iter().find(|role| role.name == name);
        let role = role.ok_or(EngineError::NotFound { what: "the role" })?;
        let actions = role.actions.iter().filter_map(|name| Act::parse(name)).collect();
        Ok((Some(role), actions))
    }
}

fn same_revision(what: &str, have: i64, read: Option<i64>) -> Result<(), EngineError> {
    match read {
        Some(read) if read != have => {
            Err(EngineError::Conflict(format!("somebody else changed the {what} meanwhile: read it again")))
        }
        _ => Ok(()),
    }
}

fn group_words(edit: &GroupEdit) -> Result<(String, String), EngineError> {
    let name = clean_line(&edit.name, 100).trim().to_owned();
    if name.is_empty() {
        return Err(EngineError::Invalid("the group's name is empty: say what people call it".to_owned()));
    }
    Ok((name, clean_line(&edit.about, 500)))
}

fn role_words(edit: &RoleEdit) -> Result<(String, String), EngineError> {
    let name = edit.name.as_str();
    let fits = (2..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fits {
        let want = "a role's name is 2 to 40 of a-z, 0-9 and `-`, a letter first";
        return Err(EngineError::Invalid(want.to_owned()));
    }
    if Role::parse(name).is_some() {
        return Err(EngineError::Conflict(format!("`{name}` is a built-in role")));
    }
    if edit.actions.is_empty() {
        return Err(EngineError::Invalid("a role without actions gives nothing: choose some".to_owned()));
    }
    Ok((name.to_owned(), clean_line(&edit.about, 500)))
}

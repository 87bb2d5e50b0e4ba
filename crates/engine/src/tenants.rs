//! What people do about tenants: make, rename, move and remove them, and close them to changes for a while.

use std::collections::BTreeSet;

use wk_authz::{Permit, Place, ReadOnlySwitch, TenantWrite};
use wk_domain::tenant::TreeError;
use wk_domain::text::clean_line;
use wk_domain::{CheckId, Tenant, TenantId, TenantTree};

use crate::Engine;
use crate::error::EngineError;
use crate::ids::new_id;
use crate::live::Live;
use crate::ports::rows::HostRow;
use crate::record::{self, DraftExt};
use crate::world::World;

/// Checks that are named when they are in the way of a move; the rest is counted.
const NAMED_MAX: usize = 5;

/// What would change if a tenant moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovePreview {
    /// Tenants that move: itself and all below it.
    pub tenants: usize,
    pub hosts: usize,
    pub channels: usize,
    /// Whoever holds something at these, and not below, sees it now and no longer after the move.
    pub loses: Vec<TenantId>,
    /// Whoever holds something at these sees it after the move.
    pub gains: Vec<TenantId>,
    /// Channels of other tenants that will hear of its hosts no longer, and those that will.
    pub channels_lost: Vec<String>,
    pub channels_gained: Vec<String>,
    /// Checks that are run from an agent that would be elsewhere: they are in the way.
    pub stranded: Vec<CheckId>,
    /// Whether it would become read-only by a tenant above, or no longer be.
    pub read_only_after: bool,
}

impl From<TreeError> for EngineError {
    fn from(error: TreeError) -> Self {
        match error {
            TreeError::Absent => Self::NotFound { what: "the tenant" },
            TreeError::NoName => Self::Invalid(error.to_string()),
            TreeError::NameTaken { .. }
            | TreeError::Root
            | TreeError::Cycle
            | TreeError::TooDeep
            | TreeError::TooMany
            | TreeError::HasChildren { .. } => Self::Conflict(error.to_string()),
        }
    }
}

impl World {
    /// Whether a host may go to another tenant: every check that an agent of elsewhere runs must still be in its reach.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] names the checks; [`EngineError::NotFound`] when there is no such tenant.
    pub(crate) fn may_move(&self, host: &HostRow, to: TenantId) -> Result<(), EngineError> {
        if self.tenants.get(to).is_none() {
            return Err(EngineError::NotFound { what: "the tenant" });
        }
        let moved = |tree: &TenantTree, id: wk_domain::HostId| {
            let at = if id == host.id { to } else { self.hosts.get(&id)?.tenant };
            tree.path(at)
        };
        let stranded: Vec<CheckId> = self
            .checks
            .values()
            .filter(|entry| {
                let check = &entry.row.check;
                let Some(runner) = check.runner.and_then(|id| self.agents.get(&id)) else { return false };
                let own = runner.row.host;
                // Of both sides one moves.
                if own == check.host || (own != host.id && check.host != host.id) {
                    return false;
                }
                match (moved(&self.tenants, own), moved(&self.tenants, check.host)) {
                    (Some(agent), Some(watched)) => !watched.is_within(agent.tenant()),
                    _ => true,
                }
            })
            .map(|entry| entry.row.check.id)
            .collect();
        self.unless_stranded(&stranded)
    }

    fn unless_stranded(&self, stranded: &[CheckId]) -> Result<(), EngineError> {
        if stranded.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = stranded
            .iter()
            .take(NAMED_MAX)
            .filter_map(|id| self.checks.get(id))
            .map(|entry| entry.row.check.title.clone())
            .collect();
        let more = stranded.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(EngineError::Conflict(format!(
            "an agent runs checks of its own tenant and those below only; these would be out of reach: {}{more}. Give them \
             another agent, or remove them, first",
            names.join(", ")
        )))
    }

    /// What would change if `id` hung on `to`.
    ///
    /// # Errors
    /// As the move itself, but for checks that are in the way: those are named in the preview.
    pub fn preview_move(&self, id: TenantId, to: TenantId) -> Result<MovePreview, EngineError> {
        let old = self.tenants.get(id).ok_or(EngineError::NotFound { what: "the tenant" })?;
        let mut after = self.tenants.clone();
        after.put(Tenant { parent: Some(to), ..old.clone() })?;
        let subtree = self.tenants.subtree(id);
        let above = |tree: &TenantTree| -> BTreeSet<TenantId> {
            tree.path(id)
                .map(|path| path.ids().iter().copied().filter(|up| *up != id).collect())
                .unwrap_or_default()
        };
        let (was, will) = (above(&self.tenants), above(&after));
        let names = |of: &BTreeSet<TenantId>, but: &BTreeSet<TenantId>| -> Vec<String> {
            let mut names: Vec<String> = self
                .channels
                .values()
                .filter(|channel| of.contains(&channel.row.tenant) && !but.contains(&channel.row.tenant))
                .map(|channel| channel.row.name.clone())
                .collect();
            names.sort();
            names
        };
        let inside =
            |host| self.hosts.get(&host).is_some_and(|host: &HostRow| subtree.contains(&host.tenant));
        let stranded = self
            .checks
            .values()
            .filter(|entry| {
                let check = &entry.row.check;
                let Some(runner) = check.runner.and_then(|id| self.agents.get(&id)) else { return false };
                let own = runner.row.host;
                let at = |host| self.hosts.get(&host).map(|host: &HostRow| host.tenant);
                own != check.host
                    && inside(own) != inside(check.host)
                    && !matches!((at(own), at(check.host)), (Some(a), Some(h)) if after.is_within(h, a))
            })
            .map(|entry| entry.row.check.id)
            .collect();
        Ok(MovePreview {
            tenants: subtree.len(),
            hosts: self.hosts.values().filter(|host| subtree.contains(&host.tenant)).count(),
            channels: self.channels.values().filter(|c| subtree.contains(&c.row.tenant)).count(),
            loses: was.difference(&will).copied().collect(),
            gains: will.difference(&was).copied().collect(),
            channels_lost: names(&was, &will),
            channels_gained: names(&will, &was),
            stranded,
            read_only_after: after.read_only_by(id).is_some(),
        })
    }
}

impl Engine {
    /// Makes a tenant below the one the permit is for.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a name; [`EngineError::Conflict`] when it is taken, or the tree is too deep.
    pub async fn create_tenant(
        &self,
        permit: Permit<TenantWrite, TenantId>,
        name: &str,
    ) -> Result<Tenant, EngineError> {
        let name = TenantTree::name(name)?;
        let mut writer = self.writer().await?;
        let now = self.now();
        let parent = *permit.resource();
        let row = Tenant {
            id: new_id(now),
            parent: Some(parent),
            name,
            read_only: false,
            why: String::new(),
            revision: 0,
        };
        self.world.read().tenants.may_put(&row)?;
        let audit = record::draft(permit.actor(), now, "tenant.create", "tenant", row.id)
            .within(parent)
            .next_revision(None)
            .images_of(None, Some(&row));
        let row = writer.commit(self.ports.store.put_tenant(row, audit)).await?;
        writer.put(|world| world.tenants.put(row.clone()))?;
        self.tell([Live::Configuration]);
        Ok(row)
    }

    /// Renames a tenant.
    ///
    /// # Errors
    /// As [`Self::create_tenant`]; [`EngineError::Conflict`] when somebody was faster.
    pub async fn rename_tenant(
        &self,
        permit: Permit<TenantWrite, TenantId>,
        name: &str,
        revision: Option<i64>,
    ) -> Result<Tenant, EngineError> {
        let name = TenantTree::name(name)?;
        self.change_tenant(&permit, "tenant.change", revision, |row| row.name = name).await
    }

    /// Hangs a tenant on another, with all below it. The caller has asked at both places.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when it would be below itself, too deep, or checks would be out of their agent's reach.
    pub async fn move_tenant(
        &self,
        permit: Permit<TenantWrite, TenantId>,
        to: Permit<TenantWrite, TenantId>,
        revision: Option<i64>,
    ) -> Result<Tenant, EngineError> {
        let (id, to) = (*permit.resource(), *to.resource());
        {
            let world = self.world.read();
            let preview = world.preview_move(id, to)?;
            world.unless_stranded(&preview.stranded)?;
            let after = world.tenants.path(to).map(|path| [path.ids(), &[id]].concat());
            let after = after.as_deref().map(Place::tenant);
            let before = world.place_of_tenant(id);
            self.gains_nothing(permit.actor(), permit.action(), before.as_ref(), after.as_ref())?;
        }
        self.change_tenant(&permit, "tenant.move", revision, |row| row.parent = Some(to)).await
    }

    /// Closes a tenant and all below it to changes of configuration, or opens it again. At the root: the whole server.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] without a reason; [`EngineError::Conflict`] when it is so already.
    pub async fn set_read_only(
        &self,
        permit: Permit<ReadOnlySwitch, TenantId>,
        read_only: bool,
        why: &str,
    ) -> Result<Tenant, EngineError> {
        let why = clean_line(why, 500).trim().to_owned();
        if why.is_empty() {
            return Err(EngineError::Invalid("say why: whoever is refused a change reads it".to_owned()));
        }
        let id = *permit.resource();
        {
            let world = self.world.read();
            let row = world.tenants.get(id).ok_or(EngineError::NotFound { what: "the tenant" })?;
            if row.read_only == read_only {
                let word = if read_only { "read-only" } else { "open to changes" };
                let title = world.title_for(permit.actor(), id);
                return Err(EngineError::Conflict(format!("{title} is {word} already")));
            }
        }
        let (action, kept) =
            if read_only { ("read_only.begin", why.clone()) } else { ("read_only.end", String::new()) };
        let mut writer = self.writer().await?;
        let now = self.now();
        let old = self.tenant(id)?;
        let row = Tenant { read_only, why: kept, ..old.clone() };
        let audit = record::draft(permit.actor(), now, action, "tenant", id)
            .within(id)
            .reason(why)
            .next_revision(Some(old.revision))
            .images_of(Some(&old), Some(&row));
        let row = writer.commit(self.ports.store.put_tenant(row, audit)).await?;
        writer.put(|world| world.tenants.put(row.clone()))?;
        self.push_assignments();
        self.tell([Live::Configuration]);
        Ok(row)
    }

    /// Removes a tenant that holds nothing.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] names what it holds.
    pub async fn remove_tenant(&self, permit: Permit<TenantWrite, TenantId>) -> Result<(), EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let id = *permit.resource();
        self.world.read().tenants.may_remove(id)?;
        let old = self.tenant(id)?;
        let audit = record::draft(permit.actor(), now, "tenant.delete", "tenant", id)
            .within(old.parent.unwrap_or(TenantId::ROOT))
            .images_of(Some(&old), None);
        writer.commit(self.ports.store.delete_tenant(id, audit)).await?;
        writer.put(|world| world.tenants.remove(id))?;
        self.tell([Live::Configuration]);
        Ok(())
    }

    fn tenant(&self, id: TenantId) -> Result<Tenant, EngineError> {
        self.world.read().tenants.get(id).cloned().ok_or(EngineError::NotFound { what: "the tenant" })
    }

    async fn change_tenant(
        &self,
        permit: &Permit<TenantWrite, TenantId>,
        action: &'static str,
        revision: Option<i64>,
        change: impl FnOnce(&mut Tenant),
    ) -> Result<Tenant, EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let old = self.tenant(*permit.resource())?;
        if revision.is_some_and(|read| read != old.revision) {
            return Err(EngineError::Conflict(
                "somebody else changed the tenant meanwhile: read it again".to_owned(),
            ));
        }
        let mut row = old.clone();
        change(&mut row);
        self.world.read().tenants.may_put(&row)?;
        let audit = record::draft(permit.actor(), now, action, "tenant", row.id)
            .within(row.id)
            .next_revision(Some(old.revision))
            .images_of(Some(&old), Some(&row));
        let row = writer.commit(self.ports.store.put_tenant(row, audit)).await?;
        writer.put(|world| world.tenants.put(row.clone()))?;
        self.tell([Live::Configuration]);
        Ok(row)
    }
}

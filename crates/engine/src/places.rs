//! Where things are: what a right is asked about. And what of a list somebody sees.
//!
//! A place is borrowed from the world. What is not in the world (any more) has none, and then nobody may do anything to
//! it: whoever asks gets the same words as for what never was.

use wk_authz::{Act, Actor, Place, Sight, Split};
use wk_domain::{AgentId, ChannelId, CheckId, DowntimeId, HostId, Labels, TenantId, UserId};

use crate::ports::TenantScope;
use crate::ports::rows::{EventRow, HostRow};
use crate::world::World;

impl World {
    /// A tenant itself, or what belongs to it and is no host's.
    pub fn place_of_tenant(&self, id: TenantId) -> Option<Place<'_>> {
        Some(Place::tenant(self.tenants.path_ref(id)?.ids()))
    }

    /// A host, with all that hangs on it.
    pub fn place_of_host(&self, id: HostId) -> Option<Place<'_>> {
        let host = self.hosts.get(&id)?;
        self.place_if(host.tenant, Some(id), &host.labels)
    }

    /// Where a host would be that is not there, or not yet so.
    pub fn place_if<'a>(
        &'a self,
        tenant: TenantId,
        host: Option<HostId>,
        labels: &'a Labels,
    ) -> Option<Place<'a>> {
        let tenants = self.tenants.path_ref(tenant)?.ids();
        Some(Place { tenants, host, labels, owner: None })
    }

    /// A check is where its host is.
    pub fn place_of_check(&self, id: CheckId) -> Option<Place<'_>> {
        self.place_of_host(self.checks.get(&id)?.row.check.host)
    }

    /// An agent is where its host is.
    pub fn place_of_agent(&self, id: AgentId) -> Option<Place<'_>> {
        self.place_of_host(self.agents.get(&id)?.row.host)
    }

    /// A channel is its tenant's.
    pub fn place_of_channel(&self, id: ChannelId) -> Option<Place<'_>> {
        self.place_of_tenant(self.channels.get(&id)?.row.tenant)
    }

    /// A downtime is where its host is.
    pub fn place_of_downtime(&self, id: DowntimeId) -> Option<Place<'_>> {
        self.place_of_host(self.downtimes.get(&id)?.host)
    }

    /// An account, at home in a tenant. It is its own: whoever may see what is his may see himself.
    pub fn place_of_person(&self, id: UserId, home: TenantId) -> Option<Place<'_>> {
        Some(self.place_of_tenant(home)?.owned_by(id))
    }

    /// What `actor` sees by `act`.
    pub fn view_of(&self, actor: &Actor, act: Act) -> View<'_> {
        let sight = actor.rights.sight(act);
        if sight.is_all() {
            let whole = TenantScope::whole();
            return View { world: self, sight, scope: whole.clone(), entire: whole, in_part: false };
        }
        let Split { whole, part } = sight.split(&self.tenants);
        let scope = TenantScope::of(whole.iter().chain(&part).copied());
        View { world: self, sight, scope, entire: TenantScope::of(whole), in_part: !part.is_empty() }
    }

    /// Whether the agent may run checks of a host: its own, and those of its tenant and below. A tenant's agent never
    /// looks sideways or up.
    pub fn runner_reaches(&self, runner: AgentId, host: HostId) -> bool {
        let Some(agent) = self.agents.get(&runner) else { return false };
        let at = |id: HostId| self.hosts.get(&id).map(|host| host.tenant);
        agent.row.host == host
            || matches!((at(agent.row.host), at(host)), (Some(own), Some(theirs)) if self.tenants.is_within(theirs, own))
    }

    /// Whether a channel hears of a host: of its tenant's, and of those below.
    pub fn channel_hears(&self, channel: TenantId, host: HostId) -> bool {
        self.hosts.get(&host).is_some_and(|host| self.tenants.is_within(host.tenant, channel))
    }

    /// A tenant's name for somebody: the names on the way to it, of those that he sees.
    pub fn title_for(&self, actor: &Actor, id: TenantId) -> String {
        let Some(path) = self.tenants.path_ref(id) else { return String::new() };
        let sees = |at: TenantId| {
            self.place_of_tenant(at).is_some_and(|place| actor.rights.may(Act::TenantRead, &place))
        };
        let named = |at: &&TenantId| **at == id || (**at != TenantId::ROOT && sees(**at));
        let names = path.ids().iter().filter(named).filter_map(|at| self.tenants.get(*at));
        names.map(|tenant| tenant.name.as_str()).collect::<Vec<_>>().join(" / ")
    }

    /// The one tenant on the way to `tenant` that is read-only, with why.
    pub fn read_only(&self, tenant: TenantId) -> Option<(String, String)> {
        let by = self.tenants.read_only_by(tenant)?;
        Some((self.tenants.title(by.id), by.why.clone()))
    }
}

/// What somebody sees of the world by one action, for one list.
#[derive(Debug)]
pub struct View<'w> {
    world: &'w World,
    sight: Sight,
    scope: TenantScope,
    entire: TenantScope,
    /// Of some of these tenants not everything is seen.
    in_part: bool,
}

impl View<'_> {
    /// The tenants whose rows a statement may show. Of some there may be less to see: ask [`Self::stored`] of each row.
    pub fn scope(&self) -> &TenantScope {
        &self.scope
    }

    /// The tenants of which everything is seen: for rows that are a tenant's and no host's.
    pub fn entire(&self) -> TenantScope {
        self.entire.clone()
    }

    /// Everything is seen.
    pub fn is_all(&self) -> bool {
        self.sight.is_all()
    }

    /// Whether the host is seen, with what hangs on it.
    pub fn host(&self, id: HostId) -> bool {
        self.sight.is_all() || self.world.place_of_host(id).is_some_and(|place| self.sight.sees(&place))
    }

    /// The same for one at hand.
    pub fn row(&self, host: &HostRow) -> bool {
        self.sight.is_all()
            || self
                .world
                .place_if(host.tenant, Some(host.id), &host.labels)
                .is_some_and(|place| self.sight.sees(&place))
    }

    pub fn check(&self, id: CheckId) -> bool {
        self.world.checks.get(&id).is_some_and(|entry| self.host(entry.row.check.host))
    }

    pub fn agent(&self, id: AgentId) -> bool {
        self.world.agents.get(&id).is_some_and(|entry| self.host(entry.row.host))
    }

    /// What belongs to a tenant and is no host's.
    pub fn tenant(&self, id: TenantId) -> bool {
        self.sight.is_all() || self.world.place_of_tenant(id).is_some_and(|place| self.sight.sees(&place))
    }

    /// Something of a tenant that is somebody's.
    pub fn owned(&self, id: TenantId, owner: UserId) -> bool {
        self.sight.is_all()
            || self.world.place_of_tenant(id).is_some_and(|place| self.sight.sees(&place.owned_by(owner)))
    }

    /// A new event. One of no host is the server's own; of a host that is gone, the store alone knows where it was, so
    /// here only those see it who see everything.
    pub fn event(&self, row: &EventRow) -> bool {
        match row.host {
            Some(host) => self.host(host),
            None => self.tenant(TenantId::ROOT),
        }
    }

    /// A row of a host, or of none, that a statement gave out by [`Self::scope`]. Where tenants are seen whole there is
    /// nothing left to ask, so that the history of a host that is gone stays; else it must be a host that is seen.
    pub fn stored(&self, host: Option<HostId>) -> bool {
        !self.in_part || host.map_or_else(|| self.tenant(TenantId::ROOT), |host| self.host(host))
    }

    /// Whether what a statement gave out by [`Self::scope`] must be looked at row by row.
    pub const fn is_in_part(&self) -> bool {
        self.in_part
    }
}

//! The hot state: everything a decision needs, in memory, as the store has it.
//!
//! Readers take the lock shortly; the one writer changes it only after the store has committed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use wk_domain::check_state::CheckState;
use wk_domain::decision::Downtime;
use wk_domain::{AgentId, ChannelId, CheckId, DowntimeId, HostId, Status, TenantId, TenantTree, Timestamp};

use crate::latest::Latest;
use crate::ports::rows::{
    AckRow, AgentRow, ChannelRow, CheckRow, CheckStateRow, DowntimeRow, HostRow, Standing,
};

/// A check with its state and who took charge.
#[derive(Debug, Clone)]
pub struct CheckEntry {
    pub row: CheckRow,
    pub state: CheckStateRow,
    pub ack: Option<AckRow>,
}

/// An open link.
#[derive(Debug, Clone)]
pub struct LinkEntry {
    pub number: u64,
    pub address: SocketAddr,
    pub serial: String,
    pub opened: Timestamp,
    pub heard: Timestamp,
    /// The agent's clock minus ours, milliseconds, as measured last on this link.
    pub clock_offset_ms: i64,
}

/// An agent with its link, if it has one.
#[derive(Debug, Clone)]
pub struct AgentEntry {
    pub row: AgentRow,
    pub link: Option<LinkEntry>,
    /// When the last link closed, or this program started.
    pub silent_since: Timestamp,
}

impl AgentEntry {
    /// Linked, and trusted.
    pub fn connected(&self) -> bool {
        self.link.is_some() && self.row.standing == Standing::Active
    }
}

/// A channel, with what it wants to hear.
#[derive(Debug, Clone)]
pub struct ChannelEntry {
    pub row: ChannelRow,
    pub severities: Vec<Status>,
}

/// The addresses of each interface of a host.
pub type Interfaces = BTreeMap<String, Vec<String>>;

/// Everything.
#[derive(Debug, Default)]
pub struct World {
    pub hosts: HashMap<HostId, HostRow>,
    /// By tenant: two of them may each have a `web-1`.
    pub host_names: HashMap<(TenantId, String), HostId>,
    pub tenants: TenantTree,
    pub checks: HashMap<CheckId, CheckEntry>,
    pub checks_of: HashMap<HostId, Vec<CheckId>>,
    pub check_keys: HashMap<HostId, HashMap<String, CheckId>>,
    pub agents: HashMap<AgentId, AgentEntry>,
    pub downtimes: HashMap<DowntimeId, DowntimeRow>,
    pub channels: HashMap<ChannelId, ChannelEntry>,
    pub denied_serials: HashSet<String>,
    pub latest: HashMap<HostId, Latest>,
    /// Of hosts whose interfaces changed since this program started; read when that is asked first.
    pub interfaces: HashMap<HostId, Interfaces>,
    /// When each inventory section of a host last began anew.
    pub baselines: HashMap<(HostId, String), Timestamp>,
    /// Grows with every change of hosts, checks or channels, as the store counts them; traces name it.
    pub revision: u64,
}

impl World {
    /// Puts a host in, new or changed.
    pub fn put_host(&mut self, host: HostRow) {
        if let Some(old) = self.hosts.get(&host.id)
            && (old.tenant, &old.name) != (host.tenant, &host.name)
        {
            self.host_names.remove(&(old.tenant, old.name.clone()));
        }
        self.host_names.insert((host.tenant, host.name.clone()), host.id);
        self.hosts.insert(host.id, host);
        self.revision += 1;
    }

    /// Takes a host out with all that hangs on it.
    pub fn remove_host(&mut self, id: HostId) {
        if let Some(host) = self.hosts.remove(&id) {
            self.host_names.remove(&(host.tenant, host.name));
        }
        for check in self.checks_of.remove(&id).unwrap_or_default() {
            self.checks.remove(&check);
        }
        self.check_keys.remove(&id);
        self.latest.remove(&id);
        self.interfaces.remove(&id);
        self.downtimes.retain(|_, downtime| downtime.host != id);
        self.revision += 1;
    }

    /// Puts a check in, new or changed; a new one is pending.
    pub fn put_check(&mut self, row: CheckRow) {
        let (id, host) = (row.check.id, row.check.host);
        if let Some(entry) = self.checks.get_mut(&id) {
            if entry.row.check.key != row.check.key {
                let keys = self.check_keys.entry(host).or_default();
                keys.remove(&entry.row.check.key);
                keys.insert(row.check.key.clone(), id);
            }
            entry.row = row;
        } else {
            self.checks_of.entry(host).or_default().push(id);
            self.check_keys.entry(host).or_default().insert(row.check.key.clone(), id);
            let state = pending_state(id, host);
            self.checks.insert(id, CheckEntry { row, state, ack: None });
        }
        self.revision += 1;
    }

    /// Takes a check out.
    pub fn remove_check(&mut self, id: CheckId) {
        if let Some(entry) = self.checks.remove(&id) {
            let host = entry.row.check.host;
            if let Some(list) = self.checks_of.get_mut(&host) {
                list.retain(|check| *check != id);
            }
            if let Some(keys) = self.check_keys.get_mut(&host) {
                keys.remove(&entry.row.check.key);
            }
            self.downtimes.retain(|_, downtime| downtime.check != Some(id));
        }
        self.revision += 1;
    }

    /// Puts a channel in, new or changed.
    pub fn put_channel(&mut self, channel: ChannelEntry) {
        self.channels.insert(channel.row.id, channel);
        self.revision += 1;
    }

    /// Takes a channel out.
    pub fn remove_channel(&mut self, id: ChannelId) {
        self.channels.remove(&id);
        self.revision += 1;
    }

    /// The check of a host with a key.
    pub fn check_by_key(&self, host: HostId, key: &str) -> Option<CheckId> {
        self.check_keys.get(&host)?.get(key).copied()
    }

    /// Whether the agent that is to report on the check is connected. A check that the server judges depends on the
    /// host's own agent, and is cut off when the host has none any more.
    pub fn runner_connected(&self, entry: &CheckEntry) -> bool {
        let runner =
            entry.row.check.runner.or_else(|| self.hosts.get(&entry.row.check.host).and_then(|h| h.agent));
        runner.is_some_and(|agent| self.agents.get(&agent).is_some_and(AgentEntry::connected))
    }

    /// Downtimes in effect at `now` of the check itself and of its host; of several, the one that ends last.
    pub fn downtimes_at(
        &self,
        check: CheckId,
        host: HostId,
        now: Timestamp,
    ) -> (Option<Downtime>, Option<Downtime>) {
        let (mut own, mut whole): (Option<Downtime>, Option<Downtime>) = (None, None);
        for row in self.downtimes.values().filter(|d| d.host == host && d.start <= now && now < d.end) {
            let slot = match row.check {
                Some(id) if id == check => &mut own,
                Some(_) => continue,
                None => &mut whole,
            };
            if slot.is_none_or(|present| present.until < row.end) {
                *slot = Some(Downtime { until: row.end });
            }
        }
        (own, whole)
    }

    /// Whether the check or its host is in a downtime at `now`.
    pub fn in_downtime(&self, check: CheckId, host: HostId, now: Timestamp) -> bool {
        let (own, whole) = self.downtimes_at(check, host, now);
        own.is_some() || whole.is_some()
    }
}

/// The state of a check without results.
pub fn pending_state(check: CheckId, host: HostId) -> CheckStateRow {
    CheckStateRow {
        check,
        host,
        state: CheckState::pending(),
        reason: String::new(),
        output: String::new(),
        long_output: String::new(),
        metrics_json: "[]".to_owned(),
    }
}

/// A name for lists: the host's, or its id when it is gone.
pub fn host_name(world: &World, id: HostId) -> Arc<str> {
    world.hosts.get(&id).map_or_else(|| id.to_string().into(), |host| host.name.as_str().into())
}

//! From the world to the wire: how checks, hosts, agents and events look to people.

use std::collections::BTreeMap;

use wk_domain::check_state::StateType;
use wk_domain::{CheckId, HostId, Status, Timestamp};
use wk_engine::filter::{Filter, Subject};
use wk_engine::places::View;
use wk_engine::ports::rows::{AgentRow, EventRow, Standing};
use wk_engine::world::{AgentEntry, CheckEntry, World};

use crate::dto::{
    Acknowledgement, Agent, AgentPlugin, CheckDetail, CheckStatus, CheckView, Event, HostRef, HostView,
    PerfValue, ProblemCounts,
};
use crate::time;

pub(crate) fn status(status: Option<Status>) -> CheckStatus {
    match status {
        None => CheckStatus::Pending,
        Some(Status::Ok) => CheckStatus::Ok,
        Some(Status::Warning) => CheckStatus::Warning,
        Some(Status::Critical) => CheckStatus::Critical,
        Some(Status::Unknown) => CheckStatus::Unknown,
    }
}

fn status_word(status: Option<Status>) -> &'static str {
    status.map_or("pending", Status::as_str)
}

fn host_ref(world: &World, id: HostId) -> HostRef {
    let name = world.hosts.get(&id).map_or_else(|| id.to_string(), |host| host.name.clone());
    HostRef { id: id.to_string(), name }
}

pub(crate) fn check(world: &World, entry: &CheckEntry, now: Timestamp) -> CheckView {
    let (check, state) = (&entry.row.check, &entry.state.state);
    let in_downtime = world.in_downtime(check.id, check.host, now);
    let ack = entry.ack.as_ref().filter(|_| state.ack_at(now).is_some());
    CheckView {
        id: check.id.to_string(),
        host: host_ref(world, check.host),
        key: check.key.clone(),
        title: check.title.clone(),
        kind: check.kind.as_str().to_owned(),
        status: status(state.status),
        state_type: state.state_type.as_str().to_owned(),
        attempt: state.attempt,
        max_attempts: check.retry.max_attempts,
        since: state.since.map(time::write),
        last_checked_at: state.last_checked.map(time::write),
        next_due_at: state.next_due.map(time::write),
        reason: entry.state.reason.clone(),
        no_data_since: state.stale.map(|stale| time::write(stale.since)),
        output: entry.state.output.clone(),
        flapping: state.flap.flapping,
        acknowledgement: ack.map(|ack| Acknowledgement {
            by: ack.by.clone(),
            at: time::write(ack.at),
            note: ack.note.clone(),
            sticky: ack.sticky,
            expires_at: ack.expires.map(time::write),
        }),
        in_downtime,
        handled: in_downtime || ack.is_some(),
        enabled: check.enabled,
        can_recheck: check.runner.is_some(),
    }
}

pub(crate) fn check_detail(world: &World, entry: &CheckEntry, now: Timestamp) -> CheckDetail {
    let check_row = &entry.row.check;
    CheckDetail {
        view: check(world, entry, now),
        long_output: entry.state.long_output.clone(),
        metrics: serde_json::from_str::<Vec<PerfValue>>(&entry.state.metrics_json).unwrap_or_default(),
        interval_s: check_row.retry.interval.as_secs(),
        retry_interval_s: check_row.retry.retry_interval.as_secs(),
        runner: check_row.runner.map(|agent| agent.to_string()),
        spec: wk_engine::image::without_secrets(
            serde_json::from_str(&entry.row.spec_json).unwrap_or_default(),
        ),
        notifications_sent: entry.state.state.notification_number,
        revision: entry.row.revision,
    }
}

/// Whether the entry passes the filter.
pub(crate) fn matches(world: &World, entry: &CheckEntry, filter: &Filter, now: Timestamp) -> bool {
    if filter.is_empty() {
        return true;
    }
    let (row, state) = (&entry.row.check, &entry.state.state);
    let host = world.hosts.get(&row.host);
    filter.matches(&Subject {
        state: status_word(state.status),
        host: host.map_or("", |host| host.name.as_str()),
        key: &row.key,
        title: &row.title,
        kind: row.kind.as_str(),
        state_type: state.state_type.as_str(),
        output: &entry.state.output,
        fields: host.map_or(&[], |host| host.fields.as_slice()),
        labels: host.map(|host| &host.labels),
        acknowledged: state.ack_at(now).is_some(),
        in_downtime: world.in_downtime(row.id, row.host, now),
        flapping: state.flap.flapping,
        no_data: state.stale.is_some(),
    })
}

/// Worst first, unhandled before handled, then the newest change.
pub(crate) fn sort(world: &World, checks: &mut [CheckId], now: Timestamp) {
    checks.sort_by_cached_key(|id| {
        let Some(entry) = world.checks.get(id) else { return (true, u8::MAX, i64::MAX, String::new(), *id) };
        let state = &entry.state.state;
        let handled = state.ack_at(now).is_some() || world.in_downtime(*id, entry.row.check.host, now);
        let severity =
            state.status.map_or(0, Status::severity) * 2 + u8::from(state.state_type == StateType::Hard);
        let problem = state.is_problem();
        let since = state.since.map_or(0, Timestamp::as_ms);
        // The id last: what is equal otherwise must not come in an order that depends on what else there is in the world.
        (handled && problem, u8::MAX - severity, -since, entry.row.check.title.clone(), *id)
    });
}

pub(crate) fn counts<'a>(
    world: &World,
    entries: impl Iterator<Item = &'a CheckEntry>,
    now: Timestamp,
) -> ProblemCounts {
    let mut counts = ProblemCounts::default();
    for entry in entries.filter(|entry| entry.row.check.enabled) {
        let state = &entry.state.state;
        match state.status {
            None => counts.pending += 1,
            Some(Status::Ok) => counts.ok += 1,
            Some(Status::Warning) => counts.warning += 1,
            Some(Status::Critical) => counts.critical += 1,
            Some(Status::Unknown) => counts.unknown += 1,
        }
        if state.is_problem()
            && (state.ack_at(now).is_some()
                || world.in_downtime(entry.row.check.id, entry.row.check.host, now))
        {
            counts.handled += 1;
        }
    }
    counts
}

/// The worst status of a host's checks that nobody handles; pending when nothing is known.
pub(crate) fn host_status(world: &World, host: HostId, now: Timestamp) -> CheckStatus {
    let mut worst: Option<Status> = None;
    for id in world.checks_of.get(&host).into_iter().flatten() {
        let Some(entry) = world.checks.get(id).filter(|entry| entry.row.check.enabled) else { continue };
        let state = &entry.state.state;
        let Some(mut found) = state.status else { continue };
        let handled = state.ack_at(now).is_some() || world.in_downtime(*id, host, now);
        if handled || state.state_type == StateType::Soft {
            found = Status::Ok;
        }
        worst = Some(worst.map_or(found, |worst| worst.worst(found)));
    }
    status(worst)
}

/// Problems of a host that are confirmed and that nobody handles: what its status is made of.
pub(crate) fn open_problems(world: &World, host: HostId, now: Timestamp) -> u32 {
    let entries = world.checks_of.get(&host).into_iter().flatten().filter_map(|id| world.checks.get(id));
    let open = entries.filter(|entry| {
        let (check, state) = (&entry.row.check, &entry.state.state);
        check.enabled
            && state.is_hard_problem()
            && state.ack_at(now).is_none()
            && !world.in_downtime(check.id, host, now)
    });
    u32::try_from(open.count()).unwrap_or(u32::MAX)
}

pub(crate) fn host(world: &World, id: HostId, now: Timestamp) -> Option<HostView> {
    let row = world.hosts.get(&id)?;
    let agent = row.agent.and_then(|agent| world.agents.get(&agent));
    let entries = world.checks_of.get(&id).into_iter().flatten().filter_map(|check| world.checks.get(check));
    Some(HostView {
        id: id.to_string(),
        name: row.name.clone(),
        status: host_status(world, id, now),
        problems: counts(world, entries, now),
        os: row.os.clone(),
        addresses: row.addresses.clone(),
        agent: row.agent.map(|agent| agent.to_string()),
        connected: agent.is_some_and(AgentEntry::connected),
        last_seen_at: agent
            .and_then(|agent| agent.link.as_ref().map(|l| l.heard).or(agent.row.last_seen))
            .map(time::write),
        fields: row.fields.iter().cloned().collect(),
        labels: row.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        tenant: row.tenant.to_string(),
        in_downtime: world
            .downtimes
            .values()
            .any(|d| d.host == id && d.check.is_none() && d.start <= now && now < d.end),
        revision: row.revision,
    })
}

pub(crate) fn event(world: &World, row: &EventRow) -> Event {
    Event {
        id: row.id.to_string(),
        at: time::write(row.at),
        host: row.host.map(|host| host_ref(world, host)),
        check: row.check.map(|check| check.to_string()),
        check_title: row
            .check
            .and_then(|id| world.checks.get(&id))
            .map(|entry| entry.row.check.title.clone()),
        kind: row.kind.clone(),
        severity: row.severity.clone(),
        summary: row.summary.clone(),
        detail: serde_json::from_str(&row.detail_json).unwrap_or_default(),
    }
}

pub(crate) fn agent(world: &World, entry: &AgentEntry) -> Agent {
    let row: &AgentRow = &entry.row;
    Agent {
        id: row.id.to_string(),
        host: host_ref(world, row.host),
        standing: row.standing.as_str().to_owned(),
        connected: entry.link.is_some() && row.standing != Standing::Revoked,
        grants: row.grants.clone(),
        version: row.version.clone(),
        os: row.os.clone(),
        enrolled_at: time::write(row.enrolled),
        last_seen_at: entry.link.as_ref().map(|link| link.heard).or(row.last_seen).map(time::write),
        last_address: row.last_address.clone(),
        cert_serial: row.cert_serial.clone(),
        cert_not_after: time::write(row.cert_not_after),
        remote_off: row.remote_off,
        read_only: row.read_only,
        plugins: row
            .plugins
            .iter()
            .map(|(name, sha256, params)| AgentPlugin {
                name: name.clone(),
                sha256: sha256.clone(),
                params: params.clone(),
            })
            .collect(),
        committed_seq: row.committed_seq,
    }
}

/// Values and labels that complete the last word of a filter.
pub(crate) fn complete(world: &World, seen: &View<'_>, text: &str) -> Vec<(String, String)> {
    use wk_engine::filter::{FLAGS, KEYS, KINDS, STATES};
    let word = text.rsplit(' ').next().unwrap_or_default();
    let (minus, word) = word.strip_prefix('-').map_or(("", word), |rest| ("-", rest));
    let word = word.to_lowercase();
    let hosts = || world.hosts.values().filter(|host| seen.row(host));
    let mut out: Vec<(String, String)> = Vec::new();
    let mut offer = |value: String, label: &str| {
        if out.len() < 20 && value.starts_with(&word) && value != word {
            out.push((format!("{minus}{value}"), label.to_owned()));
        }
    };
    match word.split_once(':') {
        Some(("state", _)) => STATES.iter().for_each(|s| offer(format!("state:{s}"), "state")),
        Some(("kind", _)) => KINDS.iter().for_each(|s| offer(format!("kind:{s}"), "kind of check")),
        Some(("type", _)) => {
            ["soft", "hard"].iter().for_each(|s| offer(format!("type:{s}"), "confirmed or not"))
        }
        Some(("host", _)) => {
            let mut names: Vec<&str> = hosts().map(|host| host.name.as_str()).collect();
            names.sort_unstable();
            // Two tenants may each have one of the name.
            names.dedup();
            names.iter().for_each(|name| offer(format!("host:{name}"), "host"));
        }
        Some(("check", _)) => {
            let keys: std::collections::BTreeSet<&str> = world
                .checks
                .values()
                .filter(|entry| seen.host(entry.row.check.host))
                .map(|entry| entry.row.check.key.as_str())
                .collect();
            keys.iter().for_each(|key| offer(format!("check:{}", key.to_lowercase()), "check"));
        }
        _ => {
            KEYS[..5].iter().for_each(|key| offer(format!("{key}:"), "…"));
            FLAGS.iter().for_each(|flag| offer((*flag).to_owned(), "only these"));
            let fields: std::collections::BTreeSet<String> =
                hosts().flat_map(|host| host.fields.iter().map(|(name, _)| name.to_lowercase())).collect();
            fields.iter().for_each(|name| offer(format!("field.{name}:"), "host field"));
            let labels: std::collections::BTreeSet<&str> =
                hosts().flat_map(|host| host.labels.iter().map(|(name, _)| name)).collect();
            labels.iter().for_each(|name| offer(format!("label.{name}:"), "host label"));
        }
    }
    out
}

/// Fields of an inventory item.
pub(crate) fn fields(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}

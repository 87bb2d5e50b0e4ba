//! One round of changes: results in, one [`IngestCommit`] out. Pure computation over the [`World`]; the caller commits
//! it and only then puts it into the world.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::json;
use wk_domain::check_state::{AckEnd, Applied, Context};
use wk_domain::decision::{self, Decision, GateInput, Notice, Release, Verdict};
use wk_domain::{CheckId, CheckResult, HostId, ResultReason, Status, TenantId, Timestamp};

use crate::ids::new_id;
use crate::live::Live;
use crate::perf_json;
use crate::ports::rows::{CheckStateRow, EventRow, IngestCommit, OutboxRow};
use crate::world::{CheckEntry, Interfaces, World, host_name};

/// A round under way.
#[derive(Debug)]
pub(crate) struct Round<'a> {
    pub(crate) world: &'a World,
    pub(crate) now: Timestamp,
    pub(crate) commit: IngestCommit,
    /// Checks made in this round: not in the world yet.
    pub(crate) new: HashMap<CheckId, CheckEntry>,
    states: HashMap<CheckId, CheckStateRow>,
    /// Notices of each check in this round: they are written down a millisecond apart, in their order.
    notices: HashMap<CheckId, u64>,
    pub(crate) live: Vec<Live>,
    /// Inventory sections that began anew in this round.
    pub(crate) baseline: HashSet<(HostId, String)>,
    /// Interfaces of hosts that sent some in this round.
    pub(crate) interfaces: HashMap<HostId, Interfaces>,
}

impl<'a> Round<'a> {
    pub(crate) fn new(world: &'a World, now: Timestamp) -> Self {
        Self {
            world,
            now,
            commit: IngestCommit::default(),
            new: HashMap::new(),
            states: HashMap::new(),
            notices: HashMap::new(),
            live: Vec::new(),
            baseline: HashSet::new(),
            interfaces: HashMap::new(),
        }
    }

    fn entry(&self, check: CheckId) -> Option<&CheckEntry> {
        self.new.get(&check).or_else(|| self.world.checks.get(&check))
    }

    fn state(&self, check: CheckId) -> Option<CheckStateRow> {
        self.states.get(&check).cloned().or_else(|| self.entry(check).map(|entry| entry.state.clone()))
    }

    /// Folds a result in.
    pub(crate) fn result(&mut self, check: CheckId, result: CheckResult) {
        let (Some(entry), Some(row)) = (self.entry(check), self.state(check)) else { return };
        if !entry.row.check.enabled {
            return;
        }
        let applied = row.state.apply(&result, &entry.row.check.retry, Context { now: self.now });
        if applied.rejected.is_some() {
            self.states.insert(check, CheckStateRow { state: applied.state, ..row });
            return;
        }
        let next = CheckStateRow {
            state: applied.state,
            reason: result.reason.as_ref().map(ToString::to_string).unwrap_or_default(),
            output: result.output,
            long_output: result.long_output,
            metrics_json: perf_json::write(&result.metrics),
            ..row
        };
        self.settle(check, next, &applied, None);
    }

    /// No result came in time.
    pub(crate) fn stale(&mut self, check: CheckId, agent_connected: bool) {
        let Some(row) = self.state(check) else { return };
        let applied = row.state.mark_stale(self.now, agent_connected);
        let mut next = CheckStateRow { state: applied.state, ..row };
        if agent_connected {
            next.reason = ResultReason::Stale.to_string();
            next.output = "No result came in time; the agent is connected.".to_owned();
            next.long_output.clear();
        }
        self.settle(check, next, &applied, None);
    }

    /// An acknowledgement ended by itself.
    pub(crate) fn expire_ack(&mut self, check: CheckId) {
        let Some(row) = self.state(check) else { return };
        let Some(state) = row.state.expire_ack(self.now) else { return };
        self.commit.clear_acks.push(check);
        self.states.insert(check, CheckStateRow { state, ..row });
        self.event(
            check,
            "unack",
            "info",
            "The acknowledgement ended".to_owned(),
            json!({"cause": "expired"}),
        );
        self.reconsider(check, Release::AckExpired);
    }

    /// Something that held a notification back may be gone.
    pub(crate) fn reconsider(&mut self, check: CheckId, release: Release) {
        let Some(row) = self.state(check) else { return };
        let applied = Applied {
            state: row.state,
            transition: None,
            rejected: None,
            ack_ended: None,
            flapping_changed: None,
        };
        self.settle(check, row, &applied, Some(release));
    }

    /// Asks the gates, writes what follows.
    fn settle(
        &mut self,
        check: CheckId,
        mut row: CheckStateRow,
        applied: &Applied,
        release: Option<Release>,
    ) {
        let Some(entry) = self.entry(check) else { return };
        let (check_downtime, host_downtime) = self.world.downtimes_at(check, row.host, self.now);
        let input = GateInput {
            now: self.now,
            kind: entry.row.check.kind,
            state: row.state,
            transition: applied.transition,
            max_attempts: entry.row.check.retry.max_attempts,
            volatile: entry.row.check.retry.volatile,
            forced: false,
            notifications_on: true,
            host_reachable: self.world.runner_connected(entry),
            check_downtime,
            host_downtime,
            renotify: None,
        };
        let title = entry.row.check.title.clone();
        let told_before = row.state.told;
        let decision = match release {
            Some(release) => Some(decision::reconsider(&input, release)),
            None => decision::worth_deciding(&input).then(|| decision::decide(&input)),
        };
        if let Some(end) = applied.ack_ended {
            self.commit.clear_acks.push(check);
            let (word, text) = match end {
                AckEnd::StatusChanged => ("status-changed", "The status changed: the acknowledgement ended"),
                AckEnd::Recovered => ("recovered", "Recovered: the acknowledgement ended"),
                AckEnd::Expired => ("expired", "The acknowledgement ended"),
            };
            self.event(check, "unack", "info", text.to_owned(), json!({"cause": word}));
        }
        let notify = match decision.as_ref().map(|d| d.verdict) {
            Some(Verdict::Notify(notice)) => Some(notice),
            Some(Verdict::Silent { .. } | Verdict::Deferred { .. }) | None => None,
        };
        if let Some(notice) = notify {
            row.state = row.state.notified(notice, self.now);
            self.outbox(check, &row, notice, told_before, &title);
        }
        if applied.transition.is_some() || notify.is_some() {
            let severity = row.state.status.map_or("info", Status::as_str);
            let (from, to) = (
                applied.transition.and_then(|t| t.from).map_or("pending", Status::as_str),
                row.state.status.map_or("pending", Status::as_str),
            );
            let summary = match applied.transition {
                Some(t) if t.soft_recovery => format!("{title}: recovered before it was confirmed"),
                Some(_) => format!("{title}: {from} → {to}, {}", row.state.state_type.as_str()),
                None => format!("{title}: told now that it is {to}"),
            };
            let detail = json!({
                "from": from,
                "to": to,
                "state_type": row.state.state_type.as_str(),
                "attempt": row.state.attempt,
                "output": row.output,
                "trace": decision.as_ref().map(|d| trace_json(d, self.world.revision)),
            });
            self.event(check, "state", severity, summary, detail);
        }
        self.live.push(Live::Check(check));
        self.states.insert(check, row);
    }

    fn outbox(
        &mut self,
        check: CheckId,
        row: &CheckStateRow,
        notice: Notice,
        told: Option<Status>,
        title: &str,
    ) {
        let about = match notice {
            Notice::Problem => row.state.status,
            Notice::Recovery => told,
        };
        let host = host_name(self.world, row.host);
        let before = self.notices.entry(check).or_default();
        let at = self.now + std::time::Duration::from_millis(*before);
        *before += 1;
        for channel in self.world.channels.values() {
            if !self.world.channel_hears(channel.row.tenant, row.host) {
                continue;
            }
            if !channel.row.enabled || !about.is_some_and(|status| channel.severities.contains(&status)) {
                continue;
            }
            let id = new_id(at);
            let payload = json!({
                "id": format!("{id}"),
                "kind": notice.as_str(),
                "at_ms": self.now.as_ms(),
                "host": {"id": row.host.to_string(), "name": &*host},
                "check": {"id": check.to_string(), "title": title},
                "status": row.state.status.map_or("pending", Status::as_str),
                "was": told.map_or("ok", Status::as_str),
                "since_ms": row.state.since.map(Timestamp::as_ms),
                "output": row.output,
                "number": row.state.notification_number,
                "flapping": row.state.flap.flapping,
            });
            self.commit.outbox.push(OutboxRow {
                id,
                channel: channel.row.id,
                check,
                host: row.host,
                kind: notice.as_str().to_owned(),
                created: at,
                payload_json: payload.to_string(),
                state: "pending".to_owned(),
                attempts: 0,
                next_attempt: self.now,
                last_error: String::new(),
                delivered: None,
            });
        }
    }

    fn event(
        &mut self,
        check: CheckId,
        kind: &str,
        severity: &str,
        summary: String,
        detail: serde_json::Value,
    ) {
        let host = self.entry(check).map(|entry| entry.row.check.host);
        self.host_event(host, Some(check), kind, severity, summary, detail);
    }

    /// Adds an entry to the timeline.
    pub(crate) fn host_event(
        &mut self,
        host: Option<HostId>,
        check: Option<CheckId>,
        kind: &str,
        severity: &str,
        summary: String,
        detail: serde_json::Value,
    ) {
        self.commit.events.push(EventRow {
            id: new_id(self.now),
            at: self.now,
            host,
            check,
            agent: None,
            kind: kind.to_owned(),
            severity: severity.to_owned(),
            summary,
            detail_json: detail.to_string(),
        });
    }

    /// Ends the round: what to commit, and what to tell those who look once it is.
    pub(crate) fn finish(self) -> (IngestCommit, Vec<Live>) {
        let mut commit = self.commit;
        commit.new_checks.extend(self.new.into_values().map(|entry| entry.row));
        commit.states.extend(self.states.into_values());
        let mut live = self.live;
        let tenants: BTreeSet<TenantId> = commit
            .new_checks
            .iter()
            .filter_map(|row| Some(self.world.hosts.get(&row.check.host)?.tenant))
            .collect();
        live.extend(tenants.into_iter().map(Live::ConfigurationOf));
        live.extend(commit.events.iter().map(|event| Live::Event(std::sync::Arc::new(event.clone()))));
        (commit, live)
    }
}

/// A decision as events keep it.
pub(crate) fn trace_json(decision: &Decision, revision: u64) -> serde_json::Value {
    let gates: Vec<_> = decision
        .gates
        .iter()
        .map(|g| json!({"gate": g.gate.as_str(), "passed": g.passed, "detail": g.detail}))
        .collect();
    let verdict = match decision.verdict {
        Verdict::Notify(notice) => json!({"kind": "notify", "notice": notice.as_str()}),
        Verdict::Silent { gate } => json!({"kind": "silent", "gate": gate.as_str()}),
        Verdict::Deferred { gate, until } => {
            json!({"kind": "deferred", "gate": gate.as_str(), "until_ms": until.map(Timestamp::as_ms)})
        }
    };
    json!({"gates": gates, "verdict": verdict, "merged": decision.merged, "revision": revision})
}

//! The second walk: what people do about hosts, checks, problems and channels. Every act takes a permit and commits
//! its audit record with it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use wk_authz::{
    ChannelWrite, CheckWrite, HostWrite, Permit, ProblemAcknowledge, ProblemComment, ProblemDowntime,
    ProblemRecheck,
};
use wk_domain::builtin::Thresholds;
use wk_domain::check_state::Ack;
use wk_domain::name::{CheckKey, HostName};
use wk_domain::text::{clean_line, clean_text};
use wk_domain::{
    AgentId, ChannelId, Check, CheckId, CheckKind, DowntimeId, HostId, Labels, RetryPolicy, Status, TenantId,
    Timestamp,
};

use crate::Engine;
use crate::error::EngineError;
use crate::ids::new_id;
use crate::live::Live;
use crate::ports::rows::{
    AckRow, ChannelRow, CheckRow, CheckStateRow, DowntimeRow, EventRow, HostRow, OutboxRow,
};
use crate::record::{self, DraftExt};
use crate::round::Round;
use crate::spec_json;
use crate::tick::{ALIVE_KEY, release};
use crate::world::{AgentEntry, ChannelEntry};

/// Longest note, in bytes.
const NOTE_MAX: usize = 2000;
/// Custom fields of a host, and longest value in bytes.
const FIELDS_MAX: usize = 64;
const FIELD_MAX: usize = 500;
/// Addresses of a host without an agent.
const ADDRESSES_MAX: usize = 64;
/// Longest downtime.
const DOWNTIME_MAX: Duration = Duration::from_secs(400 * 86_400);

/// A host as people write it.
#[derive(Debug, Clone, Default)]
pub struct HostEdit {
    /// `None`: where it is.
    pub tenant: Option<TenantId>,
    pub name: String,
    pub addresses: Vec<String>,
    pub fields: BTreeMap<String, String>,
    /// `None`: as they are.
    pub labels: Option<BTreeMap<String, String>>,
    /// Absent for a new host.
    pub revision: Option<i64>,
}

/// A check as people write it.
#[derive(Debug, Clone)]
pub struct CheckEdit {
    pub host: HostId,
    pub key: String,
    pub title: String,
    pub runner: Option<AgentId>,
    pub spec: serde_json::Value,
    pub interval: Option<Duration>,
    pub retry_interval: Option<Duration>,
    pub max_attempts: Option<u32>,
    pub volatile: bool,
    pub enabled: bool,
    pub revision: Option<i64>,
}

/// A downtime as people plan it.
#[derive(Debug, Clone)]
pub struct DowntimePlan {
    pub host: HostId,
    pub check: Option<CheckId>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub note: String,
}

/// A channel as people write it. The secret is sealed by the caller.
#[derive(Debug, Clone)]
pub struct ChannelEdit {
    /// The caller makes the id of a new one: its secret is sealed to it.
    pub id: ChannelId,
    pub create: bool,
    /// `None`: where it is.
    pub tenant: Option<TenantId>,
    pub name: String,
    pub kind: String,
    pub config: serde_json::Value,
    /// `None`: as it is.
    pub secret_sealed: Option<Vec<u8>>,
    pub enabled: bool,
    pub revision: Option<i64>,
}

/// The severities a channel wants to hear of; all problems when it does not say.
pub fn severities(config_json: &str) -> Vec<Status> {
    let config: serde_json::Value = serde_json::from_str(config_json).unwrap_or_default();
    match config.get("severities").and_then(serde_json::Value::as_array) {
        Some(list) => list.iter().filter_map(|s| Status::parse(s.as_str()?)).collect(),
        None => vec![Status::Critical, Status::Warning, Status::Unknown],
    }
}

impl Engine {
    /// Takes charge of a problem.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when there is no problem; [`EngineError::Invalid`] without
    /// a note.
    pub async fn acknowledge(
        &self,
        permit: Permit<ProblemAcknowledge, CheckId>,
        note: &str,
        sticky: bool,
        expires: Option<Timestamp>,
    ) -> Result<(), EngineError> {
        let note = clean_text(note, NOTE_MAX).trim().to_owned();
        if note.is_empty() {
            return Err(EngineError::Invalid(
                "say what you are doing about it: the note is empty".to_owned(),
            ));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        let check = *permit.resource();
        let (state, title, host) = self.state_of(check)?;
        let acked = state
            .state
            .acknowledge(Ack { sticky, expires }, now)
            .map_err(|error| EngineError::Conflict(format!("{title}: {error}")))?;
        let state = CheckStateRow { state: acked, ..state };
        let by = permit.actor().label();
        let ack = AckRow { check, by: by.clone(), at: now, note: note.clone(), sticky, expires };
        let summary = format!("{title}: acknowledged by {by}");
        let event =
            event(now, Some(host), Some(check), "ack", summary, json!({"note": note, "sticky": sticky}));
        let before = self.world.read().checks.get(&check).and_then(|entry| entry.ack.clone());
        let audit = record::draft(permit.actor(), now, permit.action(), "check", check)
            .within(self.tenant_of(host))
            .reason(note)
            .images_of(before.as_ref(), Some(&ack));
        writer.commit(self.ports.store.put_ack(ack.clone(), state.clone(), event.clone(), audit)).await?;
        writer.put(|world| {
            if let Some(entry) = world.checks.get_mut(&check) {
                entry.ack = Some(ack);
                entry.state = state;
            }
        });
        self.tell([Live::Check(check), Live::Event(Arc::new(event))]);
        Ok(())
    }

    /// Lets go of a problem.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when it is not acknowledged.
    pub async fn unacknowledge(
        &self,
        permit: Permit<ProblemAcknowledge, CheckId>,
    ) -> Result<(), EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let check = *permit.resource();
        let (state, title, host) = self.state_of(check)?;
        if state.state.ack.is_none() {
            return Err(EngineError::Conflict(format!("{title} is not acknowledged")));
        }
        let state = CheckStateRow { state: state.state.unacknowledge(), ..state };
        let summary = format!("{title}: acknowledgement removed by {}", permit.actor().label());
        let event = event(now, Some(host), Some(check), "unack", summary, json!({"cause": "removed"}));
        let before = self.world.read().checks.get(&check).and_then(|entry| entry.ack.clone());
        let audit = record::draft(permit.actor(), now, "problem.unacknowledge", "check", check)
            .within(self.tenant_of(host))
            .images_of(before.as_ref(), None);
        writer.commit(self.ports.store.remove_ack(check, state.clone(), event.clone(), audit)).await?;
        writer.put(|world| {
            if let Some(entry) = world.checks.get_mut(&check) {
                entry.ack = None;
                entry.state = state;
            }
        });
        self.tell([Live::Check(check), Live::Event(Arc::new(event))]);
        Ok(())
    }

    /// Plans a downtime.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] for a span that cannot be.
    pub async fn plan_downtime(
        &self,
        permit: Permit<ProblemDowntime, HostId>,
        plan: DowntimePlan,
    ) -> Result<DowntimeRow, EngineError> {
        let note = clean_text(&plan.note, NOTE_MAX).trim().to_owned();
        if note.is_empty() {
            return Err(EngineError::Invalid("say what the downtime is for: the note is empty".to_owned()));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        if plan.end <= plan.start || plan.end <= now {
            return Err(EngineError::Invalid(
                "the downtime must end after it starts, and in the future".to_owned(),
            ));
        }
        if plan.end.since(plan.start) > DOWNTIME_MAX {
            return Err(EngineError::Invalid(
                "a downtime lasts at most 400 days; disable the check instead".to_owned(),
            ));
        }
        let (name, title) = {
            let world = self.world.read();
            let host = world.hosts.get(&plan.host).ok_or(EngineError::NotFound { what: "the host" })?;
            let title = match plan.check {
                Some(check) => {
                    let entry = world.checks.get(&check).filter(|e| e.row.check.host == plan.host);
                    Some(entry.ok_or(EngineError::NotFound { what: "the check" })?.row.check.title.clone())
                }
                None => None,
            };
            (host.name.clone(), title)
        };
        let row = DowntimeRow {
            id: new_id(now),
            host: plan.host,
            check: plan.check,
            start: plan.start,
            end: plan.end,
            note: note.clone(),
            created: now,
            created_by: permit.actor().label(),
            cancelled: None,
            cancelled_by: String::new(),
        };
        let subject = title.unwrap_or(name);
        let summary = format!("{subject}: downtime planned by {}", row.created_by);
        let detail = json!({"note": note, "start_ms": row.start.as_ms(), "end_ms": row.end.as_ms(), "id": row.id.to_string()});
        let event = event(now, Some(plan.host), plan.check, "downtime-start", summary, detail);
        let audit = record::draft(permit.actor(), now, permit.action(), "downtime", row.id)
            .within(self.tenant_of(plan.host))
            .reason(note)
            .images_of(None, Some(&row));
        writer.commit(self.ports.store.put_downtime(row.clone(), event.clone(), audit)).await?;
        writer.put(|world| world.downtimes.insert(row.id, row.clone()));
        self.tell(self.checks_under(plan.host, plan.check).into_iter().map(Live::Check));
        self.tell([Live::Event(Arc::new(event))]);
        Ok(row)
    }

    /// Cancels a downtime; what it held back is told.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn cancel_downtime(
        &self,
        permit: Permit<ProblemDowntime, DowntimeId>,
    ) -> Result<(), EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let id = *permit.resource();
        let row = self.world.read().downtimes.get(&id).cloned();
        let row = row.ok_or(EngineError::NotFound { what: "the downtime" })?;
        let by = permit.actor().label();
        let summary = format!("Downtime cancelled by {by}: {}", row.note);
        let event =
            event(now, Some(row.host), row.check, "downtime-end", summary, json!({"id": id.to_string()}));
        let cancelled = DowntimeRow { cancelled: Some(now), cancelled_by: by.clone(), ..row.clone() };
        let audit = record::draft(permit.actor(), now, "downtime.cancel", "downtime", id)
            .within(self.tenant_of(row.host))
            .images_of(Some(&row), Some(&cancelled));
        writer.commit(self.ports.store.cancel_downtime(id, now, &by, event.clone(), audit)).await?;
        let (commit, live) = writer.put(|world| {
            world.downtimes.remove(&id);
            let mut round = Round::new(world, now);
            release(&mut round, world, row.host, row.check);
            round.finish()
        });
        self.tell([Live::Event(Arc::new(event))]);
        let applied = commit.clone();
        match writer.commit(self.ports.store.commit_ingest(commit)).await {
            Ok(()) => {
                writer.put(|world| crate::ingest::apply(world, applied));
                self.tell(live);
            }
            // It is cancelled; the next tick sees that it is gone and asks again for what it held.
            Err(error) => tracing::warn!("what a cancelled downtime held back waits: {error}"),
        }
        Ok(())
    }

    /// Asks the runner of a check to run it now.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when nothing runs it, or its agent is not connected.
    pub async fn recheck(&self, permit: Permit<ProblemRecheck, CheckId>) -> Result<(), EngineError> {
        let check = *permit.resource();
        let (runner, title, host) = {
            let world = self.world.read();
            let entry = world.checks.get(&check).ok_or(EngineError::NotFound { what: "the check" })?;
            (entry.row.check.runner, entry.row.check.title.clone(), entry.row.check.host)
        };
        let Some(runner) = runner else {
            return Err(EngineError::Conflict(format!(
                "{title} is judged from what its agent sends all the time; there is nothing to run"
            )));
        };
        if self.world.read().agents.get(&runner).is_some_and(|agent| agent.row.read_only) {
            return Err(EngineError::Conflict(format!(
                "{title}: the agent that runs it is read-only, so nothing is sent to it"
            )));
        }
        let nobody = || EngineError::Conflict(format!("{title}: the agent that runs it is not connected"));
        if !self.world.read().agents.get(&runner).is_some_and(AgentEntry::connected) {
            return Err(nobody());
        }
        let now = self.now();
        let audit =
            record::draft(permit.actor(), now, permit.action(), "check", check).within(self.tenant_of(host));
        self.ports.store.append_audit(vec![audit]).await?;
        if self.order_run(runner, check) { Ok(()) } else { Err(nobody()) }
    }

    /// Says something on a check's timeline.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Invalid`] without text.
    pub async fn comment(
        &self,
        permit: Permit<ProblemComment, CheckId>,
        text: &str,
    ) -> Result<(), EngineError> {
        let text = clean_text(text, NOTE_MAX).trim().to_owned();
        if text.is_empty() {
            return Err(EngineError::Invalid("the comment is empty".to_owned()));
        }
        let check = *permit.resource();
        let (_, title, host) = self.state_of(check)?;
        let now = self.now();
        let by = permit.actor().label();
        let summary = format!("{title}: {by} says: {}", clean_line(&text, 200));
        let event = event(now, Some(host), Some(check), "comment", summary, json!({"text": text, "by": by}));
        let said = wk_audit::Image::new().field("comment", text.as_str());
        let audit = record::draft(permit.actor(), now, permit.action(), "check", check)
            .within(self.tenant_of(host))
            .reason(text)
            .images(None, Some(&said));
        self.ports.store.put_event(event.clone(), Some(audit)).await?;
        self.tell([Live::Event(Arc::new(event))]);
        Ok(())
    }

    /// Makes or changes a host.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for a name, address or field that cannot be; [`EngineError::Conflict`] when the name is
    /// taken or somebody was faster.
    pub async fn write_host(
        &self,
        permit: Permit<HostWrite, Option<HostId>>,
        edit: HostEdit,
    ) -> Result<HostRow, EngineError> {
        let name: HostName =
            edit.name.parse().map_err(|e| EngineError::Invalid(format!("the host name: {e}")))?;
        if edit.fields.len() > FIELDS_MAX {
            return Err(EngineError::Invalid(format!("a host has at most {FIELDS_MAX} fields")));
        }
        // By name again once cleaned: two that differ only in what is cleaned away are one.
        let fields: BTreeMap<String, String> = edit
            .fields
            .into_iter()
            .map(|(name, value)| (clean_line(name, 64), clean_line(value, FIELD_MAX)))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        for (name, value) in &fields {
            Thresholds::check_field(name, value)
                .map_err(|error| EngineError::Invalid(format!("the field {name}: {error}")))?;
        }
        let labels = edit
            .labels
            .map(|labels| Labels::parse(&labels))
            .transpose()
            .map_err(|e| EngineError::Invalid(e.to_string()))?;
        if edit.addresses.len() > ADDRESSES_MAX {
            return Err(EngineError::Invalid(format!("a host has at most {ADDRESSES_MAX} addresses")));
        }
        if let Some(bad) = edit.addresses.iter().find(|a| a.parse::<IpAddr>().is_err()) {
            return Err(EngineError::Invalid(format!("`{}` is not an IP address", clean_line(bad, 64))));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        let old = match permit.resource() {
            Some(id) => {
                let world = self.world.read();
                Some(world.hosts.get(id).cloned().ok_or(EngineError::NotFound { what: "the host" })?)
            }
            None => None,
        };
        let mut row = old.clone().unwrap_or_else(|| HostRow {
            id: new_id(now),
            tenant: TenantId::ROOT,
            name: String::new(),
            agent: None,
            created: now,
            fields: Vec::new(),
            labels: Labels::default(),
            addresses: Vec::new(),
            os: String::new(),
            revision: 0,
        });
        if let (Some(old), Some(read)) = (&old, edit.revision)
            && old.revision != read
        {
            return Err(EngineError::Conflict(
                "somebody else changed the host meanwhile: read it again".to_owned(),
            ));
        }
        row.name = name.as_str().to_owned();
        row.fields = fields.into_iter().collect();
        row.tenant = edit.tenant.unwrap_or(row.tenant);
        if let Some(labels) = labels {
            row.labels = labels;
        }
        if row.agent.is_none() {
            row.addresses = edit.addresses;
        }
        if let Some(old) = old.as_ref().filter(|old| old.tenant != row.tenant) {
            self.world.read().may_move(old, row.tenant)?;
        } else if old.is_none() && self.world.read().tenants.get(row.tenant).is_none() {
            return Err(EngineError::NotFound { what: "the tenant" });
        }
        if let Some(old) = &old {
            let world = self.world.read();
            let before = world.place_of_host(old.id);
            let after = world.place_if(row.tenant, Some(row.id), &row.labels);
            self.gains_nothing(permit.actor(), permit.action(), before.as_ref(), after.as_ref())?;
        }
        let action = if old.is_some() { "host.change" } else { "host.create" };
        let audit = record::draft(permit.actor(), now, action, "host", row.id)
            .within(row.tenant)
            .next_revision(old.as_ref().map(|old| old.revision))
            .images_of(old.as_ref(), Some(&row));
        let row = writer.commit(self.ports.store.put_host(row, audit)).await?;
        writer.put(|world| world.put_host(row.clone()));
        if let Some(old) = old.as_ref().filter(|old| old.tenant != row.tenant) {
            self.tell([Live::ConfigurationOf(old.tenant)]);
        }
        self.tell([Live::ConfigurationOf(row.tenant)]);
        Ok(row)
    }

    /// Removes a host with its checks.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] while an agent is enrolled on it.
    pub async fn remove_host(&self, permit: Permit<HostWrite, HostId>) -> Result<(), EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let id = *permit.resource();
        let host =
            self.world.read().hosts.get(&id).cloned().ok_or(EngineError::NotFound { what: "the host" })?;
        if host.agent.is_some() {
            return Err(EngineError::Conflict(format!("{} has an agent: revoke it first", host.name)));
        }
        let audit = record::draft(permit.actor(), now, "host.delete", "host", id)
            .within(host.tenant)
            .images_of(Some(&host), None);
        writer.commit(self.ports.store.delete_host(id, audit)).await?;
        writer.put(|world| world.remove_host(id));
        self.push_assignments();
        self.tell([Live::ConfigurationOf(host.tenant)]);
        Ok(())
    }

    /// Makes or changes a probe or plugin check.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] for what cannot be; [`EngineError::Conflict`] when the key is taken, somebody was
    /// faster, or the agent may not run it.
    pub async fn write_check(
        &self,
        permit: Permit<CheckWrite, Option<CheckId>>,
        edit: CheckEdit,
    ) -> Result<CheckRow, EngineError> {
        let key: CheckKey =
            edit.key.parse().map_err(|e| EngineError::Invalid(format!("the check's key: {e}")))?;
        let full = spec_json::parse(&edit.spec).map_err(|e| EngineError::Invalid(e.to_string()))?;
        let default = RetryPolicy::default();
        let interval = edit.interval.unwrap_or(default.interval);
        let retry_interval = edit.retry_interval.unwrap_or((interval / 5).max(Duration::from_secs(10)));
        let max_attempts = edit.max_attempts.unwrap_or(default.max_attempts);
        if interval < Duration::from_secs(5) || interval > Duration::from_secs(86_400) {
            return Err(EngineError::Invalid("the interval is between 5 seconds and a day".to_owned()));
        }
        if retry_interval < Duration::from_secs(5) || retry_interval > interval.max(Duration::from_secs(10)) {
            return Err(EngineError::Invalid(
                "the retry interval is at least 5 seconds and at most the interval".to_owned(),
            ));
        }
        if !(1..=100).contains(&max_attempts) {
            return Err(EngineError::Invalid("max_attempts is between 1 and 100".to_owned()));
        }
        // A deadline that nobody asked for is cut to the interval when the check is assigned.
        if full.timeout > interval && edit.spec.get("timeout_ms").is_some_and(|given| !given.is_null()) {
            return Err(EngineError::Invalid(
                "the deadline of a run, timeout_ms, is longer than its interval".to_owned(),
            ));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        let (old, runner) = {
            let world = self.world.read();
            let host = world.hosts.get(&edit.host).ok_or(EngineError::NotFound { what: "the host" })?;
            let old = match permit.resource() {
                Some(id) => {
                    Some(world.checks.get(id).ok_or(EngineError::NotFound { what: "the check" })?.row.clone())
                }
                None => None,
            };
            let runner = edit.runner.or(host.agent).ok_or_else(|| {
                EngineError::Conflict(format!("{} has no agent: say which agent runs the check", host.name))
            })?;
            let agent = world.agents.get(&runner).ok_or(EngineError::NotFound { what: "the agent" })?;
            // An agent of elsewhere answers as one that is not there.
            if !world.runner_reaches(runner, edit.host) {
                return Err(EngineError::NotFound { what: "the agent" });
            }
            if host.agent != Some(runner) && !agent.row.grants.iter().any(|grant| grant == "probe") {
                return Err(EngineError::Conflict(format!(
                    "the agent on {} may only check its own host: enrol it with the grant `probe`",
                    agent.row.hostname
                )));
            }
            if let wk_domain::spec::CheckSpec::Plugin { name, .. } = &full.spec
                && !agent.row.plugins.iter().any(|(known, _, _)| known == name)
            {
                let known: Vec<&str> = agent.row.plugins.iter().map(|(n, _, _)| n.as_str()).collect();
                return Err(EngineError::Conflict(format!(
                    "the policy file of the agent on {} allows no plugin `{name}` (it allows: {})",
                    agent.row.hostname,
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                )));
            }
            (old, runner)
        };
        if old.as_ref().is_some_and(|old| old.check.host != edit.host) {
            return Err(EngineError::Conflict(
                "a check stays on its host: make a new one on the other".to_owned(),
            ));
        }
        if key.as_str() == ALIVE_KEY && old.as_ref().is_none_or(|old| old.check.key != ALIVE_KEY) {
            return Err(EngineError::Invalid(format!(
                "the key `{ALIVE_KEY}` is kept for the check whether the agent is there: choose another"
            )));
        }
        if old
            .as_ref()
            .is_some_and(|old| old.check.kind == CheckKind::Builtin || old.check.kind == CheckKind::Alive)
        {
            return Err(EngineError::Conflict("a built-in check has no spec to change".to_owned()));
        }
        if let (Some(old), Some(read)) = (&old, edit.revision)
            && old.revision != read
        {
            return Err(EngineError::Conflict(
                "somebody else changed the check meanwhile: read it again".to_owned(),
            ));
        }
        let kind = match full.spec {
            wk_domain::spec::CheckSpec::Plugin { .. } => CheckKind::Plugin,
            _ => CheckKind::Probe,
        };
        let title = clean_line(&edit.title, 200);
        let row = CheckRow {
            check: Check {
                id: old.as_ref().map_or_else(|| new_id(now), |old| old.check.id),
                host: edit.host,
                title: if title.is_empty() { key.as_str().to_owned() } else { title },
                key: key.as_str().to_owned(),
                kind,
                runner: Some(runner),
                retry: RetryPolicy { interval, retry_interval, max_attempts, volatile: edit.volatile },
                enabled: edit.enabled,
            },
            spec_json: edit.spec.to_string(),
            created: old.as_ref().map_or(now, |old| old.created),
            revision: old.as_ref().map_or(0, |old| old.revision),
        };
        let action = if old.is_some() { "check.change" } else { "check.create" };
        let audit = record::draft(permit.actor(), now, action, "check", row.check.id)
            .within(self.tenant_of(edit.host))
            .next_revision(old.as_ref().map(|old| old.revision))
            .images_of(old.as_ref(), Some(&row));
        let row = writer.commit(self.ports.store.put_check(row, audit)).await?;
        writer.put(|world| world.put_check(row.clone()));
        self.push_assignments();
        self.tell([Live::ConfigurationOf(self.tenant_of(edit.host))]);
        Ok(row)
    }

    /// Removes a check.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_check(&self, permit: Permit<CheckWrite, CheckId>) -> Result<(), EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let id = *permit.resource();
        let row = self.world.read().checks.get(&id).map(|entry| entry.row.clone());
        let row = row.ok_or(EngineError::NotFound { what: "the check" })?;
        let audit = record::draft(permit.actor(), now, "check.delete", "check", id)
            .within(self.tenant_of(row.check.host))
            .images_of(Some(&row), None);
        writer.commit(self.ports.store.delete_check(id, audit)).await?;
        writer.put(|world| world.remove_check(id));
        self.push_assignments();
        self.tell([Live::ConfigurationOf(self.tenant_of(row.check.host))]);
        Ok(())
    }

    /// Makes or changes a channel. Its configuration was checked by the caller, who knows the kinds.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when somebody was faster.
    pub async fn write_channel(
        &self,
        permit: Permit<ChannelWrite>,
        edit: ChannelEdit,
    ) -> Result<ChannelRow, EngineError> {
        let name = clean_line(&edit.name, 100);
        if name.is_empty() {
            return Err(EngineError::Invalid("the channel's name is empty".to_owned()));
        }
        let mut writer = self.writer().await?;
        let now = self.now();
        let old = self.world.read().channels.get(&edit.id).map(|entry| entry.row.clone());
        if old.is_none() && !edit.create {
            return Err(EngineError::NotFound { what: "the channel" });
        }
        if let (Some(old), Some(read)) = (&old, edit.revision)
            && old.revision != read
        {
            return Err(EngineError::Conflict(
                "somebody else changed the channel meanwhile: read it again".to_owned(),
            ));
        }
        let secret_sealed = match edit.secret_sealed {
            Some(sealed) => sealed,
            None => old.as_ref().map(|old| old.secret_sealed.clone()).unwrap_or_default(),
        };
        let row = ChannelRow {
            id: edit.id,
            tenant: edit.tenant.or(old.as_ref().map(|old| old.tenant)).unwrap_or(TenantId::ROOT),
            name,
            kind: edit.kind,
            config_json: edit.config.to_string(),
            secret_sealed,
            enabled: edit.enabled,
            revision: old.as_ref().map_or(0, |old| old.revision),
        };
        let action = if old.is_some() { "channel.change" } else { "channel.create" };
        let audit = record::draft(permit.actor(), now, action, "channel", row.id)
            .within(row.tenant)
            .next_revision(old.as_ref().map(|old| old.revision))
            .images_of(old.as_ref(), Some(&row));
        let row = writer.commit(self.ports.store.put_channel(row, audit)).await?;
        let entry = ChannelEntry { severities: severities(&row.config_json), row: row.clone() };
        writer.put(|world| world.put_channel(entry));
        self.tell([Live::ConfigurationOf(row.tenant)]);
        Ok(row)
    }

    /// Removes a channel; what waits for it is not sent any more.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_channel(&self, permit: Permit<ChannelWrite, ChannelId>) -> Result<(), EngineError> {
        let mut writer = self.writer().await?;
        let now = self.now();
        let id = *permit.resource();
        let row = self.world.read().channels.get(&id).map(|entry| entry.row.clone());
        let audit = record::draft(permit.actor(), now, "channel.delete", "channel", id)
            .within(row.as_ref().map_or(TenantId::ROOT, |row| row.tenant))
            .images_of(row.as_ref(), None);
        writer.commit(self.ports.store.delete_channel(id, audit)).await?;
        writer.put(|world| world.remove_channel(id));
        self.tell([Live::ConfigurationOf(row.as_ref().map_or(TenantId::ROOT, |row| row.tenant))]);
        Ok(())
    }

    /// Sends a test through a channel.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] when there is no check to speak of yet.
    pub async fn test_channel(
        &self,
        permit: Permit<ChannelWrite, ChannelId>,
    ) -> Result<OutboxRow, EngineError> {
        let now = self.now();
        let id = *permit.resource();
        let (host, check, name, tenant) = {
            let world = self.world.read();
            let channel = world.channels.get(&id).ok_or(EngineError::NotFound { what: "the channel" })?;
            let tenant = channel.row.tenant;
            // One it would hear of: the message names it.
            let entry = world.checks.values().find(|e| world.channel_hears(tenant, e.row.check.host));
            let entry = entry.ok_or_else(|| {
                EngineError::Conflict(
                    "there is no check yet that the test could speak of: enrol an agent".to_owned(),
                )
            })?;
            let name =
                world.hosts.get(&entry.row.check.host).map(|host| host.name.clone()).unwrap_or_default();
            (entry.row.check.host, entry.row.check.clone(), name, tenant)
        };
        let notification = new_id(now);
        let payload = json!({
            "id": format!("{notification}"),
            "kind": "test",
            "at_ms": now.as_ms(),
            "host": {"id": host.to_string(), "name": name},
            "check": {"id": check.id.to_string(), "title": check.title},
            "status": "ok",
            "was": "ok",
            "output": format!("A test, asked for by {}. Nothing is wrong.", permit.actor().label()),
            "number": 0,
            "flapping": false,
        });
        let row = OutboxRow {
            id: notification,
            channel: id,
            check: check.id,
            host,
            kind: "test".to_owned(),
            created: now,
            payload_json: payload.to_string(),
            state: "pending".to_owned(),
            attempts: 0,
            next_attempt: now,
            last_error: String::new(),
            delivered: None,
        };
        let audit = record::draft(permit.actor(), now, "channel.test", "channel", id).within(tenant);
        self.ports.store.put_outbox(row.clone(), Some(audit)).await?;
        Ok(row)
    }

    /// Where a host is, for the audit log; the root's when it is gone.
    pub(crate) fn tenant_of(&self, host: HostId) -> TenantId {
        self.world.read().hosts.get(&host).map_or(TenantId::ROOT, |host| host.tenant)
    }

    fn state_of(&self, check: CheckId) -> Result<(CheckStateRow, String, HostId), EngineError> {
        let world = self.world.read();
        let entry = world.checks.get(&check).ok_or(EngineError::NotFound { what: "the check" })?;
        Ok((entry.state.clone(), entry.row.check.title.clone(), entry.row.check.host))
    }

    fn checks_under(&self, host: HostId, check: Option<CheckId>) -> Vec<CheckId> {
        match check {
            Some(check) => vec![check],
            None => self.world.read().checks_of.get(&host).cloned().unwrap_or_default(),
        }
    }
}

fn event(
    now: Timestamp,
    host: Option<HostId>,
    check: Option<CheckId>,
    kind: &str,
    summary: String,
    detail: serde_json::Value,
) -> EventRow {
    EventRow {
        id: new_id(now),
        at: now,
        host,
        check,
        agent: None,
        kind: kind.to_owned(),
        severity: "info".to_owned(),
        summary,
        detail_json: detail.to_string(),
    }
}

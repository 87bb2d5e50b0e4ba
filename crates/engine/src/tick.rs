//! What time itself brings about: agents that fell silent, results that did not come, downtimes and acknowledgements
//! that end, and the metrics store's housekeeping.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use wk_domain::check_state::{StaleCause, StateType};
use wk_domain::decision::Release;
use wk_domain::{Check, CheckId, CheckKind, CheckResult, DowntimeId, HostId, RetryPolicy, Status, Timestamp};

use crate::Engine;
use crate::ids::new_id;
use crate::ingest::apply;
use crate::ports::rows::{CheckRow, Standing};
use crate::record;
use crate::round::Round;
use crate::world::{AgentEntry, CheckEntry, World, pending_state};

/// How long an agent may be silent before that is a problem: longer than a server's restart or a network's hiccup.
const SILENCE: Duration = Duration::from_secs(45);
/// How often a connected agent's check is confirmed.
const ALIVE_INTERVAL: Duration = Duration::from_secs(60);
/// Key of the check whether the agent is there.
pub(crate) const ALIVE_KEY: &str = "agent";
/// A host is judged each minute while its samples come in.
const JUDGED_LATELY: Duration = Duration::from_secs(150);
/// How long a built-in check may have nothing to say before it goes.
const RETIRE_AFTER: Duration = Duration::from_secs(15 * 60);
const STEP: Duration = Duration::from_secs(1);
const MAINTAIN: Duration = Duration::from_secs(60);
const PRUNE: Duration = Duration::from_secs(3600);
/// How long events and execution records are kept.
const EVENTS_KEPT: Duration = Duration::from_secs(400 * 86_400);
const EXECUTIONS_KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Runs one agent is asked for in one step. A link takes no more than a few dozen orders at a time; what is over waits
/// for the next step.
const ASKED_MAX: usize = 16;

/// What the last tick knew, to see what changed.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    downtimes: HashSet<DowntimeId>,
    reachable: HashSet<wk_domain::AgentId>,
    primed: bool,
    /// Checks that were asked to run again, with the instant they were due.
    asked: HashMap<CheckId, Timestamp>,
}

impl Engine {
    pub(crate) async fn run_tick(self: Arc<Self>, stop: CancellationToken) {
        let mut steps = tokio::time::interval(STEP);
        steps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let (mut maintained, mut pruned) = (self.now(), self.now());
        loop {
            tokio::select! {
                _ = steps.tick() => {}
                () = stop.cancelled() => break,
            }
            self.tick_now().await;
            let now = self.now();
            if now.since(maintained) >= MAINTAIN {
                maintained = now;
                let engine = Arc::clone(&self);
                let done = tokio::task::spawn_blocking(move || engine.ports.metrics.maintain(now)).await;
                if let Ok(Err(error)) = done {
                    tracing::warn!("the metrics store's housekeeping: {error}");
                }
                self.retire().await;
            }
            if now.since(pruned) >= PRUNE {
                pruned = now;
                if let Err(error) = self.ports.store.prune(now - EVENTS_KEPT, now - EXECUTIONS_KEPT).await {
                    tracing::warn!("old events and executions could not be removed: {error}");
                }
            }
        }
    }

    /// Does what time brings about now, as the engine's own task does each second.
    #[doc(hidden)]
    pub async fn tick_now(&self) {
        let mut memory = self.memory.lock().await;
        let asked = std::mem::take(&mut memory.asked);
        self.tick(&mut memory).await;
        memory.asked = self.confirm(asked);
    }

    /// Asks for the next run of what is being confirmed, as the retry interval has it: by themselves agents keep to the
    /// interval. Gives back what was asked for and has not come yet.
    fn confirm(&self, asked: HashMap<CheckId, Timestamp>) -> HashMap<CheckId, Timestamp> {
        let now = self.now();
        let mut still = HashMap::new();
        let mut wanted = Vec::new();
        {
            let world = self.world.read();
            let mut orders: HashMap<wk_domain::AgentId, usize> = HashMap::new();
            for entry in world.checks.values() {
                let (check, state) = (&entry.row.check, &entry.state.state);
                let measured = matches!(check.kind, CheckKind::Probe | CheckKind::Plugin);
                let Some(due) = state.next_due.filter(|due| *due <= now) else { continue };
                if !measured || !check.enabled || state.state_type != StateType::Soft {
                    continue;
                }
                if asked.get(&check.id) == Some(&due) {
                    still.insert(check.id, due);
                    continue;
                }
                let runner = check.runner.or_else(|| world.hosts.get(&check.host)?.agent);
                let Some(runner) =
                    runner.filter(|id| world.agents.get(id).is_some_and(AgentEntry::connected))
                else {
                    continue;
                };
                let orders = orders.entry(runner).or_default();
                if *orders < ASKED_MAX {
                    *orders += 1;
                    wanted.push((runner, check.id, due));
                }
            }
        }
        for (runner, check, due) in wanted {
            if self.order_run(runner, check) {
                still.insert(check, due);
            }
        }
        still
    }

    async fn retire(&self) {
        let _writer = self.writer.lock().await;
        let now = self.now();
        let gone: Vec<(CheckId, HostId, String)> = {
            let world = self.world.read();
            let name = |id: CheckId| {
                let check = &world.checks.get(&id)?.row.check;
                Some((id, check.host, check.title.clone()))
            };
            retired(&world, now).into_iter().filter_map(name).collect()
        };
        for (check, host, title) in gone {
            let audit = record::draft(&wk_authz::Actor::system(), now, "check.retire", "check", check)
                .reason(format!("{title} is no longer there to be judged"));
            if let Err(error) = self.ports.store.delete_check(check, audit).await {
                tracing::warn!("a check whose object is gone could not be removed: {error}");
                continue;
            }
            let (commit, live) = {
                let world = self.world.read();
                let mut round = Round::new(&world, now);
                let summary = format!("{title}: no longer there, so no longer checked");
                round.host_event(
                    Some(host),
                    None,
                    "agent",
                    "info",
                    summary,
                    json!({"check": check.to_string()}),
                );
                round.finish()
            };
            self.world.write().remove_check(check);
            if let Err(error) = self.ports.store.commit_ingest(commit).await {
                tracing::warn!("the event of a retired check could not be stored: {error}");
            }
            self.tell(live);
            self.tell([crate::live::Live::Configuration]);
        }
    }

    async fn tick(&self, memory: &mut Memory) {
        let _writer = self.writer.lock().await;
        let now = self.now();
        let mut seen = Memory { primed: true, ..Memory::default() };
        let (commit, live) = {
            let world = self.world.read();
            let mut round = Round::new(&world, now);
            for agent in world.agents.values().filter(|agent| agent.row.standing != Standing::Revoked) {
                alive(&mut round, agent);
                if agent.connected() {
                    seen.reachable.insert(agent.row.id);
                }
            }
            for entry in world.checks.values().filter(|entry| entry.row.check.enabled) {
                silence(&mut round, entry, self.started);
            }
            for entry in world.checks.values().filter(|entry| entry.state.state.ack.is_some()) {
                round.expire_ack(entry.row.check.id);
            }
            downtimes(&mut round, memory, &mut seen);
            for agent in seen.reachable.difference(&memory.reachable) {
                let back = world.checks.values().filter(|e| {
                    let runner = e.row.check.runner.or_else(|| world.hosts.get(&e.row.check.host)?.agent);
                    runner == Some(*agent) && e.state.state.owes().is_some()
                });
                for entry in back {
                    round.reconsider(entry.row.check.id, Release::AgentBack);
                }
            }
            round.finish()
        };
        if commit.states.is_empty() && commit.events.is_empty() && commit.new_checks.is_empty() {
            *memory = seen;
            return;
        }
        let applied = commit.clone();
        match self.ports.store.commit_ingest(commit).await {
            Ok(()) => {
                apply(&mut self.world.write(), applied);
                self.world.write().downtimes.retain(|_, downtime| now < downtime.end);
                *memory = seen;
                self.tell(live);
            }
            // Nothing changed; the next tick sees the same and tries again.
            Err(error) => tracing::warn!("a change brought by time could not be stored: {error}"),
        }
    }
}

/// Judges whether the agent is there.
fn alive(round: &mut Round<'_>, agent: &AgentEntry) {
    let (world, now) = (round.world, round.now);
    let host = agent.row.host;
    let check = match world.check_by_key(host, ALIVE_KEY) {
        Some(check) => check,
        None => add_alive(round, host),
    };
    let state = world.checks.get(&check).map(|entry| entry.state.state).unwrap_or_default();
    let (status, output) = if agent.row.standing == Standing::Quarantined {
        (Status::Critical, "The agent is quarantined: its key was used from two places".to_owned())
    } else if let Some(link) = &agent.link {
        (Status::Ok, format!("Connected from {}, version {}", link.address.ip(), agent.row.version))
    } else {
        let silent = now.since(agent.silent_since);
        if silent < SILENCE {
            return;
        }
        let last = agent.row.last_address.as_str();
        (
            Status::Critical,
            format!("Not connected for {}; last seen from {last}", wk_domain::text::span(silent)),
        )
    };
    let due = state.last_heard.is_none_or(|heard| now.since(heard) >= ALIVE_INTERVAL);
    if due || state.status != Some(status) {
        let result = CheckResult {
            status,
            reason: None,
            output,
            long_output: String::new(),
            metrics: Vec::new(),
            started: now,
            finished: now,
        };
        round.result(check, result);
    }
}

fn add_alive(round: &mut Round<'_>, host: HostId) -> CheckId {
    let id = new_id(round.now);
    // The wait for the agent is in SILENCE; a second one by attempts would only tell people later.
    let retry = RetryPolicy {
        interval: ALIVE_INTERVAL,
        retry_interval: ALIVE_INTERVAL,
        max_attempts: 1,
        volatile: false,
    };
    let check = Check {
        id,
        host,
        key: ALIVE_KEY.to_owned(),
        title: "Agent".to_owned(),
        kind: CheckKind::Alive,
        runner: None,
        retry,
        enabled: true,
    };
    let row = CheckRow { check, spec_json: "{}".to_owned(), created: round.now, revision: 1 };
    round.commit.audit.push(record::draft(
        &wk_authz::Actor::system(),
        round.now,
        "check.discover",
        "check",
        id,
    ));
    round.new.insert(id, CheckEntry { state: pending_state(id, host), row, ack: None });
    id
}

/// Marks a check from which nothing came in time.
fn silence(round: &mut Round<'_>, entry: &CheckEntry, started: Timestamp) {
    let check = &entry.row.check;
    let (world, now) = (round.world, round.now);
    if check.kind == CheckKind::Builtin && judged_lately(world, check.host, now) {
        // The host was judged and this check was not among it: what it watched is gone. See `retire`.
        return;
    }
    let runner = check.runner.or_else(|| world.hosts.get(&check.host).and_then(|host| host.agent));
    let agent = runner.and_then(|agent| world.agents.get(&agent));
    if check.kind == CheckKind::Alive && agent.is_some() {
        return;
    }
    let connected = world.runner_connected(entry);
    let opened = agent.and_then(|agent| agent.link.as_ref()).map(|link| link.opened);
    let baseline =
        [Some(entry.row.created), Some(started), opened].into_iter().flatten().max().unwrap_or(started);
    if now <= entry.state.state.fresh_until(&check.retry, baseline) {
        return;
    }
    let cause = if connected { StaleCause::NoResult } else { StaleCause::AgentUnreachable };
    if entry.state.state.stale.is_none_or(|stale| stale.cause != cause) {
        round.stale(check.id, connected);
    }
}

fn judged_lately(world: &World, host: HostId, now: Timestamp) -> bool {
    let evaluated = world.latest.get(&host).and_then(|latest| latest.evaluated);
    evaluated.is_some_and(|at| now.since(at) <= JUDGED_LATELY)
}

/// Built-in checks of hosts that are judged all the time, of which nothing was heard for long: an unmounted disk, a
/// certificate that is no longer used. They go, with a line in the timeline, instead of turning unknown.
fn retired(world: &World, now: Timestamp) -> Vec<CheckId> {
    let gone = |entry: &&CheckEntry| {
        let check = &entry.row.check;
        let heard = entry.state.state.last_heard.unwrap_or(entry.row.created);
        check.kind == CheckKind::Builtin
            && now.since(heard) >= RETIRE_AFTER
            && judged_lately(world, check.host, now)
    };
    world.checks.values().filter(gone).map(|entry| entry.row.check.id).collect()
}

/// Says when downtimes begin and end, and tells what they held back.
fn downtimes(round: &mut Round<'_>, memory: &Memory, seen: &mut Memory) {
    let (world, now) = (round.world, round.now);
    for row in world.downtimes.values() {
        let active = row.start <= now && now < row.end;
        if active {
            seen.downtimes.insert(row.id);
        }
        let was = memory.downtimes.contains(&row.id);
        // After a start of this program nothing is known to have begun: what is in effect began before.
        if active && !was && memory.primed {
            let summary = format!("Downtime began: {}", row.note);
            round.host_event(
                Some(row.host),
                row.check,
                "downtime-start",
                "info",
                summary,
                json!({"id": row.id.to_string()}),
            );
        }
        if !active && (was || (!memory.primed && row.end <= now)) {
            let summary = format!("Downtime ended: {}", row.note);
            round.host_event(
                Some(row.host),
                row.check,
                "downtime-end",
                "info",
                summary,
                json!({"id": row.id.to_string()}),
            );
            release(round, world, row.host, row.check);
        }
    }
    if memory.downtimes.iter().any(|id| !world.downtimes.contains_key(id)) {
        // Cancelled, or gone with its host: nothing stands between people and what it held.
        for entry in world.checks.values().filter(|entry| entry.state.state.owes().is_some()) {
            round.reconsider(entry.row.check.id, Release::DowntimeEnded);
        }
    }
    if !memory.primed {
        // Downtimes may have ended while this program was down: whatever is owed is looked at once.
        for entry in world.checks.values().filter(|entry| entry.state.state.owes().is_some()) {
            round.reconsider(entry.row.check.id, Release::DowntimeEnded);
        }
    }
}

/// Asks again for every check a downtime covered.
pub(crate) fn release(round: &mut Round<'_>, world: &World, host: HostId, check: Option<CheckId>) {
    match check {
        Some(check) => round.reconsider(check, Release::DowntimeEnded),
        None => {
            for check in world.checks_of.get(&host).into_iter().flatten() {
                round.reconsider(*check, Release::DowntimeEnded);
            }
        }
    }
}

//! What time itself brings about: agents that fell silent, results that did not come, downtimes and acknowledgements
//! that end, and the metrics store's housekeeping.
//!
//! All hosts share one commit. When something of one host cannot be judged or stored, each host has its own, and those
//! that fail wait longer and longer: they are reported, and the others go on. A clock that was set is told from time
//! that passed: nothing fell silent because somebody set a clock.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wk_domain::check_state::{StaleCause, StateType};
use wk_domain::decision::Release;
use wk_domain::{Check, CheckId, CheckKind, CheckResult, DowntimeId, HostId, RetryPolicy, Status, Timestamp};

use crate::Engine;
use crate::ids::new_id;
use crate::ingest::apply;
use crate::live::Live;
use crate::ports::StoreError;
use crate::ports::rows::{CheckRow, IngestCommit, Standing};
use crate::record::{self, DraftExt};
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

/// The clock was set when it and the steady one differ by more than this.
const CLOCK_STEP_MS: u64 = 5_000;
/// Wait before a host that failed is tried again: first, and at most.
const ASIDE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(300));
/// Hosts set aside that are tried in one step.
const ASIDE_TRIED: usize = 8;
/// What is said while the store takes nothing in, and while some hosts are set aside.
const WAITING: &str = "changes that time brings wait";
const HOSTS_WAIT: &str = "changes that time brings wait on some hosts";

/// What the last tick knew, to see what changed.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    seen: Seen,
    /// Checks that were asked to run again, with the instant they were due.
    asked: HashMap<CheckId, Timestamp>,
    /// Hosts whose changes could not be stored: how often, and when they are tried again.
    aside: HashMap<HostId, (u32, Instant)>,
    /// The clock and the steady one at the last tick.
    clocks: Option<(Timestamp, Duration)>,
    /// When the clock was set last: nobody was silent before.
    clock_set: Option<Timestamp>,
}

/// What there was to see.
#[derive(Debug, Default)]
struct Seen {
    downtimes: HashSet<DowntimeId>,
    reachable: HashSet<wk_domain::AgentId>,
    primed: bool,
}

impl Seen {
    fn now(world: &World, now: Timestamp) -> Self {
        let downtimes = world.downtimes.values().filter(|row| row.start <= now && now < row.end);
        let reachable = world.agents.values().filter(|agent| agent.connected());
        Self {
            downtimes: downtimes.map(|row| row.id).collect(),
            reachable: reachable.map(|agent| agent.row.id).collect(),
            primed: true,
        }
    }
}

impl Engine {
    pub(crate) async fn run_tick(self: Arc<Self>, stop: CancellationToken) {
        let mut steps = tokio::time::interval(STEP);
        steps.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let (mut maintained, mut pruned) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                _ = steps.tick() => {}
                () = stop.cancelled() => break,
            }
            self.tick_now().await;
            if maintained.elapsed() >= MAINTAIN {
                maintained = Instant::now();
                self.maintain_metrics(self.now()).await;
                self.retire().await;
                self.record_shed().await;
            }
            if pruned.elapsed() >= PRUNE {
                pruned = Instant::now();
                let now = self.now();
                if let Err(error) = self.ports.store.prune(now - EVENTS_KEPT, now - EXECUTIONS_KEPT).await {
                    tracing::warn!("old events and executions could not be removed: {error}");
                }
            }
        }
    }

    /// The metrics store's housekeeping, which also tells it the time.
    pub(crate) async fn maintain_metrics(self: &Arc<Self>, now: Timestamp) {
        const WHAT: &str = "the metrics store's housekeeping fails";
        let engine = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || engine.ports.metrics.maintain(now)).await;
        match done {
            Ok(Ok(())) => self.trouble(WHAT, None),
            Ok(Err(error)) => self.trouble(WHAT, Some(error.to_string())),
            Err(error) => {
                let fault = crate::keep::fault_text(error);
                self.note_fault(
                    "metrics housekeeping",
                    None,
                    &format!("The metrics store's housekeeping: {fault}"),
                );
                self.trouble(WHAT, Some(fault));
            }
        }
    }

    /// Does what time brings about now, as the engine's own task does each second.
    #[doc(hidden)]
    pub async fn tick_now(&self) {
        let mut memory = self.memory.lock().await;
        self.tick(&mut memory).await;
        let asked = std::mem::take(&mut memory.asked);
        memory.asked = self.confirm(asked);
        self.say().await;
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
        // Next time, when the store is there.
        let Ok(mut writer) = self.writer().await else { return };
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
            let before = self.world.read().checks.get(&check).map(|entry| entry.row.clone());
            let audit = record::draft(&wk_authz::Actor::system(), now, "check.retire", "check", check)
                .reason(format!("{title} is no longer there to be judged"))
                .images_of(before.as_ref(), None);
            if let Err(error) = writer.commit(self.ports.store.delete_check(check, audit)).await {
                tracing::warn!("a check whose object is gone could not be removed: {error}");
                return;
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
            let tenant = {
                let world = self.world.read();
                let host = world.checks.get(&check).and_then(|entry| world.hosts.get(&entry.row.check.host));
                host.map_or(wk_domain::TenantId::ROOT, |host| host.tenant)
            };
            writer.put(|world| world.remove_check(check));
            // Nothing in memory goes with it.
            if let Err(error) = self.ports.store.commit_ingest(commit).await {
                tracing::warn!("the event of a retired check could not be stored: {error}");
            }
            self.tell(live);
            self.tell([crate::live::Live::ConfigurationOf(tenant)]);
        }
    }

    async fn tick(&self, memory: &mut Memory) {
        let mut writer = match self.writer().await {
            Ok(writer) => writer,
            Err(error) => return self.trouble(WAITING, Some(error.to_string())),
        };
        let now = self.now();
        self.follow_the_clock(memory, now);
        let seen = Seen::now(&self.world.read(), now);
        let aside: HashSet<HostId> = memory.aside.keys().copied().collect();
        let all = |host: HostId| !aside.contains(&host);
        let mut failed: Vec<(HostId, String)> = Vec::new();
        match self.step(&mut writer, memory, now, &all, false).await {
            Ok(()) => {}
            Err(Stuck::Now(error)) => return self.trouble(WAITING, Some(error)),
            Err(Stuck::Fault(fault)) => {
                tracing::warn!(
                    "what time brings fails for all together, so each host is tried alone: {fault}"
                );
                let hosts: Vec<HostId> =
                    self.world.read().hosts.keys().copied().filter(|id| all(*id)).collect();
                for host in hosts {
                    match self.step(&mut writer, memory, now, &|id| id == host, false).await {
                        Ok(()) => {}
                        Err(Stuck::Now(error)) => return self.trouble(WAITING, Some(error)),
                        Err(Stuck::Fault(fault)) => failed.push((host, fault)),
                    }
                }
            }
        }
        let due = memory.aside.iter().filter(|(_, (_, next))| *next <= Instant::now());
        let due: Vec<HostId> = due.map(|(host, _)| *host).take(ASIDE_TRIED).collect();
        for host in due {
            match self.step(&mut writer, memory, now, &|id| id == host, true).await {
                Ok(()) => drop(memory.aside.remove(&host)),
                Err(Stuck::Now(error)) => return self.trouble(WAITING, Some(error)),
                Err(Stuck::Fault(fault)) => failed.push((host, fault)),
            }
        }
        self.trouble(WAITING, None);
        self.set_aside(memory, failed);
        // What began or ended on a host that waits is news when it goes on.
        let known = std::mem::replace(&mut memory.seen, seen);
        let world = self.world.read();
        memory.aside.retain(|host, _| world.hosts.contains_key(host));
        for row in world.downtimes.values().filter(|row| memory.aside.contains_key(&row.host)) {
            if known.downtimes.contains(&row.id) {
                memory.seen.downtimes.insert(row.id);
            } else {
                memory.seen.downtimes.remove(&row.id);
            }
        }
    }

    fn set_aside(&self, memory: &mut Memory, failed: Vec<(HostId, String)>) {
        for (host, fault) in failed {
            let failures = memory.aside.get(&host).map_or(0, |(failures, _)| *failures).saturating_add(1);
            let pause = ASIDE.0.saturating_mul(1 << (failures - 1).min(16)).min(ASIDE.1);
            memory.aside.insert(host, (failures, Instant::now() + pause));
            let name = crate::world::host_name(&self.world.read(), host);
            let text = format!("What time brings on {name} cannot be judged or stored: {fault}");
            if failures == 1 {
                self.note_fault("tick", None, &text);
            }
            self.trouble(HOSTS_WAIT, Some(text));
            self.counters.add("tick.failed", 1);
        }
        if memory.aside.is_empty() {
            self.trouble(HOSTS_WAIT, None);
        }
    }

    /// Somebody set the clock: silence is counted anew, and agents that are away have been away for as long as they
    /// have.
    fn follow_the_clock(&self, memory: &mut Memory, now: Timestamp) {
        let steady = self.ports.clock.steady();
        let Some((then, steady_then)) = memory.clocks.replace((now, steady)) else { return };
        let passed = i64::try_from(steady.saturating_sub(steady_then).as_millis()).unwrap_or(i64::MAX);
        let step = now.as_ms().saturating_sub(then.as_ms()).saturating_sub(passed);
        if step.unsigned_abs() <= CLOCK_STEP_MS {
            return;
        }
        memory.clock_set = Some(now);
        self.counters.add("clock.set", 1);
        let way = if step > 0 { "forward" } else { "back" };
        // The two clocks are not read at the same instant: to the second is all that is known.
        let by = wk_domain::text::span(Duration::from_secs(step.unsigned_abs().saturating_add(500) / 1000));
        self.note_clock(&format!("The server's clock was set {way} by {by}"));
        for agent in self.world.write().agents.values_mut() {
            agent.silent_since = Timestamp::from_ms(agent.silent_since.as_ms().saturating_add(step));
        }
    }

    /// What time brings about for some hosts, committed.
    async fn step(
        &self,
        writer: &mut crate::writer::Writer<'_>,
        memory: &Memory,
        now: Timestamp,
        of: &(dyn Fn(HostId) -> bool + Sync),
        anew: bool,
    ) -> Result<(), Stuck> {
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.judge_time(&self.world.read(), memory, now, of, anew)
        }));
        let (commit, live) =
            judged.map_err(|payload| Stuck::Fault(crate::keep::panic_text(payload.as_ref())))?;
        if commit.states.is_empty() && commit.events.is_empty() && commit.new_checks.is_empty() {
            return Ok(());
        }
        let applied = commit.clone();
        match writer.commit(self.ports.store.commit_ingest(commit)).await {
            Ok(()) => {
                writer.put(|world| {
                    apply(world, applied);
                    world.downtimes.retain(|_, row| now < row.end || !of(row.host));
                });
                self.tell(live);
                Ok(())
            }
            Err(error @ (StoreError::Unavailable { .. } | StoreError::CannotWrite { .. })) => {
                Err(Stuck::Now(error.to_string()))
            }
            Err(error) => Err(Stuck::Fault(error.to_string())),
        }
    }

    /// `anew`: the hosts were set aside; whatever is owed there is looked at once.
    fn judge_time(
        &self,
        world: &World,
        memory: &Memory,
        now: Timestamp,
        of: &(dyn Fn(HostId) -> bool + Sync),
        anew: bool,
    ) -> (IngestCommit, Vec<Live>) {
        let mut round = Round::new(world, now);
        let agents = world.agents.values().filter(|agent| agent.row.standing != Standing::Revoked);
        let agents: Vec<&AgentEntry> = agents.collect();
        for agent in agents.iter().filter(|agent| of(agent.row.host)) {
            alive(&mut round, agent);
        }
        let back: HashSet<wk_domain::AgentId> = agents
            .iter()
            .filter(|agent| agent.connected() && !memory.seen.reachable.contains(&agent.row.id))
            .map(|agent| agent.row.id)
            .collect();
        let checks = || world.checks.values().filter(|entry| of(entry.row.check.host));
        // Later than the start, though a clock set back may call it earlier.
        let listening = memory.clock_set.unwrap_or(self.started);
        for entry in checks().filter(|entry| entry.row.check.enabled) {
            silence(&mut round, entry, listening);
        }
        for entry in checks().filter(|entry| entry.state.state.ack.is_some()) {
            round.expire_ack(entry.row.check.id);
        }
        downtimes(&mut round, &memory.seen, of, anew);
        for entry in checks().filter(|entry| entry.state.state.owes().is_some()) {
            let runner = entry.row.check.runner.or_else(|| world.hosts.get(&entry.row.check.host)?.agent);
            if runner.is_some_and(|runner| back.contains(&runner)) {
                round.reconsider(entry.row.check.id, Release::AgentBack);
            }
        }
        round.finish()
    }
}

/// Why a step changed nothing.
enum Stuck {
    /// The store cannot now; it is tried again each second.
    Now(String),
    /// Something in it cannot be judged or stored, today or tomorrow.
    Fault(String),
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
    // Heard in the future: the clock was set back since.
    let due = state.last_heard.is_none_or(|heard| heard > now || now.since(heard) >= ALIVE_INTERVAL);
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
    let found = record::draft(&wk_authz::Actor::system(), round.now, "check.discover", "check", id);
    round.commit.audit.push(found.next_revision(None).images_of(None, Some(&row)));
    round.new.insert(id, CheckEntry { state: pending_state(id, host), row, ack: None });
    id
}

/// Marks a check from which nothing came in time. `listening`: since when we hear what comes.
fn silence(round: &mut Round<'_>, entry: &CheckEntry, listening: Timestamp) {
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
    // What is dated in the future was dated by a clock that was set back since: it says nothing.
    let before = |at: &Timestamp| *at <= now;
    let baseline =
        [Some(entry.row.created), Some(listening), opened].into_iter().flatten().filter(before).max();
    let mut heard = entry.state.state;
    heard.last_heard = heard.last_heard.filter(before);
    if now <= heard.fresh_until(&check.retry, baseline.unwrap_or(now)) {
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
fn downtimes(round: &mut Round<'_>, memory: &Seen, of: &(dyn Fn(HostId) -> bool + Sync), anew: bool) {
    let (world, now) = (round.world, round.now);
    for row in world.downtimes.values().filter(|row| of(row.host)) {
        let active = row.start <= now && now < row.end;
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
    // Cancelled, or gone with its host: nothing stands between people and what it held. And downtimes may have ended
    // while nobody looked, because this program was down or the host was set aside.
    let cancelled = memory.downtimes.iter().any(|id| !world.downtimes.contains_key(id));
    if cancelled || anew || !memory.primed {
        let owed = world.checks.values().filter(|entry| of(entry.row.check.host));
        for entry in owed.filter(|entry| entry.state.state.owes().is_some()) {
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

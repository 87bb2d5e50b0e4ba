//! The first walk: what agents observed becomes state, events and notifications, in rounds.
//!
//! A round takes whatever waits (up to [`ROUND_MAX`] batches of different agents), makes samples durable, folds results
//! into states, commits everything in one transaction, and only then acknowledges. One fsync serves all. If the store
//! refuses, nothing happened: agents keep their batches. Samples may already be in the metrics store then; they come
//! again with the same time and replace themselves.
//!
//! A round that cannot be stored, or that a fault of this program ends, is tried again batch by batch, so that one
//! agent's batch stops only itself. An agent whose batches go on failing is answered less and less often.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wk_domain::builtin::{self, CertificateView, Thresholds};
use wk_domain::{AgentId, Check, CheckKind, CheckResult, HostId, RetryPolicy, Timestamp};

use crate::Engine;
use crate::desk::{IngestError, LinkRefused, Observations, ObservedInventory, Peer, SeriesNames};
use crate::ids::new_id;
use crate::latest::View;
use crate::ports::metrics::{MetricsError, Sample, SeriesKey, SeriesMeta, SeriesRef};
use crate::ports::rows::{CheckRow, Cursor, ExecutionRow, InventoryChange, Page, Standing};
use crate::ports::{StoreError, TenantScope};
use crate::record::{self, DraftExt};
use crate::round::Round;
use crate::world::{CheckEntry, World, pending_state};

/// Batches in one round: enough to share a commit, few enough to answer soon.
const ROUND_MAX: usize = 512;
/// Built-in checks are judged this often, by the time of our clock.
const BUILTIN_INTERVAL: Duration = Duration::from_secs(60);

/// Batches of an agent that may fail one after the other before the next is not even tried for a while.
const FAILURES_FREE: u32 = 3;
/// That while: first, and at most.
const ASIDE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// The clock stepped when it and the steady one differ by more than this.
const CLOCK_STEP_MS: u64 = 5_000;
/// What is said while the store takes nothing in.
const WAITING: &str = "batches from agents wait";

/// The pieces of a full inventory section arrive within this.
const BASELINE_SETTLES: Duration = Duration::from_secs(30);

/// Why nothing of a round counts, although the store is there.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

/// A batch that waits for the writer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) peer: Peer,
    pub(crate) batch: Observations,
    pub(crate) done: oneshot::Sender<Result<(), IngestError>>,
}

/// What each batch of a round is told.
type Answers = Vec<Result<(), IngestError>>;
/// Batches to fold, by place, with the cursor that each moves.
type Accepted = Vec<(usize, Cursor)>;
/// A batch's dictionary, as it came and as its own host's series.
type Wanted = (usize, AgentId, Arc<SeriesNames>, Vec<SeriesMeta>);
/// The values of a batch: series index, time, value.
type Values = (usize, Vec<(u32, i64, f64)>);
/// Series of batches, resolved. By batch and not by agent: an agent that reconnects begins a new dictionary.
type Refs = HashMap<usize, Arc<Vec<SeriesRef>>>;
/// Series names of an agent's newest dictionary, resolved.
type Resolved = HashMap<AgentId, (Arc<SeriesNames>, Arc<Vec<SeriesRef>>)>;

/// Agents whose batches failed again and again: how often, and until when the next is not tried.
type Aside = HashMap<AgentId, (u32, Instant)>;

/// What the ingest task remembers between rounds. Lost with the task: all of it is found out again.
#[derive(Debug, Default)]
struct Memory {
    resolved: Resolved,
    aside: Aside,
    /// The clock and the steady one when they were last compared.
    clocks: Option<(Timestamp, Duration)>,
}

impl Engine {
    /// Counts series that the metrics store refused: a host or the whole has as many as may be.
    fn count_refused(&self, refs: &[SeriesRef]) {
        let refused = refs.iter().filter(|series| **series == SeriesRef::NONE).count();
        if refused > 0 {
            self.counters.add("metrics.over_limit", refused as u64);
        }
    }

    pub(crate) async fn run_ingest(
        self: Arc<Self>,
        queue: Arc<tokio::sync::Mutex<mpsc::Receiver<Job>>>,
        stop: CancellationToken,
    ) {
        let mut queue = queue.lock().await;
        let mut memory = Memory::default();
        loop {
            let first = tokio::select! {
                job = queue.recv() => job,
                () = stop.cancelled() => None,
            };
            let Some(first) = first else { break };
            let mut jobs = vec![first];
            while jobs.len() < ROUND_MAX {
                match queue.try_recv() {
                    Ok(job) => jobs.push(job),
                    Err(_) => break,
                }
            }
            if self.clock_was_set(&mut memory) {
                // It refuses samples from what it takes for the future, so it is told before the next come.
                self.maintain_metrics(self.now()).await;
            }
            self.ingest_jobs(jobs, &mut memory).await;
        }
    }

    /// Whether somebody set the clock since the last round.
    fn clock_was_set(&self, memory: &mut Memory) -> bool {
        let (now, steady) = (self.now(), self.ports.clock.steady());
        let Some((then, steady_then)) = memory.clocks.replace((now, steady)) else { return false };
        let passed = i64::try_from(steady.saturating_sub(steady_then).as_millis()).unwrap_or(i64::MAX);
        now.as_ms().saturating_sub(then.as_ms()).abs_diff(passed) > CLOCK_STEP_MS
    }

    async fn ingest_jobs(self: &Arc<Self>, jobs: Vec<Job>, memory: &mut Memory) {
        let began = Instant::now();
        let (aside, jobs): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .partition(|job| memory.aside.get(&job.peer.agent).is_some_and(|(_, until)| began < *until));
        for job in aside {
            self.counters.add("ingest.set_aside", 1);
            let _ = job.done.send(Err(IngestError::TryLater));
        }
        let (batches, waiters): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| ((job.peer, job.batch), job.done)).unzip();
        let batches = Arc::new(batches);
        let answers = match self.round(&batches, None, &mut memory.resolved).await {
            Ok(answers) => {
                for (peer, _) in batches.iter() {
                    memory.aside.remove(&peer.agent);
                }
                answers
            }
            // Something in the round cannot be judged or stored. Each on its own.
            Err(failed) if batches.len() > 1 => {
                tracing::warn!(
                    batches = batches.len(),
                    "one of a round fails, so each is tried alone: {failed}"
                );
                let mut alone = Vec::with_capacity(batches.len());
                for (index, (peer, _)) in batches.iter().enumerate() {
                    let answer = self.round(&batches, Some(index), &mut memory.resolved).await;
                    alone.push(self.alone(peer, answer, &mut memory.aside));
                }
                alone
            }
            Err(failed) => batches
                .iter()
                .map(|(peer, _)| self.alone(peer, Err(failed.clone()), &mut memory.aside))
                .collect(),
        };
        for (waiter, answer) in waiters.into_iter().zip(answers) {
            // A hub connection that has gone away learns of the commit when it returns.
            let _ = waiter.send(answer);
        }
    }

    /// The answer to a batch that was tried alone. One that fails is tried again when the agent sends it again.
    fn alone(
        &self,
        peer: &Peer,
        answer: Result<Answers, Failed>,
        aside: &mut Aside,
    ) -> Result<(), IngestError> {
        match answer {
            Ok(mut one) => {
                aside.remove(&peer.agent);
                one.pop().unwrap_or(Err(IngestError::TryLater))
            }
            Err(failed) => {
                let failures = aside.get(&peer.agent).map_or(0, |(failures, _)| *failures).saturating_add(1);
                let over = failures.saturating_sub(FAILURES_FREE);
                let pause = if over == 0 {
                    Duration::ZERO
                } else {
                    ASIDE.0.saturating_mul(1 << (over - 1).min(16)).min(ASIDE.1)
                };
                aside.insert(peer.agent, (failures, Instant::now() + pause));
                self.counters.add("ingest.failed", 1);
                let host = self.world.read().agents.get(&peer.agent).map(|entry| entry.row.host);
                // Said when it begins; the pauses between tries bound the lines of log.
                if failures == 1
                    && let Some(host) = host
                {
                    let text = format!("What an agent sent cannot be taken in, and waits there: {failed}");
                    self.note_fault("ingest", Some((peer.agent, host)), &text);
                } else {
                    tracing::error!(agent.id = %peer.agent, failures, "its batch cannot be taken in: {failed}");
                }
                Err(IngestError::TryLater)
            }
        }
    }

    /// Tries a round of all batches, or of one, in a task of its own: a fault of this program in the middle of it ends
    /// the round and nothing else.
    async fn round(
        self: &Arc<Self>,
        batches: &Arc<Vec<(Peer, Observations)>>,
        only: Option<usize>,
        resolved: &mut Resolved,
    ) -> Result<Answers, Failed> {
        let (engine, own, mut names) = (Arc::clone(self), Arc::clone(batches), std::mem::take(resolved));
        let task = tokio::spawn(async move {
            let which = match only {
                Some(index) => &own[index..=index],
                None => &own[..],
            };
            let answers = engine.ingest_round(which, &mut names).await;
            (answers, names)
        });
        match task.await {
            Ok((answers, names)) => {
                *resolved = names;
                answers
            }
            Err(error) => {
                self.counters.add("ingest.faults", 1);
                if let Some((peer, _)) = only.and_then(|index| batches.get(index)) {
                    // What was last heard of the host may be part of what went wrong: it comes again.
                    let mut world = self.world.write();
                    if let Some(host) = world.agents.get(&peer.agent).map(|entry| entry.row.host) {
                        world.latest.remove(&host);
                    }
                }
                Err(Failed(crate::keep::fault_text(error)))
            }
        }
    }

    /// One answer per batch; `Err` when nothing was committed.
    async fn ingest_round(
        self: &Arc<Self>,
        batches: &[(Peer, Observations)],
        resolved: &mut Resolved,
    ) -> Result<Answers, Failed> {
        let mut writer = match self.writer().await {
            Ok(writer) => writer,
            Err(error) => return self.wait_for_the_store(batches.len(), &error),
        };
        let now = self.now();
        let (answers, accepted) = self.admit(batches, now);
        if accepted.is_empty() {
            return Ok(answers);
        }
        // Names are read when a dictionary is new; values alone come with every batch.
        let same = |(peer, batch): &(Peer, Observations)| {
            resolved.get(&peer.agent).is_some_and(|(names, _)| Arc::ptr_eq(names, &batch.series))
        };
        let fresh: HashSet<usize> =
            accepted.iter().map(|(index, _)| *index).filter(|index| !same(&batches[*index])).collect();
        let refs = match self.store_samples(batches, &accepted, resolved).await? {
            Ok(refs) => refs,
            Err(error) => return self.wait_for_the_store(batches.len(), &error),
        };

        if let Err(error) = self.know_interfaces(batches, &accepted).await {
            return self.wait_for_the_store(batches.len(), &error);
        }
        {
            let mut world = self.world.write();
            for (index, _) in &accepted {
                let (peer, batch) = &batches[*index];
                let Some(host) = world.agents.get(&peer.agent).map(|entry| entry.row.host) else { continue };
                let Some(refs) = refs.get(index) else { continue };
                let latest = world.latest.entry(host).or_default();
                if fresh.contains(index) {
                    for (meta, id) in batch.series.of(host).zip(refs.iter()) {
                        latest.define(*id, &meta);
                    }
                }
                for (series, at_ms, value) in &batch.samples {
                    if let Some(id) = refs.get(*series as usize) {
                        latest.put(*id, *at_ms, *value, now);
                    }
                }
            }
        }
        let mut evaluated = Vec::new();
        let (commit, live, baselines, interfaces) = {
            let world = self.world.read();
            let mut round = Round::new(&world, now);
            for (index, cursor) in &accepted {
                let (peer, batch) = &batches[*index];
                let Some(host) = world.agents.get(&peer.agent).map(|entry| entry.row.host) else { continue };
                round.commit.cursors.push(*cursor);
                self.fold_results(&mut round, peer, &batch.results);
                fold_inventory(&mut round, host, &batch.inventory);
                for execution in &batch.executions {
                    // An agent speaks of its own runs: of a check that is another's, the record names none.
                    let check = execution.check.filter(|check| {
                        world.checks.get(check).is_some_and(|entry| may_report(&world, peer.agent, entry))
                    });
                    let row = ExecutionRow { agent: peer.agent, check, ..execution.clone() };
                    round.commit.executions.push(row);
                }
                for note in &batch.notes {
                    let detail = json!({"kind": note.kind, "count": note.count, "at_ms": note.at.as_ms()});
                    let severity = if ["spool-dropped", "spool-damaged"].contains(&note.kind.as_str()) {
                        "warning"
                    } else {
                        "info"
                    };
                    round.host_event(Some(host), None, "agent", severity, note.text.clone(), detail);
                }
                if !batch.samples.is_empty() && !evaluated.contains(&host) && due(&world, host, now) {
                    evaluated.push(host);
                    fold_builtin(&mut round, peer.agent, host);
                }
            }
            let baselines = std::mem::take(&mut round.baseline);
            let interfaces = std::mem::take(&mut round.interfaces);
            let (commit, live) = round.finish();
            (commit, live, baselines, interfaces)
        };
        let applied = commit.clone();
        match writer.commit(self.ports.store.commit_ingest(commit)).await {
            Ok(()) => {}
            Err(error @ (StoreError::Unavailable { .. } | StoreError::CannotWrite { .. })) => {
                return self.wait_for_the_store(batches.len(), &error);
            }
            Err(error) => return Err(Failed(error.to_string())),
        }
        self.trouble(WAITING, None);
        self.counters.add("ingest.batches", accepted.len() as u64);
        self.counters.add("ingest.results", applied.states.len() as u64);
        let changed_checks = !applied.new_checks.is_empty();
        writer.put(|world| {
            apply(world, applied);
            world.baselines.extend(baselines.into_iter().map(|key| (key, now)));
            world.interfaces.extend(interfaces);
            for host in evaluated {
                world.latest.entry(host).or_default().evaluated = Some(now);
            }
        });
        if changed_checks {
            self.push_assignments();
        }
        self.tell(live);
        Ok(answers)
    }

    /// Reads the interfaces of hosts of which a part is about to change, once in the life of this program.
    async fn know_interfaces(
        &self,
        batches: &[(Peer, Observations)],
        accepted: &[(usize, Cursor)],
    ) -> Result<(), StoreError> {
        const PAGE: u32 = 500;
        let unknown: Vec<HostId> = {
            let world = self.world.read();
            let part = |batch: &Observations| {
                batch.inventory.iter().any(|section| section.section == "interfaces" && !section.full)
            };
            let hosts = accepted.iter().map(|(index, _)| &batches[*index]).filter(|(_, batch)| part(batch));
            let hosts =
                hosts.filter_map(|(peer, _)| world.agents.get(&peer.agent).map(|entry| entry.row.host));
            hosts.filter(|host| !world.interfaces.contains_key(host)).collect()
        };
        for host in unknown {
            let mut known = BTreeMap::new();
            let mut after = None;
            loop {
                let page = Page { limit: PAGE, after: after.take() };
                let rows =
                    self.ports.store.inventory(&TenantScope::whole(), host, Some("interfaces"), page).await?;
                let full = rows.len() == PAGE as usize;
                after = rows.last().map(|row| format!("{}/{}", row.section, row.key));
                known.extend(rows.into_iter().map(|row| {
                    let fields: BTreeMap<String, String> =
                        serde_json::from_str(&row.fields_json).unwrap_or_default();
                    (row.key, addresses_of(&fields.into_iter().collect::<Vec<_>>()))
                }));
                if !full {
                    break;
                }
            }
            self.world.write().interfaces.insert(host, known);
        }
        Ok(())
    }

    /// Nothing is stored now, and nothing is acknowledged: agents keep what they have.
    fn wait_for_the_store(&self, batches: usize, error: &dyn std::error::Error) -> Result<Answers, Failed> {
        self.counters.add("ingest.try_later", batches as u64);
        self.trouble(WAITING, Some(error.to_string()));
        Ok(vec![Err(IngestError::TryLater); batches])
    }

    /// Which batches are next in their agent's sequence. The rest have their answer.
    fn admit(&self, batches: &[(Peer, Observations)], now: Timestamp) -> (Answers, Accepted) {
        let world = self.world.read();
        let mut cursors: HashMap<AgentId, (u64, u64)> = HashMap::new();
        let mut answers = Vec::with_capacity(batches.len());
        let mut accepted = Vec::with_capacity(batches.len());
        for (index, (peer, batch)) in batches.iter().enumerate() {
            let Some(entry) = world.agents.get(&peer.agent) else {
                answers.push(Err(IngestError::Refused(LinkRefused::Revoked)));
                continue;
            };
            if world.denied_serials.contains(&peer.serial) || entry.row.standing == Standing::Revoked {
                answers.push(Err(IngestError::Refused(LinkRefused::Revoked)));
                continue;
            }
            if entry.row.standing == Standing::Quarantined {
                answers.push(Err(IngestError::Refused(LinkRefused::Quarantined)));
                continue;
            }
            let (epoch, seq) =
                cursors.get(&peer.agent).copied().unwrap_or((entry.row.epoch, entry.row.committed_seq));
            let expected = if epoch == batch.epoch { seq.saturating_add(1) } else { batch.seq.max(1) };
            if epoch == batch.epoch && batch.seq <= seq {
                self.counters.add("ingest.repeated", 1);
                answers.push(Ok(()));
            } else if batch.seq != expected {
                answers.push(Err(IngestError::OutOfOrder { expected }));
            } else {
                cursors.insert(peer.agent, (batch.epoch, batch.seq));
                accepted
                    .push((index, Cursor { agent: peer.agent, epoch: batch.epoch, seq: batch.seq, at: now }));
                answers.push(Ok(()));
            }
        }
        (answers, accepted)
    }

    /// Makes the samples of the accepted batches durable. A host over its limit of series loses its samples and is
    /// counted; its results go on. The inner error is for now: the disk is full, say.
    async fn store_samples(
        self: &Arc<Self>,
        batches: &[(Peer, Observations)],
        accepted: &[(usize, Cursor)],
        resolved: &mut Resolved,
    ) -> Result<Result<Refs, MetricsError>, Failed> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut samples: Vec<Values> = Vec::new();
        let mut known = Refs::new();
        let mut perf: Vec<(SeriesMeta, i64, f64)> = Vec::new();
        {
            let world = self.world.read();
            for (index, _) in accepted {
                let (peer, batch) = &batches[*index];
                let Some(host) = world.agents.get(&peer.agent).map(|entry| entry.row.host) else { continue };
                match resolved.get(&peer.agent) {
                    Some((names, refs)) if Arc::ptr_eq(names, &batch.series) => {
                        known.insert(*index, Arc::clone(refs));
                    }
                    Some(_) | None if batch.series.is_empty() => {}
                    Some(_) | None => {
                        let own = batch.series.of(host).collect();
                        wanted.push((*index, peer.agent, Arc::clone(&batch.series), own));
                    }
                }
                samples.push((*index, batch.samples.clone()));
                for (check, result) in &batch.results {
                    let Some(entry) = world.checks.get(check).filter(|e| may_report(&world, peer.agent, e))
                    else {
                        continue;
                    };
                    perf.extend(perf_series(&entry.row.check, result));
                }
            }
        }
        let engine = Arc::clone(self);
        let work = move || -> Result<(Refs, Resolved), MetricsError> {
            let metrics = &engine.ports.metrics;
            let mut fresh = Resolved::new();
            for (index, agent, names, metas) in wanted {
                match metrics.resolve(&metas) {
                    Ok(refs) => {
                        engine.count_refused(&refs);
                        let refs = Arc::new(refs);
                        known.insert(index, Arc::clone(&refs));
                        fresh.insert(agent, (names, refs));
                    }
                    Err(MetricsError::Limit { what, limit }) => {
                        engine.counters.add("metrics.over_limit", metas.len() as u64);
                        tracing::warn!(agent.id = %agent, "samples refused: the limit of {limit} {what} is reached");
                        known.insert(index, Arc::default());
                        fresh.insert(agent, (names, Arc::default()));
                    }
                    Err(error) => return Err(error),
                }
            }
            let mut all =
                Vec::with_capacity(samples.iter().map(|(_, s)| s.len()).sum::<usize>() + perf.len());
            for (index, list) in samples {
                let Some(refs) = known.get(&index) else { continue };
                all.extend(list.into_iter().filter_map(|(series, at_ms, value)| {
                    refs.get(series as usize).map(|id| Sample { series: *id, at_ms, value })
                }));
            }
            if !perf.is_empty() {
                let metas: Vec<SeriesMeta> = perf.iter().map(|(meta, _, _)| meta.clone()).collect();
                match metrics.resolve(&metas) {
                    Ok(refs) => {
                        engine.count_refused(&refs);
                        all.extend(refs.into_iter().zip(&perf).map(|(series, (_, at_ms, value))| Sample {
                            series,
                            at_ms: *at_ms,
                            value: *value,
                        }))
                    }
                    Err(MetricsError::Limit { .. }) => {
                        engine.counters.add("metrics.over_limit", metas.len() as u64)
                    }
                    Err(error) => return Err(error),
                }
            }
            if !all.is_empty() {
                metrics.append(&all)?;
            }
            engine.counters.add("ingest.samples", all.len() as u64);
            Ok((known, fresh))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok((known, fresh))) => {
                resolved.extend(fresh);
                Ok(Ok(known))
            }
            Ok(Err(error)) => Ok(Err(error)),
            Err(error) => Err(Failed(crate::keep::fault_text(error))),
        }
    }

    /// Results count only for checks that are this agent's to run.
    fn fold_results(
        &self,
        round: &mut Round<'_>,
        peer: &Peer,
        results: &[(wk_domain::CheckId, CheckResult)],
    ) {
        for (check, result) in results {
            let Some(entry) = round.world.checks.get(check) else {
                // Removed while the result was on its way.
                self.counters.add("results.unknown_check", 1);
                continue;
            };
            if may_report(round.world, peer.agent, entry) {
                round.result(*check, result.clone());
            } else {
                self.counters.add("results.not_this_agents", 1);
                let address = peer.address.ip();
                let detail = format!("agent {} reported on {check}, which is not its to run", peer.agent);
                self.note_refusal(address, "foreign-result", &detail);
            }
        }
    }
}

/// Whether results of the check are the agent's to report: it runs it, on its own host or as a prober.
fn may_report(world: &World, agent: AgentId, entry: &CheckEntry) -> bool {
    let check = &entry.row.check;
    check.runner == Some(agent)
        && world.agents.get(&agent).is_some_and(|agent| {
            agent.row.host == check.host || agent.row.grants.iter().any(|grant| grant == "probe")
        })
}

fn due(world: &World, host: HostId, now: Timestamp) -> bool {
    let last = world.latest.get(&host).and_then(|latest| latest.evaluated);
    last.is_none_or(|last| now.since(last) >= BUILTIN_INTERVAL || last > now)
}

/// Judges the built-in checks of a host; new ones are made on the way.
fn fold_builtin(round: &mut Round<'_>, agent: AgentId, host: HostId) {
    let world = round.world;
    let Some(latest) = world.latest.get(&host) else { return };
    let certificates = world
        .agents
        .get(&agent)
        .map(|entry| CertificateView {
            name: "agent".to_owned(),
            not_before: entry.row.enrolled,
            not_after: entry.row.cert_not_after,
        })
        .into_iter()
        .collect();
    let was_writable = |mount: &str| world.check_by_key(host, &format!("readonly:{mount}")).is_some();
    let measured_ms =
        world.agents.get(&agent).and_then(|entry| entry.link.as_ref()).map(|link| link.clock_offset_ms);
    let clock_ahead_ms = latest.clock_ahead_ms(measured_ms, round.now);
    let view = View { latest, now: round.now, certificates, was_writable: &was_writable, clock_ahead_ms };
    let fields = world.hosts.get(&host).map(|row| row.fields.as_slice()).unwrap_or_default();
    for found in builtin::evaluate(&view, &Thresholds::of_fields(fields)) {
        let check = match world.check_by_key(host, &found.key) {
            Some(check) if is_builtin(world, check) => check,
            // A person's check has the key: it is theirs to judge.
            Some(_) => continue,
            None => add_builtin(round, host, &found.key, &found.title),
        };
        let result = CheckResult {
            status: found.status,
            reason: found.reason,
            output: found.output,
            long_output: String::new(),
            metrics: found.metrics,
            started: round.now,
            finished: round.now,
        };
        round.result(check, result);
    }
}

fn is_builtin(world: &World, check: wk_domain::CheckId) -> bool {
    world.checks.get(&check).is_some_and(|entry| entry.row.check.kind == CheckKind::Builtin)
}

fn add_builtin(round: &mut Round<'_>, host: HostId, key: &str, title: &str) -> wk_domain::CheckId {
    let id = new_id(round.now);
    let row = CheckRow {
        check: Check {
            id,
            host,
            key: key.to_owned(),
            title: title.to_owned(),
            kind: CheckKind::Builtin,
            runner: None,
            retry: RetryPolicy {
                interval: BUILTIN_INTERVAL,
                retry_interval: BUILTIN_INTERVAL,
                ..RetryPolicy::default()
            },
            enabled: true,
        },
        spec_json: "{}".to_owned(),
        created: round.now,
        revision: 1,
    };
    let found = record::draft(&wk_authz::Actor::system(), round.now, "check.discover", "check", id);
    round.commit.audit.push(found.next_revision(None).images_of(None, Some(&row)));
    round.new.insert(id, CheckEntry { state: pending_state(id, host), row, ack: None });
    id
}

fn fold_inventory(round: &mut Round<'_>, host: HostId, observed: &[ObservedInventory]) {
    for section in observed {
        let upserts: Vec<(String, String)> =
            section.items.iter().map(|(key, fields)| (key.clone(), fields_json(fields))).collect();
        if matches!(section.section.as_str(), "os" | "interfaces") {
            update_host(round, host, section);
        }
        // A full section comes in pieces, of which only the first says so; what changes after them is news.
        let begun = section.full || round.baseline.contains(&(host, section.section.clone()));
        if section.full {
            round.baseline.insert((host, section.section.clone()));
        }
        let baseline = round.world.baselines.get(&(host, section.section.clone()));
        let settling = baseline.is_some_and(|at| round.now.since(*at) < BASELINE_SETTLES);
        if !begun && !settling && !matches!(section.section.as_str(), "processes" | "top" | "mounts") {
            let changed = section.items.len() + section.removed.len();
            let names: Vec<&str> = section
                .items
                .iter()
                .map(|(key, _)| key.as_str())
                .chain(section.removed.iter().map(String::as_str))
                .take(5)
                .collect();
            let more = if changed > names.len() { ", …" } else { "" };
            let summary =
                format!("Inventory, {}: {} {more}", section.section.replace('_', " "), names.join(", "));
            let detail = json!({
                "section": section.section,
                "changed": section.items.iter().take(50).map(|(key, _)| key).collect::<Vec<_>>(),
                "removed": section.removed.iter().take(50).collect::<Vec<_>>(),
                "count": changed,
            });
            round.host_event(Some(host), None, "inventory", "info", summary.trim_end().to_owned(), detail);
        }
        round.commit.inventory.push(InventoryChange {
            host,
            section: section.section.clone(),
            full: section.full,
            upserts,
            removed: section.removed.clone(),
            at: round.now,
        });
    }
}

/// Addresses of a host in its row; a machine with more has them in its inventory.
const ADDRESSES_MAX: usize = 1024;

/// The addresses of one interface, as its inventory item has them.
fn addresses_of(fields: &[(String, String)]) -> Vec<String> {
    fields
        .iter()
        .filter(|(name, _)| name.starts_with("address"))
        .flat_map(|(_, value)| value.split([',', ' ']).map(|a| a.split('/').next().unwrap_or(a).to_owned()))
        .filter(|a| a.parse::<std::net::IpAddr>().is_ok_and(|ip| !ip.is_loopback()))
        .collect()
}

/// Keeps a host's line for lists and its addresses in step with its inventory.
fn update_host(round: &mut Round<'_>, host: HostId, section: &ObservedInventory) {
    let staged = round.commit.hosts.iter().find(|row| row.id == host).cloned();
    let Some(old) = staged.or_else(|| round.world.hosts.get(&host).cloned()) else { return };
    let mut new = old.clone();
    let field = |fields: &[(String, String)], name: &str| {
        fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
    };
    let kernel = |release: &str| if release.is_empty() { String::new() } else { format!("Linux {release}") };
    if section.section == "os" {
        let parts: Vec<String> = section
            .items
            .iter()
            .flat_map(|(_, fields)| [field(fields, "name"), kernel(&field(fields, "kernel"))])
            .filter(|part| !part.is_empty())
            .collect();
        if !parts.is_empty() {
            new.os = parts.join(", ");
        }
    } else {
        // A full section comes in pieces, of which only the first says so, and changes come one by one: each interface
        // has its own addresses.
        let known = round.interfaces.remove(&host).or_else(|| round.world.interfaces.get(&host).cloned());
        let mut known = known.filter(|_| !section.full).unwrap_or_default();
        for gone in &section.removed {
            known.remove(gone);
        }
        for (key, fields) in &section.items {
            known.insert(key.clone(), addresses_of(fields));
        }
        let addresses: std::collections::BTreeSet<&String> = known.values().flatten().collect();
        new.addresses = addresses.into_iter().take(ADDRESSES_MAX).cloned().collect();
        round.interfaces.insert(host, known);
    }
    if new != old {
        round.commit.hosts.retain(|row| row.id != host);
        round.commit.hosts.push(new);
    }
}

fn fields_json(fields: &[(String, String)]) -> String {
    let map: serde_json::Map<String, serde_json::Value> =
        fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    serde_json::Value::Object(map).to_string()
}

/// A result's performance values as samples: `check.value{check, label}` of the check's host.
fn perf_series(check: &Check, result: &CheckResult) -> Vec<(SeriesMeta, i64, f64)> {
    let at_ms = result.finished.as_ms();
    let measured = result.metrics.iter().filter_map(|m| m.value.filter(|v| v.is_finite()).map(|v| (m, v)));
    measured
        .map(|(metric, value)| {
            let (value, unit) = wk_domain::perfdata::normalise(value, &metric.unit);
            let label: String = metric.label.chars().take(100).collect();
            let key = SeriesKey {
                host: check.host,
                name: "check.value".to_owned(),
                labels: vec![("check".to_owned(), check.key.clone()), ("label".to_owned(), label)],
            };
            (SeriesMeta { key, unit: unit.to_owned(), counter: metric.unit == "c" }, at_ms, value)
        })
        .collect()
}

/// Puts a committed round into the world.
pub(crate) fn apply(world: &mut World, commit: crate::ports::rows::IngestCommit) {
    for check in commit.new_checks {
        world.put_check(check);
    }
    for state in commit.states {
        if let Some(entry) = world.checks.get_mut(&state.check) {
            entry.state = state;
        }
    }
    for check in commit.clear_acks {
        if let Some(entry) = world.checks.get_mut(&check) {
            entry.ack = None;
        }
    }
    for cursor in commit.cursors {
        if let Some(agent) = world.agents.get_mut(&cursor.agent) {
            agent.row.epoch = cursor.epoch;
            agent.row.committed_seq = cursor.seq;
            agent.row.last_seen = Some(cursor.at);
        }
    }
    for host in commit.hosts {
        world.put_host(host);
    }
}

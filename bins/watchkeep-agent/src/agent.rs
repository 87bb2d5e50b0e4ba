//! The running agent: samples, inventory, assigned checks and the link, on one thread.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use wk_collect::{AgentFigures, Collector, Inventory, InventoryConfig, KernelClock, Sampler};
use wk_link::{Handlers, Link, LinkConfig, LinkState, Outbox, Timing};
use wk_pki::{AgentStore, ServerAddr};
use wk_sandbox::{ExecutionLog, Runner, RunnerConfig};
use wk_spool::{Payload, Spool};
use wk_wire::{AgentNote, Assignments, CheckResult, Execution, InventoryDelta};

use crate::facts::facts;
use crate::schedule::{self, Executor};
use crate::start::Setup;

/// The inventory and the top list are looked at this often.
const INVENTORY_EVERY: Duration = Duration::from_secs(60);
/// Results go into one batch, one write to the disk for many probes: a batch for this long while many come in, and a lone
/// one after the shorter time, so that a person who waits for it sees it at once.
const GATHER: Duration = Duration::from_millis(200);
const GATHER_LONE: Duration = Duration::from_millis(10);
/// Pieces of the inventory in one batch; each has at most 64 KiB.
const PIECES_MAX: usize = 2;
/// Results that may wait to be written.
const RESULTS_MAX: usize = 8192;
/// A wall clock that moved this much more or less than time itself has jumped.
const JUMP: Duration = Duration::from_secs(5);
/// The agent's own record of what it executed, in its data directory.
const EXECUTIONS_LOG: (&str, u64) = ("executions.log", 8 << 20);

/// Milliseconds since 1970 UTC.
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A note for the server.
pub(crate) fn note(kind: &str, text: impl Into<String>, count: u64) -> AgentNote {
    AgentNote { at_ms: now_ms(), kind: kind.to_owned(), text: text.into(), count }
}

/// What a check brought.
pub(crate) type Finding = (CheckResult, Option<Execution>);

/// Runs until a signal, or until the program that started it has ended.
pub(crate) async fn run(setup: Setup, servers: Vec<ServerAddr>, with_parent: bool) -> Result<()> {
    let data = setup.data.as_path();
    let config = &setup.config;
    let spool = Spool::open(
        &data.join("spool"),
        wk_spool::Limits {
            bytes_max: config.spool_mib << 20,
            age_max: Duration::from_secs(config.spool_hours * 3600),
            ..wk_spool::Limits::default()
        },
    )?;
    let outbox = Outbox::new(spool);
    let store = Arc::new(AgentStore::open(&data.join("identity"))?);
    let stop = CancellationToken::new();
    let (assignments, assigned) = watch::channel(Arc::new(Assignments::default()));
    let (run_now, wanted) = mpsc::channel(256);
    let (state, state_seen) = watch::channel(LinkState::default());
    let link = Link::new(
        LinkConfig {
            servers,
            proxy: setup.proxy.clone(),
            facts: facts(config, &setup.plugins),
            timing: Timing::default(),
        },
        store,
        outbox.clone(),
        Handlers { assignments, run_now, state },
    );
    let link = tokio::spawn(link.run(stop.clone()));

    let (findings, found) = mpsc::channel(RESULTS_MAX);
    let executor = Executor::new(config, setup.plugins.clone(), runner(&setup)?);
    let checks = tokio::spawn(schedule::run(executor, assigned, wanted, findings, stop.clone()));
    let gather = tokio::spawn(gather(outbox.clone(), found));
    let watch = tokio::spawn(watch_host(setup.config.clone(), outbox.clone(), stop.clone()));

    append(&outbox, Payload { notes: vec![note("started", "The agent started", 1)], ..Payload::default() })
        .await;
    tracing::info!("watching");
    let ended = tokio::select! {
        signal = wait_for_signal() => signal,
        gone = parent_gone(), if with_parent => gone,
        ended = link => ended.context("the link ended early")?.map_err(Into::into),
    };
    append(&outbox, Payload { notes: vec![note("stopped", "The agent stopped", 1)], ..Payload::default() })
        .await;
    // The last words may still go out: what does not waits in the spool.
    if state_seen.borrow().connected {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    stop.cancel();
    for task in [checks, gather, watch] {
        let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
    }
    ended
}

fn runner(setup: &Setup) -> Result<Option<Arc<Runner>>> {
    if setup.plugins.is_empty() {
        return Ok(None);
    }
    let (name, bytes) = EXECUTIONS_LOG;
    let mut config = RunnerConfig::new(work_dir(&setup.data));
    config.protected = vec![setup.data.clone(), setup.config_dir.clone()];
    config.running_max = setup.config.plugins_max;
    config.log = Some(ExecutionLog::open(setup.data.join(name), bytes)?);
    Ok(Some(Arc::new(Runner::new(config)?)))
}

/// Plugins must be able to enter their folder; the data directory itself stays closed to them by Landlock.
fn work_dir(data: &Path) -> std::path::PathBuf {
    data.join("work")
}

/// Writes a payload to the spool; what is lost is counted there and told to the server.
async fn append(outbox: &Outbox, payload: Payload) {
    if let Err(error) = outbox.append(payload).await {
        tracing::warn!("observations were lost: {error}");
    }
}

/// Puts results into the spool, many at a time.
async fn gather(outbox: Outbox, mut found: mpsc::Receiver<Finding>) {
    let mut busy_until = Instant::now();
    while let Some(first) = found.recv().await {
        let mut payload = Payload::default();
        let mut take = |(result, execution): Finding| {
            payload.results.push(result);
            payload.executions.extend(execution);
        };
        take(first);
        let until = busy_until.max(Instant::now() + GATHER_LONE);
        while let Ok(Some(next)) = tokio::time::timeout_at(until, found.recv()).await {
            take(next);
        }
        append(&outbox, payload).await;
        busy_until = Instant::now() + GATHER;
    }
}

/// Samples each interval; inventory and top list each minute; notes when there is something to say.
async fn watch_host(config: wk_config::AgentConfig, outbox: Outbox, stop: CancellationToken) {
    let interval = Duration::from_secs(config.sample_interval_s);
    let mut collector = Collector::new(&wk_collect::Config {
        per_core: config.per_core,
        extended: true,
        ..wk_collect::Config::default()
    });
    let mut sampler = Sampler::new();
    let mut inventory = Inventory::new(InventoryConfig {
        fields: config.fields.into_iter().collect(),
        ..InventoryConfig::default()
    });
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut inventory_due = Instant::now();
    let mut jump = Jump::default();
    let mut waiting_since: Option<Instant> = None;
    loop {
        let planned = tokio::select! {
            planned = ticks.tick() => planned,
            () = stop.cancelled() => return,
        };
        let stats = outbox.stats().await;
        waiting_since = (stats.waiting > 0).then(|| waiting_since.unwrap_or_else(Instant::now));
        collector.set_agent_figures(AgentFigures {
            lateness: planned.elapsed(),
            spool_bytes: stats.bytes,
            spool_batches: stats.waiting,
            spool_age: waiting_since.map_or(Duration::ZERO, |since| since.elapsed()),
            spool_dropped: stats.dropped + stats.damaged,
        });
        // Refused by a container's filter: the collector has other ways.
        if let Ok(told) = wk_sandbox::timex() {
            let (most, about) = (told.error_max_us, told.error_estimated_us);
            collector.set_kernel_clock(KernelClock::new(told.status, told.offset, most, about));
        }
        collector.sample(&mut sampler);
        let mut payload = Payload { samples: vec![sampler.take_block(now_ms())], ..Payload::default() };
        if let Some(new) = sampler.new_definitions() {
            payload.first_series = new.first;
            payload.series = new.series.to_vec();
        }
        payload.notes.extend(jump.seen());
        append(&outbox, payload).await;

        if Instant::now() >= inventory_due {
            inventory_due = Instant::now() + INVENTORY_EVERY;
            let mut pieces: Vec<InventoryDelta> = collector.top(now_ms()).into_iter().collect();
            inventory.scan_each(now_ms(), &mut |piece| pieces.push(piece));
            let told = !pieces.is_empty();
            for note in collector.take_notes().into_iter().chain(inventory.take_notes()) {
                tracing::debug!(
                    source = note.source,
                    problem = note.problem.as_str(),
                    count = note.count,
                    "not read"
                );
            }
            // A few pieces a batch: a machine with very much on it must not make a batch that no server takes.
            let mut pieces = pieces.into_iter().peekable();
            while pieces.peek().is_some() {
                let inventory = pieces.by_ref().take(PIECES_MAX).collect();
                append(&outbox, Payload { inventory, ..Payload::default() }).await;
            }
            if told {
                wk_sandbox::give_back();
            }
        }
    }
}

/// Compares the wall clock with time itself.
#[derive(Debug, Default)]
struct Jump {
    last: Option<(Instant, i64)>,
}

impl Jump {
    fn seen(&mut self) -> Option<AgentNote> {
        let now = (Instant::now(), now_ms());
        let (then, wall) = self.last.replace(now)?;
        let passed = i64::try_from(now.0.duration_since(then).as_millis()).unwrap_or(i64::MAX);
        let moved = now.1.saturating_sub(wall).saturating_sub(passed);
        (moved.unsigned_abs() >= u64::try_from(JUMP.as_millis()).unwrap_or(u64::MAX)).then(|| {
            let span = wk_domain::text::span(Duration::from_millis(moved.unsigned_abs()));
            let way = if moved < 0 { "back" } else { "forward" };
            note("clock-jump", format!("The clock stepped {way} by {span}"), 1)
        })
    }
}

/// Waits until the other end of the pipe that is standard input is closed.
async fn parent_gone() -> Result<()> {
    use std::os::fd::AsFd;
    use tokio::io::AsyncReadExt;
    let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
    let mut pipe = tokio::net::unix::pipe::Receiver::from_owned_fd(stdin)
        .context("--with-parent needs a pipe as standard input")?;
    let mut bytes = [0; 64];
    while pipe.read(&mut bytes).await? > 0 {}
    tracing::warn!("the program that started this agent has ended");
    Ok(())
}

async fn wait_for_signal() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

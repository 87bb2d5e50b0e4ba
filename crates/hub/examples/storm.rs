//! Measures a crowd of agents on one hub: memory of the server for each while linked, and the time until all are back
//! after the server dropped them, at once and after it was away for so long that all wait their longest.
//!
//! `cargo run --profile quick -p wk-hub --example storm -- 1000`     (agents; up to 10 000)
//!
//! The agents are whole ones: identity, spool and link, in processes of their own, so that the figures are the server's.
//! Both share the machine's cores. Every handshake is full, mutual and hybrid.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use wk_domain::spec::AssignmentSet;
use wk_domain::{AgentId, Timestamp};
use wk_engine::desk::{
    AgentDesk, EnrolAttempt, EnrolRefused, Granted, IngestError, LinkHello, LinkOrder, LinkRefused,
    LinkTerms, Observations, Peer, SeriesNames,
};
use wk_engine::ports::rows::Standing;
use wk_hub::{Hub, HubConfig};
use wk_link::{Facts, Handlers, Link, LinkConfig, LinkState, Outbox, Timing};
use wk_pki::{AgentStore, Ca, KeyProtection, ServerNames};
use wk_spool::{Limits, Payload, Spool};
use wk_wire::{Label, SampleBlock, SeriesDef};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const AGENTS: usize = 1_000;
const AGENTS_MAX: usize = 10_000;
/// Series of each agent's dictionary: what a machine of middling size has.
const SERIES: usize = 300;
/// Agents in one process: each has a handful of open files.
const OF_A_PROCESS: usize = 2_500;
/// Agents that are let on their way at once at the start: machines are not switched on in the same second.
const ABREAST: usize = 100;
/// All agents back: the budget, whatever their number up to 10 000.
const BACK_S: f64 = 30.0;
/// A server with 10 000 agents.
const SERVER_BYTES: f64 = 1.5 * 1024.0 * 1024.0 * 1024.0;
/// How long the server is away the second time: longer than it takes any agent to wait its longest.
const AWAY: Duration = Duration::from_secs(60);

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match (args.next(), args.next(), args.next(), args.next()) {
        (Some(first), Some(end), Some(dir), Some(address)) => {
            runtime.block_on(agents(first.parse()?..end.parse()?, Path::new(&dir), address.parse()?))
        }
        (count, ..) => {
            let count = count.map_or(Ok(AGENTS), |count| count.parse())?;
            if !(1..=AGENTS_MAX).contains(&count) {
                return Err(format!("1 to {AGENTS_MAX} agents, not {count}").into());
            }
            // An agent has a socket, its spool's lock and cursor, and a segment that it writes and reads.
            let wanted = u64::try_from((count + 200).max(count.min(OF_A_PROCESS) * 6 + 200))?;
            let allowed = open_files()?;
            if allowed < wanted {
                return Err(format!(
                    "{count} agents need {wanted} open files, {allowed} are allowed: ulimit -n {wanted}"
                )
                .into());
            }
            runtime.block_on(server(count))
        }
    }
}

/// The limit of open files.
fn open_files() -> Outcome<u64> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).ok_or("no limit of files")?;
    let soft = line.split_whitespace().nth(3).ok_or("no limit of files")?;
    Ok(soft.parse().unwrap_or(u64::MAX))
}

/// A desk that says yes, and keeps of each agent what the engine keeps of its link: the names of its series.
#[derive(Debug)]
struct Yes {
    ca: Ca,
    links: AtomicU64,
    batches: AtomicU64,
    refusals: AtomicU64,
    names: parking_lot::Mutex<std::collections::HashMap<AgentId, Arc<SeriesNames>>>,
    orders: broadcast::Sender<LinkOrder>,
    checks: watch::Sender<Arc<AssignmentSet>>,
}

#[async_trait]
impl AgentDesk for Yes {
    async fn enrol(&self, _: EnrolAttempt) -> Result<Granted, EnrolRefused> {
        Err(EnrolRefused)
    }
    async fn open_link(&self, peer: &Peer, _: LinkHello) -> Result<LinkTerms, LinkRefused> {
        let link = self.links.fetch_add(1, Ordering::Relaxed);
        // Each agent has one batch, which is committed once its names are known.
        let committed_seq = u64::from(self.names.lock().contains_key(&peer.agent));
        Ok(LinkTerms { link, standing: Standing::Active, committed_seq })
    }
    async fn close_link(&self, _: AgentId, _: u64) {}
    fn heard(&self, _: AgentId, _: u64) {}
    async fn ingest(&self, peer: &Peer, _: u64, batch: Observations) -> Result<(), IngestError> {
        if self.names.lock().insert(peer.agent, batch.series).is_none() {
            self.batches.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
    async fn renew(&self, _: &Peer, _: Vec<u8>) -> Result<Granted, LinkRefused> {
        Err(LinkRefused::TryLater)
    }
    fn assignments(&self, _: AgentId) -> watch::Receiver<Arc<AssignmentSet>> {
        self.checks.subscribe()
    }
    fn orders(&self) -> broadcast::Receiver<LinkOrder> {
        self.orders.subscribe()
    }
    fn denied(&self, _: AgentId, _: &str) -> bool {
        false
    }
    fn roots_der(&self) -> Vec<Vec<u8>> {
        self.ca.roots().iter().map(|root| root.to_vec()).collect()
    }
    fn refused(&self, address: SocketAddr, what: &'static str, detail: String) {
        if self.refusals.fetch_add(1, Ordering::Relaxed) < 5 {
            let _ = writeln!(std::io::stderr(), "{address} {what}: {detail}");
        }
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(0))
}

fn agent_id(number: usize) -> AgentId {
    AgentId::new(1 + number as u64, [1; 10])
}

struct Serving {
    hub: Arc<Hub>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

async fn serve(desk: &Arc<Yes>, address: SocketAddr) -> Outcome<(Serving, SocketAddr)> {
    let config = HubConfig { drain: Duration::from_secs(1), ..HubConfig::default() };
    let hub = Hub::new(config, desk.ca.server_identity(), Arc::clone(desk) as Arc<dyn AgentDesk>)?;
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (hub, stop) = (Arc::clone(&hub), stop.clone());
        async move { hub.serve(listener, stop).await }
    });
    Ok((Serving { hub, stop, task }, address))
}

async fn server(count: usize) -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let names = ServerNames::parse(["localhost"])?;
    let ca = Ca::open_or_create(&dir.path().join("ca"), &KeyProtection::FileMode, &names, now())?;
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    for number in 0..count {
        let store = AgentStore::open(&dir.path().join(format!("agent-{number}")))?;
        let issued = ca.issue_agent(&store.request()?, agent_id(number), now())?;
        store.commit(&issued.chain_der, &roots, Some(&ca.root_spki_sha256()), now())?;
    }
    let none = Arc::new(AssignmentSet { agent: agent_id(AGENTS_MAX), revision: 1, checks: vec![] });
    let desk = Arc::new(Yes {
        ca,
        links: AtomicU64::new(0),
        batches: AtomicU64::new(0),
        refusals: AtomicU64::new(0),
        names: parking_lot::Mutex::default(),
        orders: broadcast::channel(16).0,
        checks: watch::channel(none).0,
    });
    let (mut serving, address) = serve(&desk, ([127, 0, 0, 1], 0).into()).await?;
    let before = resident_bytes()?;
    let mut children = vec![];
    for first in (0..count).step_by(OF_A_PROCESS) {
        let end = count.min(first + OF_A_PROCESS);
        let mut child = Command::new(std::env::current_exe()?)
            .args([first.to_string(), end.to_string()])
            .args([dir.path().as_os_str(), address.to_string().as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        tokio::task::spawn_blocking(move || BufReader::new(output).read_line(&mut String::new())).await??;
        children.push(child);
    }
    back(&serving.hub, count).await?;
    while desk.batches.load(Ordering::Relaxed) < count as u64 {
        sleep(Duration::from_millis(50)).await;
    }
    sleep(Duration::from_secs(3)).await;
    let each = (resident_bytes()? - before) / count as f64;
    figure(
        "linked agent with 300 series: memory of the server",
        each / 1024.0,
        "KiB",
        SERVER_BYTES / 1e4 / 1024.0,
    )?;

    for away in [Duration::ZERO, AWAY] {
        serving.stop.cancel();
        serving.task.await?;
        drop(serving.hub);
        sleep(away).await;
        let spent = processor_seconds()?;
        let (again, _) = serve(&desk, address).await?;
        serving = again;
        let seconds = back(&serving.hub, count).await?;
        let spent = processor_seconds()? - spent;
        let after = if away.is_zero() { "a restart" } else { "a minute away" };
        figure(&format!("{count} agents back after {after}"), seconds, "s", BACK_S)?;
        let refused = desk.refusals.swap(0, Ordering::Relaxed);
        writeln!(
            std::io::stdout(),
            "  {refused} connections refused meanwhile, {:.2} ms of processor time an agent",
            spent * 1e3 / count as f64
        )?;
    }
    for mut child in children {
        drop(child.stdin.take());
        child.wait()?;
    }
    serving.stop.cancel();
    Ok(serving.task.await?)
}

/// Seconds until all are linked.
async fn back(hub: &Hub, count: usize) -> Outcome<f64> {
    let began = Instant::now();
    while hub.links() < count {
        if began.elapsed() > Duration::from_secs(600) {
            return Err(format!("{} of {count} agents are linked after ten minutes", hub.links()).into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(began.elapsed().as_secs_f64())
}

async fn agents(numbers: std::ops::Range<usize>, dir: &Path, address: SocketAddr) -> Outcome<()> {
    let mut running = vec![];
    let mut states: Vec<watch::Receiver<LinkState>> = vec![];
    for number in numbers.clone() {
        if number >= numbers.start + ABREAST {
            states[number - numbers.start - ABREAST].wait_for(|state| state.connected).await?;
        }
        let store = Arc::new(AgentStore::open(&dir.join(format!("agent-{number}")))?);
        let limits = Limits { sync: false, ..Limits::default() };
        let outbox = Outbox::new(Spool::open(&dir.join(format!("spool-{number}")), limits)?);
        outbox.append(first_batch(number)).await?;
        let (state, watched) = watch::channel(LinkState::default());
        states.push(watched);
        let handlers =
            Handlers { assignments: watch::channel(Arc::default()).0, run_now: mpsc::channel(1).0, state };
        let config = LinkConfig {
            servers: vec![format!("localhost:{}", address.port()).parse()?],
            proxy: None,
            facts: Facts { version: "1.0".into(), hostname: format!("host-{number}"), ..Facts::default() },
            timing: Timing::default(),
        };
        running.push(tokio::spawn(Link::new(config, store, outbox, handlers).run(CancellationToken::new())));
    }
    writeln!(std::io::stdout(), "ready")?;
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    drop(running);
    Ok(())
}

/// Names as long as those of the collector, and a value of each.
fn first_batch(number: usize) -> Payload {
    let label = |name: &str, value: String| Label { name: name.into(), value };
    let series = (0..SERIES).map(|n| SeriesDef {
        name: format!("interface.receive.bytes{}", n % 30),
        labels: vec![
            label("interface", format!("enp{}s{}", number % 7, n / 30)),
            label("type", "ethernet".into()),
        ],
        unit: "B/s".into(),
        ..SeriesDef::default()
    });
    let refs = (0..u32::try_from(SERIES).unwrap_or(0)).collect();
    let block = SampleBlock { at_ms: now().as_ms(), refs, values: vec![1.0; SERIES] };
    Payload { series: series.collect(), samples: vec![block], ..Payload::default() }
}

fn figure(name: &str, value: f64, unit: &str, budget: f64) -> Outcome<()> {
    let ok = value <= budget;
    writeln!(
        std::io::stdout(),
        r#"{{"name":"{name}","value":{value:.3},"unit":"{unit}","budget":{budget:.1},"ok":{ok}}}"#
    )?;
    Ok(())
}

/// Processor time of this process, user and system.
fn processor_seconds() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 =
        fields.get(11).ok_or("stat")?.parse::<f64>()? + fields.get(12).ok_or("stat")?.parse::<f64>()?;
    // USER_HZ is 100 on every Linux that Rust runs on.
    Ok(ticks / 100.0)
}

fn resident_bytes() -> Outcome<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    Ok(statm.split(' ').nth(1).ok_or("statm")?.parse::<f64>()? * 4096.0)
}

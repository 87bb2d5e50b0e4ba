//! Measures the hub: full mutual handshakes a second, processor time for each, and memory of an idle link.
//!
//! `cargo run --profile quick -p wk-hub --example handshakes`
//!
//! The agents are a process of their own, so that the figures are the server's. Both share the machine's cores: the rate
//! is what one machine does for both sides, the processor time is the server's alone.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use wk_domain::spec::AssignmentSet;
use wk_domain::{AgentId, Timestamp};
use wk_engine::desk::{
    AgentDesk, EnrolAttempt, EnrolRefused, Granted, IngestError, LinkHello, LinkOrder, LinkRefused,
    LinkTerms, Observations, Peer,
};
use wk_engine::ports::rows::Standing;
use wk_hub::{Hub, HubConfig};
use wk_pki::{AgentStore, Ca, KeyProtection, ServerNames};
use wk_wire::agent_frame::Body;
use wk_wire::frame::{FrameReader, FrameWriter, Limits};
use wk_wire::{AgentFrame, FRAME_BYTES_MAX, Hello};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SECONDS: u64 = 10;
const LINKS: usize = 1000;
/// Handshakes under way at once.
const ABREAST: usize = 64;

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let threads = std::thread::available_parallelism()?.get();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    match (args.next(), args.next(), args.next()) {
        (Some(what), Some(dir), Some(address)) => {
            runtime.block_on(agents(&what, Path::new(&dir), address.parse()?))
        }
        _ => runtime.block_on(server()),
    }
}

/// A desk that says yes and keeps nothing.
#[derive(Debug)]
struct Yes {
    ca: Ca,
    links: AtomicU64,
    orders: broadcast::Sender<LinkOrder>,
    checks: watch::Sender<Arc<AssignmentSet>>,
}

#[async_trait]
impl AgentDesk for Yes {
    async fn enrol(&self, _: EnrolAttempt) -> Result<Granted, EnrolRefused> {
        Err(EnrolRefused)
    }
    async fn open_link(&self, _: &Peer, _: LinkHello) -> Result<LinkTerms, LinkRefused> {
        let link = self.links.fetch_add(1, Ordering::Relaxed);
        Ok(LinkTerms { link, standing: Standing::Active, committed_seq: 0 })
    }
    async fn close_link(&self, _: AgentId, _: u64) {}
    fn heard(&self, _: AgentId, _: u64) {}
    async fn ingest(&self, _: &Peer, _: u64, _: Observations) -> Result<(), IngestError> {
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
        let _ = writeln!(std::io::stderr(), "{address} {what}: {detail}");
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(0))
}

async fn server() -> Outcome<()> {
    let dir = tempfile::tempdir()?;
    let names = ServerNames::parse(["localhost"])?;
    let ca = Ca::open_or_create(&dir.path().join("ca"), &KeyProtection::FileMode, &names, now())?;
    let agent = AgentId::new(1, [1; 10]);
    let store = AgentStore::open(&dir.path().join("agent"))?;
    let issued = ca.issue_agent(&store.request()?, agent, now())?;
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    store.commit(&issued.chain_der, &roots, Some(&ca.root_spki_sha256()), now())?;

    let identity = ca.server_identity();
    let checks = watch::channel(Arc::new(AssignmentSet { agent, revision: 1, checks: vec![] })).0;
    let desk = Yes { ca, links: AtomicU64::new(0), orders: broadcast::channel(16).0, checks };
    // One key stands for many agents here, so what one key may do is not bounded.
    let config = HubConfig {
        agent_links_max: usize::MAX,
        agent_links_per_second: 1e6,
        agent_links_burst: 1e6,
        failures_per_second: 1e6,
        failures_burst: 1e6,
        ..HubConfig::default()
    };
    let hub = Hub::new(config, identity, Arc::new(desk))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let (hub, stop) = (Arc::clone(&hub), stop.clone());
        async move { hub.serve(listener, stop).await }
    });
    let dir_path = dir.path().to_owned();
    let measured = tokio::task::spawn_blocking(move || measure(&dir_path, address, &hub)).await?;
    stop.cancel();
    serving.await?;
    measured
}

fn measure(dir: &Path, address: SocketAddr, hub: &Hub) -> Outcome<()> {
    let mut out = std::io::stdout();
    let (before, started) = (processor_seconds()?, Instant::now());
    let done: f64 = ask("handshakes", dir, address, |_| Ok(()))?.trim().parse()?;
    let seconds = started.elapsed().as_secs_f64().min(SECONDS as f64);
    let spent = processor_seconds()? - before;
    writeln!(out, "full mutual handshakes, hello and welcome: {:.0} /s", done / seconds)?;
    writeln!(
        out,
        "server processor time for each: {:.2} ms, so {:.0} /s a core",
        spent * 1e3 / done,
        done / spent
    )?;

    std::thread::sleep(Duration::from_secs(1));
    let before = resident_bytes()?;
    ask("idle", dir, address, |_| {
        let bytes = resident_bytes()? - before;
        let links = hub.links();
        writeln!(out, "{links} idle links: {:.1} KiB each", bytes / links as f64 / 1024.0)?;
        Ok(())
    })?;
    Ok(())
}

/// Runs the agents' process; `act` gets its first line, and runs while it waits.
fn ask(what: &str, dir: &Path, to: SocketAddr, act: impl FnOnce(&str) -> Outcome<()>) -> Outcome<String> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([what.as_ref(), dir.as_os_str(), to.to_string().as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let output = child.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut line)?;
    act(&line)?;
    drop(child.stdin.take());
    child.wait()?;
    Ok(line)
}

async fn agents(what: &str, dir: &Path, address: SocketAddr) -> Outcome<()> {
    let identity = AgentStore::open(&dir.join("agent"))?.load()?.ok_or("no identity")?;
    let tls = wk_pki::client_config_link(&identity)?;
    let link = move || {
        let connector = TlsConnector::from(Arc::clone(&tls));
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let stream = connector.connect(ServerName::try_from("localhost")?, stream).await?;
            let (read, write) = tokio::io::split(stream);
            let mut writer = FrameWriter::new(write, FRAME_BYTES_MAX);
            let mut reader = FrameReader::new(read, Limits::LINK);
            let hello = Hello { protocol: 1, epoch: 1, ..Hello::default() };
            writer.queue(&AgentFrame { body: Some(Body::Hello(hello)) })?;
            let until = Instant::now() + Duration::from_secs(60);
            writer.drive(until).await?;
            reader.next(until).await?.ok_or("closed")?;
            Outcome::Ok((reader, writer))
        }
    };
    let mut out = std::io::stdout();
    let mut tasks = tokio::task::JoinSet::new();
    if what == "handshakes" {
        let until = Instant::now() + Duration::from_secs(SECONDS);
        for _ in 0..ABREAST {
            let link = link.clone();
            tasks.spawn(async move {
                let mut done = 0_u64;
                while Instant::now() < until {
                    link().await?;
                    done += 1;
                }
                Outcome::Ok(done)
            });
        }
        let mut done = 0;
        while let Some(task) = tasks.join_next().await {
            done += task??;
        }
        writeln!(out, "{done}")?;
    } else {
        let mut links = vec![];
        while links.len() < LINKS {
            links.push(link().await?);
        }
        writeln!(out, "ready")?;
        tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await?;
    }
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

//! A hub on a free port with a real authority, a desk in memory, and agents and strangers to knock.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use prost::Message;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use wk_domain::spec::AssignmentSet;
use wk_domain::{AgentId, Timestamp, TokenId};
use wk_engine::desk::{
    AgentDesk, EnrolAttempt, EnrolRefused, Granted, IngestError, LinkHello, LinkOrder, LinkRefused,
    LinkTerms, Observations, Peer,
};
use wk_engine::ports::rows::Standing;
use wk_hub::{Hub, HubConfig};
use wk_link::{EnrolToken, Facts, Handlers, Link, LinkConfig, LinkState, Outbox, Proxy, Timing};
use wk_pki::{AgentIdentity, AgentStore, Ca, KeyProtection, ServerNames};
use wk_spool::{Limits, Payload, Spool};
use wk_wire::frame::{FrameReader, FrameWriter};
use wk_wire::{self as wire, AgentNote};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap())
}

/// Waits until `what` holds, or fails the test.
pub(crate) async fn until<T>(what: &str, mut holds: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = holds() {
            return value;
        }
        assert!(started.elapsed() < PATIENCE, "waited too long until {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn yes(holds: bool) -> Option<()> {
    holds.then_some(())
}

/// What the desk knows of one agent.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    pub(crate) epoch: u64,
    pub(crate) committed: u64,
    pub(crate) link: Option<u64>,
    pub(crate) standing: Option<Standing>,
    /// `count` of each note, in the order committed: tests name their batches so.
    pub(crate) ids: Vec<u64>,
    pub(crate) batches: Vec<Observations>,
}

/// A desk that keeps everything in memory, and optionally writes down what it commits.
#[derive(Debug)]
pub(crate) struct FakeDesk {
    pub(crate) ca: Ca,
    pub(crate) known: Mutex<BTreeMap<AgentId, Known>>,
    pub(crate) tokens: Mutex<HashMap<TokenId, ([u8; 32], bool)>>,
    pub(crate) denied: Mutex<HashSet<String>>,
    pub(crate) refusals: Mutex<Vec<(&'static str, String)>>,
    pub(crate) orders: broadcast::Sender<LinkOrder>,
    assignments: Mutex<HashMap<AgentId, watch::Sender<Arc<AssignmentSet>>>>,
    links: AtomicU64,
    /// One permit a commit: tests take them away to make the desk slow.
    pub(crate) gate: Semaphore,
    /// Batches that waited or wait at the gate at once, at most.
    pub(crate) ingesting: AtomicU64,
    pub(crate) ingest_calls: AtomicU64,
    /// Commits to refuse with `TryLater`.
    pub(crate) failing: AtomicU64,
    pub(crate) keep_batches: bool,
    /// What was measured of clocks: agent, milliseconds ahead.
    pub(crate) clocks: Mutex<Vec<(AgentId, i64)>>,
    /// Roots to name instead of the authority's own.
    pub(crate) roots: Mutex<Option<Vec<Vec<u8>>>>,
    journal: Option<Mutex<File>>,
}

impl FakeDesk {
    pub(crate) fn new(ca: Ca) -> Self {
        Self {
            ca,
            known: Mutex::default(),
            tokens: Mutex::default(),
            denied: Mutex::default(),
            refusals: Mutex::default(),
            orders: broadcast::channel(64).0,
            assignments: Mutex::default(),
            links: AtomicU64::new(1),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
            ingesting: AtomicU64::new(0),
            ingest_calls: AtomicU64::new(0),
            failing: AtomicU64::new(0),
            keep_batches: true,
            clocks: Mutex::default(),
            roots: Mutex::default(),
            journal: None,
        }
    }

    /// Goes on from what an earlier process wrote down; a line that was cut was not committed.
    pub(crate) fn with_journal(ca: Ca, path: &Path) -> Self {
        let mut desk = Self { keep_batches: false, ..Self::new(ca) };
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for line in text[..whole].lines() {
            let mut words = line.split(' ');
            let known = desk.known.get_mut().entry(words.next().unwrap().parse().unwrap()).or_default();
            known.epoch = words.next().unwrap().parse().unwrap();
            known.committed = words.next().unwrap().parse().unwrap();
            known.ids.extend(words.map(|id| id.parse::<u64>().unwrap()));
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).unwrap();
        file.set_len(whole as u64).unwrap();
        let mut file = file;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).unwrap();
        desk.journal = Some(Mutex::new(file));
        desk
    }

    pub(crate) fn ids(&self, agent: AgentId) -> Vec<u64> {
        self.known.lock().get(&agent).map(|known| known.ids.clone()).unwrap_or_default()
    }

    pub(crate) fn refusals_of(&self, what: &str) -> usize {
        self.refusals.lock().iter().filter(|(word, _)| *word == what).count()
    }

    pub(crate) fn linked(&self, agent: AgentId) -> bool {
        self.known.lock().get(&agent).is_some_and(|known| known.link.is_some())
    }

    pub(crate) fn assign(&self, set: AssignmentSet) {
        self.sender(set.agent, |sender| {
            sender.send_replace(Arc::new(set.clone()));
        });
    }

    fn sender<T>(&self, agent: AgentId, act: impl FnOnce(&watch::Sender<Arc<AssignmentSet>>) -> T) -> T {
        let mut senders = self.assignments.lock();
        let none = || watch::channel(Arc::new(AssignmentSet { agent, revision: 1, checks: vec![] })).0;
        act(senders.entry(agent).or_insert_with(none))
    }

    pub(crate) fn token(&self, servers: &[SocketAddr]) -> EnrolToken {
        let mut random = [0; 10];
        aws_lc_rs::rand::fill(&mut random).unwrap();
        let mut secret = [0; 16];
        aws_lc_rs::rand::fill(&mut secret).unwrap();
        let id = TokenId::new(now().as_ms().unsigned_abs(), random);
        let servers = servers.iter().map(|address| address.to_string().parse().unwrap()).collect();
        let token = EnrolToken::new(id, secret.into(), self.ca.root_spki_sha256(), servers).unwrap();
        self.tokens.lock().insert(id, (token.secret_sha256(), false));
        token
    }
}

#[async_trait]
impl AgentDesk for FakeDesk {
    async fn enrol(&self, attempt: EnrolAttempt) -> Result<Granted, EnrolRefused> {
        {
            let mut tokens = self.tokens.lock();
            let (hash, used) = tokens.get_mut(&attempt.token).ok_or(EnrolRefused)?;
            if *used || *hash != attempt.secret_sha256 {
                return Err(EnrolRefused);
            }
            *used = true;
        }
        let mut random = [0; 10];
        aws_lc_rs::rand::fill(&mut random).unwrap();
        let agent = AgentId::new(now().as_ms().unsigned_abs(), random);
        let issued = self.ca.issue_agent(&attempt.csr_der, agent, now()).map_err(|_| EnrolRefused)?;
        Ok(Granted { agent, chain_der: issued.chain_der, roots_der: self.roots_der() })
    }

    async fn open_link(&self, peer: &Peer, hello: LinkHello) -> Result<LinkTerms, LinkRefused> {
        let link = self.links.fetch_add(1, Ordering::Relaxed);
        let mut known = self.known.lock();
        let known = known.entry(peer.agent).or_default();
        if known.epoch != hello.epoch {
            known.epoch = hello.epoch;
            known.committed = 0;
        }
        if let Some(old) = known.link.replace(link) {
            let _ = self.orders.send(LinkOrder::Superseded { agent: peer.agent, link: old });
        }
        let standing = known.standing.unwrap_or(Standing::Active);
        Ok(LinkTerms { link, standing, committed_seq: known.committed })
    }

    async fn close_link(&self, agent: AgentId, link: u64) {
        if let Some(known) = self.known.lock().get_mut(&agent)
            && known.link == Some(link)
        {
            known.link = None;
        }
    }

    fn heard(&self, _: AgentId, _: u64) {}

    fn clock(&self, agent: AgentId, _: u64, ahead_ms: i64) {
        self.clocks.lock().push((agent, ahead_ms));
    }

    async fn ingest(&self, peer: &Peer, link: u64, batch: Observations) -> Result<(), IngestError> {
        self.ingest_calls.fetch_add(1, Ordering::Relaxed);
        self.ingesting.fetch_add(1, Ordering::Relaxed);
        let _permit = self.gate.acquire().await.unwrap();
        self.ingesting.fetch_sub(1, Ordering::Relaxed);
        if self.failing.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
        {
            return Err(IngestError::TryLater);
        }
        let mut known = self.known.lock();
        let known = known.entry(peer.agent).or_default();
        if known.link != Some(link) {
            return Err(IngestError::Refused(LinkRefused::TryLater));
        }
        if batch.epoch != known.epoch || batch.seq > known.committed + 1 {
            return Err(IngestError::OutOfOrder { expected: known.committed + 1 });
        }
        if batch.seq <= known.committed {
            return Ok(());
        }
        let ids: Vec<u64> =
            batch.notes.iter().filter(|note| note.kind == "id").map(|note| note.count).collect();
        if let Some(journal) = &self.journal {
            let mut line = format!("{} {} {}", peer.agent, batch.epoch, batch.seq);
            ids.iter().for_each(|id| line.push_str(&format!(" {id}")));
            line.push('\n');
            journal.lock().write_all(line.as_bytes()).unwrap();
        }
        known.committed = batch.seq;
        known.ids.extend(ids);
        if self.keep_batches {
            known.batches.push(batch);
        }
        Ok(())
    }

    async fn renew(&self, peer: &Peer, csr_der: Vec<u8>) -> Result<Granted, LinkRefused> {
        let issued = self.ca.issue_agent(&csr_der, peer.agent, now()).map_err(|_| LinkRefused::TryLater)?;
        Ok(Granted { agent: peer.agent, chain_der: issued.chain_der, roots_der: self.roots_der() })
    }

    fn assignments(&self, agent: AgentId) -> watch::Receiver<Arc<AssignmentSet>> {
        self.sender(agent, watch::Sender::subscribe)
    }

    fn orders(&self) -> broadcast::Receiver<LinkOrder> {
        self.orders.subscribe()
    }

    fn denied(&self, agent: AgentId, serial: &str) -> bool {
        let denied = self.denied.lock();
        denied.contains(serial) || denied.contains(&agent.to_string())
    }

    fn roots_der(&self) -> Vec<Vec<u8>> {
        let own = || self.ca.roots().iter().map(|root| root.to_vec()).collect();
        self.roots.lock().clone().unwrap_or_else(own)
    }

    fn refused(&self, _: SocketAddr, what: &'static str, detail: String) {
        self.refusals.lock().push((what, detail));
    }
}

pub(crate) fn open_ca(dir: &Path) -> Ca {
    // Old enough to have issued certificates that have ended by now.
    let now = now() - Duration::from_secs(10 * 24 * 3600);
    let names = ServerNames::parse(["localhost"]).unwrap();
    Ca::open_or_create(dir, &KeyProtection::FileMode, &names, now).unwrap()
}

/// A running hub.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) desk: Arc<FakeDesk>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) dir: tempfile::TempDir,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(HubConfig::default()).await
    }

    pub(crate) async fn with(config: HubConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let desk = Arc::new(FakeDesk::new(open_ca(&dir.path().join("ca"))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, desk, config, dir)
    }

    pub(crate) fn on(
        listener: TcpListener,
        desk: Arc<FakeDesk>,
        config: HubConfig,
        dir: tempfile::TempDir,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (hub, stop, task) = serve(listener, &desk, config);
        Self { address, desk, hub, dir, stop, task }
    }

    pub(crate) async fn stop(self) -> (Arc<FakeDesk>, tempfile::TempDir) {
        self.stop.cancel();
        self.task.await.unwrap();
        (self.desk, self.dir)
    }

    /// Stops serving and starts again on the same port with the same desk.
    pub(crate) async fn restart(self, config: HubConfig) -> Self {
        let address = self.address;
        let (desk, dir) = self.stop().await;
        let listener = TcpListener::bind(address).await.unwrap();
        Self::on(listener, desk, config, dir)
    }

    /// An identity for a new agent, valid from `from` for seven days.
    pub(crate) fn identity_from(&self, from: Timestamp) -> (Arc<AgentStore>, AgentIdentity) {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = self.dir.path().join(format!("agent-{number}"));
        issue(&self.desk.ca, &dir, AgentId::new(number, [7; 10]), from)
    }

    pub(crate) fn identity(&self) -> (Arc<AgentStore>, AgentIdentity) {
        self.identity_from(now())
    }

    pub(crate) fn link_config(&self) -> LinkConfig {
        link_config(self.address)
    }

    /// A real agent: identity, spool and link.
    pub(crate) fn agent(&self) -> TestAgent {
        let (store, identity) = self.identity();
        self.agent_with(store, &identity, self.link_config())
    }

    pub(crate) fn agent_with(
        &self,
        store: Arc<AgentStore>,
        identity: &AgentIdentity,
        config: LinkConfig,
    ) -> TestAgent {
        let spool_dir = self.dir.path().join(format!("spool-{}", identity.serial()));
        TestAgent::start(&spool_dir, store, identity.agent_id(), config)
    }
}

pub(crate) fn serve(
    listener: TcpListener,
    desk: &Arc<FakeDesk>,
    config: HubConfig,
) -> (Arc<Hub>, CancellationToken, JoinHandle<()>) {
    let hub = Hub::new(config, desk.ca.server_identity(), Arc::clone(desk) as Arc<dyn AgentDesk>).unwrap();
    let stop = CancellationToken::new();
    let task = tokio::spawn({
        let (hub, stop) = (Arc::clone(&hub), stop.clone());
        async move { hub.serve(listener, stop).await }
    });
    (hub, stop, task)
}

pub(crate) fn issue(
    ca: &Ca,
    dir: &Path,
    agent: AgentId,
    from: Timestamp,
) -> (Arc<AgentStore>, AgentIdentity) {
    let store = AgentStore::open(dir).unwrap();
    let issued = ca.issue_agent(&store.request().unwrap(), agent, from).unwrap();
    let roots: Vec<Vec<u8>> = ca.roots().iter().map(|root| root.to_vec()).collect();
    let identity = store.commit(&issued.chain_der, &roots, Some(&ca.root_spki_sha256()), from).unwrap();
    (Arc::new(store), identity)
}

pub(crate) fn link_config(address: SocketAddr) -> LinkConfig {
    LinkConfig {
        servers: vec![address.to_string().parse().unwrap()],
        proxy: None,
        facts: facts(),
        timing: Timing {
            connect: Duration::from_secs(10),
            retry_first: Duration::from_millis(20),
            retry_max: Duration::from_millis(200),
            retry_unwelcome: Duration::from_secs(3600),
        },
    }
}

pub(crate) fn facts() -> Facts {
    Facts { version: "1.0".into(), hostname: "web-1".into(), os: "Debian 12".into(), ..Facts::default() }
}

/// A batch that says which one it is.
pub(crate) fn numbered(id: u64) -> Payload {
    Payload {
        series: vec![wire::SeriesDef { name: "cpu.user".into(), ..Default::default() }],
        samples: vec![wire::SampleBlock { at_ms: now().as_ms(), refs: vec![0], values: vec![id as f64] }],
        notes: vec![AgentNote { at_ms: now().as_ms(), kind: "id".into(), text: String::new(), count: id }],
        ..Payload::default()
    }
}

pub(crate) struct TestAgent {
    pub(crate) id: AgentId,
    pub(crate) outbox: Outbox,
    pub(crate) state: watch::Receiver<LinkState>,
    pub(crate) assignments: watch::Receiver<Arc<wire::Assignments>>,
    pub(crate) run_now: mpsc::Receiver<String>,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), wk_link::LinkError>>,
}

impl TestAgent {
    pub(crate) fn start(spool: &Path, store: Arc<AgentStore>, id: AgentId, config: LinkConfig) -> Self {
        let outbox = Outbox::new(Spool::open(spool, Limits { sync: false, ..Limits::default() }).unwrap());
        let (assigned, assignments) = watch::channel(Arc::default());
        let (run, run_now) = mpsc::channel(16);
        let (state_sender, state) = watch::channel(LinkState::default());
        let handlers = Handlers { assignments: assigned, run_now: run, state: state_sender };
        let stop = CancellationToken::new();
        let link = Link::new(config, store, outbox.clone(), handlers);
        let task = tokio::spawn(link.run(stop.clone()));
        Self { id, outbox, state, assignments, run_now, stop, task }
    }

    pub(crate) async fn linked(&mut self) {
        timeout(PATIENCE, self.state.wait_for(|state| state.connected)).await.expect("no link").unwrap();
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

pub(crate) type RawReader = FrameReader<tokio::io::ReadHalf<TlsStream<TcpStream>>>;
pub(crate) type RawWriter = FrameWriter<tokio::io::WriteHalf<TlsStream<TcpStream>>>;

/// An agent that says what the test wants.
pub(crate) struct Raw {
    pub(crate) reader: RawReader,
    pub(crate) writer: RawWriter,
}

pub(crate) async fn handshake(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr, identity: &AgentIdentity) -> std::io::Result<Self> {
        Ok(Self::over(handshake(address, wk_pki::client_config_link(identity).unwrap()).await?))
    }

    pub(crate) fn over(stream: TlsStream<TcpStream>) -> Self {
        let (read, write) = tokio::io::split(stream);
        let limits = wire::frame::Limits::LINK;
        Self {
            reader: FrameReader::new(read, limits),
            writer: FrameWriter::new(write, wire::FRAME_BYTES_MAX),
        }
    }

    pub(crate) async fn say(&mut self, body: wire::agent_frame::Body) {
        self.writer.queue(&wire::AgentFrame { body: Some(body) }).unwrap();
        let _ = self.writer.drive(Instant::now() + PATIENCE).await;
    }

    /// The next frame, or `None` when the server has closed.
    pub(crate) async fn hear(&mut self) -> Option<wire::server_frame::Body> {
        let frame = self.reader.next(Instant::now() + PATIENCE).await.ok()??;
        wire::ServerFrame::decode(frame).unwrap().body
    }

    pub(crate) async fn hello(&mut self, epoch: u64) -> wire::Welcome {
        self.say(wire::agent_frame::Body::Hello(wire::Hello { protocol: 1, epoch, ..Default::default() }))
            .await;
        match self.hear().await {
            Some(wire::server_frame::Body::Welcome(welcome)) => welcome,
            other => panic!("no welcome but {other:?}"),
        }
    }

    /// Hears until the server closes; the last goodbye's word.
    pub(crate) async fn goodbye(&mut self) -> Option<String> {
        let mut word = None;
        while let Some(body) = timeout(PATIENCE, self.hear()).await.expect("the server does not close") {
            if let wire::server_frame::Body::Goodbye(goodbye) = body {
                word = Some(goodbye.reason);
            }
        }
        word
    }

    pub(crate) async fn batch(&mut self, seq: u64) {
        let note = AgentNote { kind: "id".into(), count: seq, ..Default::default() };
        let batch = wire::Batch { seq, notes: vec![note], ..Default::default() };
        self.say(wire::agent_frame::Body::Batch(batch)).await;
    }

    pub(crate) async fn ack(&mut self) -> u64 {
        loop {
            match self.hear().await {
                Some(wire::server_frame::Body::Ack(ack)) => return ack.seq,
                Some(wire::server_frame::Body::Assignments(_)) => {}
                other => panic!("no ack but {other:?}"),
            }
        }
    }
}

pub(crate) fn proxy(address: SocketAddr) -> Proxy {
    Proxy { server: address.to_string().parse().unwrap(), authorization: None }
}

pub(crate) fn path_of(dir: &tempfile::TempDir, name: &str) -> PathBuf {
    dir.path().join(name)
}

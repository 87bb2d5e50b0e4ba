//! Use cases and transactions, and the ports that adapters fill.
//!
//! One writer: whatever changes the hot state takes the writer's turn, computes a round over the [`world::World`],
//! commits it to the store in one transaction, and only then changes the world and tells those who look. Readers never
//! wait for the store. A turn that ends between the two leaves doubt, and the next one reads the world again (`writer`);
//! a task that ends by itself is started again and reported ([`keep`]).

pub mod access;
pub mod agents;
pub mod desk;
pub mod error;
pub mod evidence;
pub mod filter;
pub mod ids;
pub mod image;
mod ingest;
pub mod keep;
pub mod latest;
pub mod lifecycle;
pub mod live;
pub mod people;
pub mod perf_json;
pub mod places;
pub mod ports;
pub mod record;
mod round;
pub mod spec_json;
pub mod tenants;
mod tick;
pub mod world;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use wk_domain::spec::AssignmentSet;
use wk_domain::{AgentId, TenantTree, Timestamp};

pub use error::EngineError;

use crate::desk::LinkOrder;
use crate::ingest::Job;
use crate::live::{Live, LiveStream};
use crate::ports::issuer::Issuer;
use crate::ports::{Clock, Metrics, Store, StoreError};
use crate::world::{AgentEntry, ChannelEntry, World};

/// Jobs that may wait for the writer. An agent has at most a window of batches in flight, and hub connections wait for
/// their turn beyond this.
const QUEUE_MAX: usize = 4096;

/// What the engine stands on.
#[derive(Debug, Clone)]
pub struct Ports {
    pub store: Arc<dyn Store>,
    pub metrics: Arc<dyn Metrics>,
    pub clock: Arc<dyn Clock>,
    pub issuer: Arc<dyn Issuer>,
}

/// Counted since start, by name.
#[derive(Debug, Default)]
pub struct Counters(Mutex<HashMap<&'static str, u64>>);

impl Counters {
    /// Counts.
    pub fn add(&self, name: &'static str, n: u64) {
        *self.0.lock().entry(name).or_default() += n;
    }

    /// All of them.
    pub fn all(&self) -> Vec<(String, u64)> {
        let mut all: Vec<_> = self.0.lock().iter().map(|(name, n)| ((*name).to_owned(), *n)).collect();
        all.sort();
        all
    }
}

/// Refusals by network and kind: when one was written down last, and how many came since.
type Refusals = HashMap<(std::net::IpAddr, &'static str), (Timestamp, u32)>;

/// The engine.
#[derive(Debug)]
pub struct Engine {
    ports: Ports,
    world: RwLock<World>,
    writer: tokio::sync::Mutex<()>,
    /// The store may hold what the world does not: read it again before the next change.
    doubt: AtomicBool,
    health: keep::Health,
    memory: tokio::sync::Mutex<tick::Memory>,
    live: LiveStream,
    orders: broadcast::Sender<LinkOrder>,
    assignments: Mutex<HashMap<AgentId, watch::Sender<Arc<AssignmentSet>>>>,
    jobs: mpsc::Sender<Job>,
    links: AtomicU64,
    counters: Counters,
    started: Timestamp,
    /// By network and kind: noise at the door must not hide that a token was tried.
    refusals: Mutex<Refusals>,
    /// What the log knows of load that was turned away.
    shed_told: Mutex<HashMap<&'static str, u64>>,
    verifying: evidence::Verifying,
    rights: access::Kept,
}

/// The engine's own tasks: keep it and wait for it at shutdown.
#[derive(Debug)]
pub struct Tasks {
    ingest: tokio::task::JoinHandle<()>,
    tick: tokio::task::JoinHandle<()>,
}

impl Tasks {
    /// Waits until both have ended, after the token was cancelled.
    pub async fn ended(self) {
        let _ = self.ingest.await;
        let _ = self.tick.await;
    }
}

impl Engine {
    /// Loads the world and starts the writer and the clock's work.
    ///
    /// # Errors
    /// [`StoreError`] when the world cannot be loaded.
    pub async fn start(ports: Ports, stop: CancellationToken) -> Result<(Arc<Self>, Tasks), StoreError> {
        let now = ports.clock.now();
        let world = load(&ports, now).await?;
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let engine = Arc::new(Self {
            ports,
            world: RwLock::new(world),
            writer: tokio::sync::Mutex::new(()),
            doubt: AtomicBool::new(false),
            health: keep::Health::default(),
            memory: tokio::sync::Mutex::default(),
            live: LiveStream::since(now),
            orders: broadcast::channel(1024).0,
            assignments: Mutex::default(),
            jobs,
            links: AtomicU64::new(1),
            counters: Counters::default(),
            started: now,
            refusals: Mutex::default(),
            shed_told: Mutex::default(),
            verifying: evidence::Verifying::default(),
            rights: access::Kept::default(),
        });
        // The queue outlives the task that reads it: what waits there is served by the next.
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let ingest = {
            let (engine, stop) = (Arc::clone(&engine), stop.clone());
            move || Arc::clone(&engine).run_ingest(Arc::clone(&queue), stop.clone())
        };
        let tick = {
            let (engine, stop) = (Arc::clone(&engine), stop.clone());
            move || Arc::clone(&engine).run_tick(stop.clone())
        };
        let tasks = Tasks {
            ingest: tokio::spawn(Arc::clone(&engine).keep("ingest".to_owned(), stop.clone(), ingest)),
            tick: tokio::spawn(Arc::clone(&engine).keep("tick".to_owned(), stop, tick)),
        };
        Ok((engine, tasks))
    }

    /// Now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// When this engine started.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// The hot state, to read from shortly: the writer waits meanwhile.
    pub fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read()
    }

    /// What changes while people look.
    pub fn live(&self) -> &LiveStream {
        &self.live
    }

    /// The store, for plain reads.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.ports.store
    }

    /// The metrics store, for plain reads. Its calls block.
    pub fn metrics(&self) -> &Arc<dyn Metrics> {
        &self.ports.metrics
    }

    /// The authority, for the inventory and new enrolment lines.
    pub fn issuer(&self) -> &Arc<dyn Issuer> {
        &self.ports.issuer
    }

    /// What was counted since start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Places left and in all in the queue of batches.
    pub fn queue(&self) -> (usize, usize) {
        (QUEUE_MAX - self.jobs.capacity(), QUEUE_MAX)
    }

    fn next_link(&self) -> u64 {
        self.links.fetch_add(1, Ordering::Relaxed)
    }

    fn tell(&self, changes: impl IntoIterator<Item = Live>) {
        self.live.publish(changes);
    }
}

async fn load(ports: &Ports, now: Timestamp) -> Result<World, StoreError> {
    let mut world = World::default();
    let revision = ports.store.revision().await?;
    let (tenants, lost) = TenantTree::of(ports.store.tenants().await?);
    world.tenants = tenants;
    if !lost.is_empty() {
        tracing::error!(
            ?lost,
            "tenants that hang on nothing are left out; nobody but the root sees what they hold"
        );
    }
    for host in ports.store.hosts().await? {
        world.put_host(host);
    }
    for check in ports.store.checks().await? {
        world.put_check(check);
    }
    for state in ports.store.check_states().await? {
        if let Some(entry) = world.checks.get_mut(&state.check) {
            entry.state = state;
        }
    }
    for ack in ports.store.acks().await? {
        if let Some(entry) = world.checks.get_mut(&ack.check) {
            entry.ack = Some(ack);
        }
    }
    for agent in ports.store.agents().await? {
        world.agents.insert(agent.id, AgentEntry { row: agent, link: None, silent_since: now });
    }
    for downtime in ports.store.downtimes(now).await? {
        world.downtimes.insert(downtime.id, downtime);
    }
    for channel in ports.store.channels().await? {
        let severities = people::severities(&channel.config_json);
        world.put_channel(ChannelEntry { row: channel, severities });
    }
    // Loading counted too; what counts is kept.
    world.revision = revision;
    let (serials, _) = ports.store.deny_list(now).await?;
    world.denied_serials = serials.into_iter().collect();
    Ok(world)
}

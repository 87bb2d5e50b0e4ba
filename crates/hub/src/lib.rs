//! The hub: the port that agents connect to.
//!
//! One TCP port, two conversations, told apart by ALPN before anything else happens: `watchkeep-link/1`, where both
//! sides show certificates, and `watchkeep-enrol/1`, where a stranger may present a token, once. TLS 1.3 only.
//!
//! Who an agent is comes from the certificate it showed; no byte it sends can change that. What it sends is bounded,
//! decoded within a budget, cleaned ([`convert`]) and handed to [`AgentDesk`](wk_engine::desk::AgentDesk); what was
//! committed is acknowledged. A peer that breaks a rule learns nothing but that the connection is over; the desk learns
//! which rule and from where.
//!
//! What this crate leaves out: hosts, checks, states, the store. It never opens a connection and starts nothing.

mod accept;
pub mod convert;
mod enrol;
mod gate;
mod link;
mod push;
mod switchboard;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use wk_domain::Timestamp;
use wk_engine::desk::AgentDesk;
use wk_pki::{DenyList, PeerAgent, PkiError, ServerIdentity};
use wk_wire::WINDOW_BATCHES_MAX;

use crate::gate::Gate;
use crate::switchboard::Switchboard;

/// Bounds of the hub. The defaults are meant to be right; tests use smaller ones.
#[derive(Debug, Clone, PartialEq)]
pub struct HubConfig {
    /// Time for the first message of a handshake.
    pub hello_deadline: Duration,
    /// Time for a whole handshake, and again for the first frame after it.
    pub handshake_deadline: Duration,
    /// Handshakes under way in total; more wait in the kernel's queue.
    pub half_open_max: usize,
    /// Handshakes under way from one source.
    pub half_open_per_source: usize,
    /// Failed or unfinished handshakes a second and source that are let through.
    pub failures_per_second: f64,
    /// How many may fail at once before that rate applies.
    pub failures_burst: f64,
    /// Enrolment attempts a second and source, and at once.
    pub enrol_per_second: f64,
    pub enrol_burst: f64,
    /// Enrolment attempts a second from everywhere.
    pub enrol_total_per_second: f64,
    /// Links at once.
    pub links_max: usize,
    /// Links of one agent at once. More are honest for a moment, when a path died unseen; the oldest go.
    pub agent_links_max: usize,
    /// Links that one agent may open a second, and at once.
    pub agent_links_per_second: f64,
    pub agent_links_burst: f64,
    /// Silence after which either side says something; three times that ends the link.
    pub heartbeat: Duration,
    /// Batches an agent may have in flight.
    pub window: u32,
    /// Bytes of batches an agent may have in flight: what its window holds in memory here.
    pub window_bytes: usize,
    /// Bytes a second that an agent may send for ever. Beyond it is slowed down, never dropped.
    pub bytes_per_second: f64,
    /// Bytes it may send at once on top: a full spool, so that it catches up quickly.
    pub bytes_burst: f64,
    /// Time for a peer to take what is sent to it.
    pub write_deadline: Duration,
    /// Time for goodbyes when the server stops.
    pub drain: Duration,
    /// How long after its certificate ended an agent may still renew it, and do nothing else: a machine that was off.
    pub renew_grace: Duration,
}

impl Default for HubConfig {
    fn default() -> Self {
        Self {
            hello_deadline: Duration::from_secs(3),
            handshake_deadline: Duration::from_secs(10),
            half_open_max: 1000,
            // Many agents may share an address; one address alone leaves room for all others.
            half_open_per_source: 600,
            failures_per_second: 50.0,
            // Above the handshakes that one address may have under way: a crowd of honest agents behind it has that many
            // unproved at once.
            failures_burst: 1000.0,
            enrol_per_second: 1.0,
            enrol_burst: 5.0,
            enrol_total_per_second: 20.0,
            links_max: 20_000,
            agent_links_max: 4,
            agent_links_per_second: 0.5,
            agent_links_burst: 30.0,
            heartbeat: Duration::from_secs(15),
            window: WINDOW_BATCHES_MAX,
            window_bytes: 4 << 20,
            bytes_per_second: (2 << 20) as f64 / 60.0,
            bytes_burst: (64 << 20) as f64,
            write_deadline: Duration::from_secs(30),
            drain: Duration::from_secs(5),
            renew_grace: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// The hub. One for all listeners of a server.
#[derive(Debug)]
pub struct Hub {
    config: HubConfig,
    desk: Arc<dyn AgentDesk>,
    identity: Arc<ServerIdentity>,
    tls: ArcSwap<Tls>,
    gate: Gate,
    half_open: Arc<Semaphore>,
    links: Arc<Semaphore>,
    switchboard: Arc<Switchboard>,
    /// A listener passes the engine's orders on.
    listening: AtomicBool,
}

#[derive(Debug)]
struct Tls {
    link: Arc<ServerConfig>,
    enrol: Arc<ServerConfig>,
}

/// The desk's deny list, as the verifier of certificates asks for it.
#[derive(Debug)]
struct DeskDenyList(Arc<dyn AgentDesk>);

impl DenyList for DeskDenyList {
    fn denies(&self, peer: &PeerAgent) -> bool {
        self.0.denied(peer.agent_id, &peer.serial.to_string())
    }
}

impl Hub {
    /// A hub that shows `identity` and accepts agents whose certificates lead to one of the desk's roots.
    ///
    /// # Errors
    /// [`PkiError::Tls`] when TLS cannot be set up with what was given.
    pub fn new(
        config: HubConfig,
        identity: Arc<ServerIdentity>,
        desk: Arc<dyn AgentDesk>,
    ) -> Result<Arc<Self>, PkiError> {
        let tls = make_tls(&config, &identity, &desk)?;
        Ok(Arc::new(Self {
            gate: Gate::new(&config),
            half_open: Arc::new(Semaphore::new(config.half_open_max)),
            links: Arc::new(Semaphore::new(config.links_max)),
            switchboard: Arc::new(Switchboard::default()),
            listening: AtomicBool::new(false),
            tls: ArcSwap::from_pointee(tls),
            identity,
            desk,
            config,
        }))
    }

    /// Takes the desk's present roots: call it when they changed. Open links go on, and their agents are told.
    ///
    /// # Errors
    /// [`PkiError::Tls`]; what was in force stays.
    pub fn reload_roots(&self) -> Result<(), PkiError> {
        self.tls.store(Arc::new(make_tls(&self.config, &self.identity, &self.desk)?));
        self.switchboard.roots_changed();
        Ok(())
    }

    /// Linked agents that have not acknowledged the present roots. While there are any, and while agents that may still
    /// come are away, no root may be taken back.
    pub fn agents_with_other_roots(&self) -> usize {
        self.switchboard.not_holding(&wk_pki::roots_digest(&self.desk.roots_der()))
    }

    /// Agents linked at this moment.
    pub fn links(&self) -> usize {
        self.config.links_max - self.links.available_permits()
    }

    /// How long a stranger may take for what takes `usual` on a quiet day: less when places become scarce, so that those
    /// who stall make room for those who do not.
    fn patience(&self, usual: Duration) -> Duration {
        let scarce = self.half_open.available_permits() < self.config.half_open_max / 4;
        if scarce { usual / 4 } else { usual }
    }

    /// Serves one listener until `shutdown`, then says goodbye to its links and waits for them. Several listeners of one
    /// hub must stop together: the engine's orders come through the first.
    pub async fn serve(self: &Arc<Self>, listener: TcpListener, shutdown: CancellationToken) {
        accept::serve(Arc::clone(self), listener, shutdown).await;
    }
}

fn make_tls(
    config: &HubConfig,
    identity: &Arc<ServerIdentity>,
    desk: &Arc<dyn AgentDesk>,
) -> Result<Tls, PkiError> {
    let roots: Vec<CertificateDer<'static>> =
        desk.roots_der().into_iter().map(CertificateDer::from).collect();
    let deny = Arc::new(DeskDenyList(Arc::clone(desk)));
    Ok(Tls {
        link: wk_pki::server_config_hub_with_grace(identity, &roots, deny, config.renew_grace)?,
        enrol: wk_pki::server_config_enrol(identity)?,
    })
}

/// The wall clock.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

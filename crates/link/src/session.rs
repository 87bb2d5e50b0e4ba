//! One link, from hello to its end.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::client::TlsStream;
use wk_pki::{AgentIdentity, AgentStore, ServerAddr, StoreError};
use wk_spool::{Resume, SpoolError};
use wk_wire as wire;
use wk_wire::agent_frame::Body as ToServer;
use wk_wire::budget::decode_server_frame;
use wk_wire::frame::{FrameError, FrameReader, FrameWriter, Limits};
use wk_wire::server_frame::Body as FromServer;

use crate::backoff::random_below;
use crate::outbox::{Outbox, Turn};
use crate::{Handlers, LinkConfig, Standing, connect, describe, now};

/// Bytes that may wait to be sent; more is not taken from the spool.
const UNSENT_MAX: usize = 64 << 10;
/// Time for the server to take what is sent. Generous: it slows an agent down by not reading.
const WRITE: Duration = Duration::from_secs(180);
/// Time for the server's welcome: it writes to its store.
const WELCOME: Duration = Duration::from_secs(40);
/// Heartbeats that a server may ask for.
const HEARTBEAT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(120));
/// Silence of the server, in heartbeats, after which the path is taken for dead.
const SILENCE: u32 = 4;
/// Checks that a server may assign.
const CHECKS_MAX: usize = 100_000;
/// Bytes of all checks together, as they come: an agent is small, and its server may be somebody else's by now.
const CHECKS_BYTES_MAX: usize = 16 << 20;
/// The server hears of this machine's clock each so many heartbeats, however busy the link is.
const CLOCK: u32 = 4;
/// Next try after a renewal that did not come about: a random instant within this.
const RENEW_AGAIN: Duration = Duration::from_secs(600);
/// Clocks are looked at this often, as they may be set.
const TICK: Duration = Duration::from_secs(60);

/// How a link ended.
#[derive(Debug)]
pub(crate) enum End {
    Lost(String),
    /// The server's word.
    Goodbye(String),
    Quarantined,
    Revoked,
    Expired,
    /// There is a new identity: connect with it.
    Renewed(Box<AgentIdentity>),
    /// The spool has a new epoch: say hello again.
    NewEpoch,
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        match &error {
            FrameError::Io(source)
                if connect::alert(source) == Some(rustls::AlertDescription::CertificateRevoked) =>
            {
                Self::Revoked
            }
            FrameError::Io(source)
                if connect::alert(source) == Some(rustls::AlertDescription::CertificateExpired) =>
            {
                Self::Expired
            }
            _ => Self::Lost(describe(&error)),
        }
    }
}

impl From<SpoolError> for End {
    fn from(error: SpoolError) -> Self {
        Self::Lost(describe(&error))
    }
}

type Renewal = JoinHandle<Result<Renewed, StoreError>>;

enum Renewed {
    Request(Vec<u8>),
    Identity(Box<AgentIdentity>),
    /// The same identity with other roots.
    Trusting(Box<AgentIdentity>),
}

pub(crate) struct Session<'a> {
    reader: FrameReader<ReadHalf<TlsStream<TcpStream>>>,
    writer: FrameWriter<WriteHalf<TlsStream<TcpStream>>>,
    config: &'a LinkConfig,
    store: &'a Arc<AgentStore>,
    outbox: &'a Outbox,
    handlers: &'a Handlers,
    identity: &'a AgentIdentity,
    pub(crate) opened: bool,
    pub(crate) progress: bool,
    heartbeat: Duration,
    window: u32,
    /// Nothing but a renewal is accepted.
    mute: bool,
    /// The last number sent, and the last acknowledged.
    sent: u64,
    acked: u64,
    /// Acknowledged by the server and not told to the spool yet.
    to_acknowledge: Option<u64>,
    /// The spool may have something.
    more: bool,
    turn: Option<JoinHandle<Result<Turn, SpoolError>>>,
    said_at: Instant,
    unsent_since: Option<Instant>,
    heard_at: Instant,
    renew_at: Option<Instant>,
    renewal: Option<Renewal>,
    renewal_asked: bool,
    /// Parts of a list of checks that is not whole yet, and their bytes.
    partial: Option<(wire::Assignments, usize)>,
    /// What the server showed when the link opened, leaf first.
    server_chain: Vec<CertificateDer<'static>>,
    /// Certificates, or roots, that wait until the identity's file is free.
    to_commit: Option<wire::RenewReply>,
    to_trust: Option<Vec<Vec<u8>>>,
    /// The identity as it is since the server named other roots.
    pub(crate) trusting: Option<Box<AgentIdentity>>,
    /// The server's clock as heard last, and when.
    server_ms: Option<(i64, Instant)>,
    clock_said_at: Instant,
}

impl<'a> Session<'a> {
    pub(crate) fn new(
        stream: TlsStream<TcpStream>,
        config: &'a LinkConfig,
        store: &'a Arc<AgentStore>,
        outbox: &'a Outbox,
        handlers: &'a Handlers,
        identity: &'a AgentIdentity,
    ) -> Self {
        let server_chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let server_chain = server_chain.iter().map(|cert| cert.clone().into_owned()).collect();
        let (read, write) = split(stream);
        let started = Instant::now();
        Self {
            reader: FrameReader::new(read, Limits::LINK),
            writer: FrameWriter::new(write, wire::FRAME_BYTES_MAX),
            config,
            store,
            outbox,
            handlers,
            identity,
            opened: false,
            progress: false,
            heartbeat: HEARTBEAT.1,
            window: 0,
            mute: false,
            sent: 0,
            acked: 0,
            to_acknowledge: None,
            more: true,
            turn: None,
            said_at: started,
            unsent_since: None,
            heard_at: started,
            renew_at: None,
            renewal: None,
            renewal_asked: false,
            partial: None,
            server_chain,
            to_commit: None,
            to_trust: None,
            trusting: None,
            server_ms: None,
            clock_said_at: started,
        }
    }

    pub(crate) async fn run(&mut self, address: &ServerAddr) -> End {
        if let Err(end) = self.open(address).await {
            return end;
        }
        self.plan_renewal();
        loop {
            if let Err(end) = self.step().await {
                // A turn that is under way holds the spool: the next link must find it done.
                if let Some(turn) = self.turn.take() {
                    let _ = turn.await;
                }
                // And so does work on the identity: the next link must show what the disk holds.
                if let Some(Ok(Ok(Renewed::Trusting(identity)))) = match self.renewal.take() {
                    Some(work) => Some(work.await),
                    None => None,
                } {
                    self.trusting = Some(identity);
                }
                return end;
            }
        }
    }

    fn say(&mut self, body: ToServer) -> Result<(), End> {
        let frame = wire::AgentFrame { body: Some(body) };
        self.writer.queue(&frame).map_err(|error| End::Lost(error.to_string()))?;
        self.said();
        Ok(())
    }

    fn said(&mut self) {
        self.said_at = Instant::now();
        self.unsent_since.get_or_insert(self.said_at);
    }

    async fn open(&mut self, address: &ServerAddr) -> Result<(), End> {
        let facts = &self.config.facts;
        let hello = wire::Hello {
            protocol: wire::PROTOCOL_VERSION,
            version: facts.version.clone(),
            epoch: self.outbox.epoch().await?,
            now_ms: now().as_ms(),
            remote_off: facts.remote_off,
            plugins: facts.plugins.clone(),
            machine_digest: facts.machine_digest.clone(),
            hostname: facts.hostname.clone(),
            roots_sha256: self.identity.roots_digest().to_vec(),
        };
        self.say(ToServer::Hello(hello))?;
        let until = Instant::now() + WELCOME;
        self.writer.drive(until).await?;
        self.unsent_since = None;
        let frame = timeout(WELCOME, self.reader.next(until))
            .await
            .map_err(|_| End::Lost("no welcome".to_owned()))?;
        let frame = frame?.ok_or_else(|| End::Lost("the server closed the link".to_owned()))?;
        let welcome = match decode_server_frame(frame).map_err(|error| End::Lost(error.to_string()))? {
            FromServer::Welcome(welcome) => welcome,
            FromServer::Goodbye(goodbye) => return Err(goodbye_end(&goodbye.reason)),
            _ => return Err(End::Lost("the server's first frame is no welcome".to_owned())),
        };
        self.opened = true;
        self.heard_at = Instant::now();
        self.clock_said_at = self.heard_at;
        self.server_ms = Some((welcome.now_ms, self.heard_at));
        self.heartbeat = Duration::from_millis(welcome.heartbeat_ms.into()).clamp(HEARTBEAT.0, HEARTBEAT.1);
        self.window = welcome.window.clamp(1, 1024);
        self.mute = welcome.standing != "active";
        let clock_ahead_ms = now().as_ms().saturating_sub(welcome.now_ms);
        let standing = match welcome.standing.as_str() {
            "active" => Standing::Active,
            "renew" => Standing::Expired,
            _ => Standing::Quarantined,
        };
        self.handlers.state.send_modify(|state| {
            state.connected = true;
            state.server = address.to_string();
            state.standing = standing;
            state.clock_ahead_ms = clock_ahead_ms;
            state.links += 1;
            state.last_error.clear();
        });
        let committed = welcome.committed_seq;
        self.sent = committed;
        self.acked = committed;
        if self.mute {
            tracing::warn!(?standing, "the server accepts nothing from this agent but a renewal");
            return Ok(());
        }
        match self.outbox.with(move |spool| spool.resume(committed)).await? {
            Resume::Ready => Ok(()),
            Resume::NewEpoch => Err(End::NewEpoch),
        }
    }

    /// Waits for the next thing to happen, and does it. Everything waited for may be dropped half way.
    async fn step(&mut self) -> Result<(), End> {
        self.start_turn();
        self.start_work();
        let silence = self.heard_at + SILENCE * self.heartbeat;
        let write_until = self.unsent_since.unwrap_or(self.said_at) + WRITE;
        let tick = Instant::now() + TICK;
        let clock = self.clock_said_at + CLOCK * self.heartbeat;
        let timer = [Some(self.said_at + self.heartbeat), Some(clock), self.renew_at, Some(tick)];
        let timer = timer.into_iter().flatten().min().unwrap_or(tick);
        tokio::select! {
            frame = self.reader.next(silence) => {
                let frame = frame?.ok_or_else(|| End::Lost("the server closed the link".to_owned()))?;
                self.heard_at = Instant::now();
                let body = decode_server_frame(frame).map_err(|error| End::Lost(error.to_string()))?;
                self.heard(body)
            }
            sent = self.writer.drive(write_until), if self.writer.has_work() => {
                self.unsent_since = None;
                Ok(sent?)
            }
            turn = joined(self.turn.as_mut()) => {
                self.turn = None;
                self.turned(turn.ok_or_else(|| End::Lost("a helper thread ended".to_owned()))??)
            }
            renewal = joined(self.renewal.as_mut()) => {
                self.renewal = None;
                self.renewed(renewal)
            }
            () = self.outbox.appended(), if !self.more && !self.mute => {
                self.more = true;
                Ok(())
            }
            () = sleep_until(timer) => self.on_time(),
        }
    }

    /// Goes to the spool when it has something to hear or to give.
    fn start_turn(&mut self) {
        let flying = u32::try_from(self.sent.saturating_sub(self.acked)).unwrap_or(u32::MAX);
        let room = self.window.saturating_sub(flying);
        let take = self.more && room > 0 && self.writer.pending() < UNSENT_MAX;
        if self.turn.is_none() && !self.mute && (take || self.to_acknowledge.is_some()) {
            let batches = if take { room } else { 0 };
            self.turn = Some(self.outbox.turn(self.to_acknowledge.take(), batches));
        }
    }

    /// One act at a time on the identity's file: roots first, so that nothing overwrites what was just acknowledged.
    fn start_work(&mut self) {
        if self.renewal.is_some() {
            return;
        }
        let (store, chain) = (Arc::clone(self.store), self.server_chain.clone());
        if let Some(roots) = self.to_trust.take() {
            self.renewal = Some(spawn_blocking(move || {
                store.trust(&roots, &chain, now()).map(|identity| Renewed::Trusting(Box::new(identity)))
            }));
        } else if let Some(reply) = self.to_commit.take() {
            self.renewal = Some(spawn_blocking(move || {
                // The server's roots, and those without which this very server could not be verified.
                let trusting = store.trust(&reply.roots_der, &chain, now())?;
                let roots: Vec<Vec<u8>> = trusting.roots().iter().map(|root| root.to_vec()).collect();
                // When the disk does not take it, the request stays as it is: asked with the same key, the server gives
                // the same certificate again. Asked with another, it would take this agent for two.
                let identity = store.commit(&reply.chain_der, &roots, None, now())?;
                Ok(Renewed::Identity(Box::new(identity)))
            }));
        }
    }

    fn turned(&mut self, turn: Turn) -> Result<(), End> {
        if turn.batches > 0 {
            self.sent = turn.last_seq;
        }
        if turn.empty {
            // An acknowledgement may have come meanwhile, and with it the way past a gap.
            self.more = self.to_acknowledge.is_some();
        }
        for frame in turn.frames {
            self.writer.queue_encoded(&frame).map_err(|error| End::Lost(error.to_string()))?;
            self.said();
        }
        Ok(())
    }

    fn heard(&mut self, body: FromServer) -> Result<(), End> {
        match body {
            FromServer::Ack(ack) => {
                if ack.now_ms != 0 {
                    self.server_ms = Some((ack.now_ms, Instant::now()));
                }
                if ack.seq > self.sent {
                    return Err(End::Lost(format!("the server acknowledged {} before it was sent", ack.seq)));
                }
                if ack.seq > self.acked {
                    self.acked = ack.seq;
                    self.progress = true;
                    self.to_acknowledge = Some(ack.seq);
                    self.more = true;
                }
                Ok(())
            }
            FromServer::Assignments(part) => self.assigned(part),
            FromServer::RunNow(run) => {
                if self.handlers.run_now.try_send(run.check_id).is_err() {
                    tracing::warn!("a request to run a check now was dropped: too many wait");
                }
                Ok(())
            }
            FromServer::Renewed(reply) => self.answered(reply),
            FromServer::Goodbye(goodbye) => Err(goodbye_end(&goodbye.reason)),
            FromServer::Trust(trust) => {
                self.to_trust = Some(trust.roots_der);
                Ok(())
            }
            FromServer::Welcome(_) => Err(End::Lost("the server said welcome twice".to_owned())),
        }
    }

    fn assigned(&mut self, part: wire::Assignments) -> Result<(), End> {
        let more = part.more;
        let (mut whole, mut bytes) = match self.partial.take() {
            Some(begun) if begun.0.revision == part.revision => begun,
            _ => (wire::Assignments { revision: part.revision, ..wire::Assignments::default() }, 0),
        };
        bytes += prost::Message::encoded_len(&part);
        whole.checks.extend(part.checks);
        if whole.checks.len() > CHECKS_MAX || bytes > CHECKS_BYTES_MAX {
            return Err(End::Lost("the server assigns more checks than an agent takes".to_owned()));
        }
        if more {
            self.partial = Some((whole, bytes));
        } else {
            self.handlers.assignments.send_replace(Arc::new(whole));
        }
        Ok(())
    }

    fn on_time(&mut self) -> Result<(), End> {
        let at = Instant::now();
        if at >= self.said_at + self.heartbeat || at >= self.clock_said_at + CLOCK * self.heartbeat {
            self.clock_said_at = at;
            let (server_ms, held) = match self.server_ms {
                Some((server_ms, heard)) => (server_ms, at.saturating_duration_since(heard)),
                None => (0, Duration::ZERO),
            };
            let held_ms = u32::try_from(held.as_millis()).unwrap_or(u32::MAX);
            self.say(ToServer::Heartbeat(wire::Heartbeat { now_ms: now().as_ms(), server_ms, held_ms }))?;
        }
        if self.renew_at.is_some_and(|due| at >= due) && self.renewal.is_none() && !self.renewal_asked {
            self.renew_at = None;
            let store = Arc::clone(self.store);
            self.renewal = Some(spawn_blocking(move || store.request().map(Renewed::Request)));
        } else if self.renewal.is_none() && !self.renewal_asked {
            self.plan_renewal();
        }
        Ok(())
    }

    /// At two thirds of the certificate's life, give or take a tenth of it; the same for the same certificate, however
    /// often the agent starts.
    fn plan_renewal(&mut self) {
        let left = self.identity.not_after().since(self.identity.renew_from());
        // A third of the life is left then: a tenth of the life is 3/10 of that.
        let spread = left.mul_f64(0.3);
        let [high, low, ..] = *self.identity.serial().as_bytes();
        let jitter = spread.mul_f64(2.0 * f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX));
        let due = (self.identity.renew_from() - spread) + jitter;
        let wait = due.since(now());
        let at = Instant::now() + wait;
        // A renewal that failed keeps its later date.
        if self.renew_at.is_none_or(|planned| planned > at && wait > Duration::ZERO) {
            self.renew_at = Some(at);
        }
    }

    fn renew_later(&mut self) {
        self.renewal_asked = false;
        self.renew_at = Some(Instant::now() + Duration::from_secs(1) + random_below(RENEW_AGAIN));
    }

    fn renewed(&mut self, outcome: Option<Result<Renewed, StoreError>>) -> Result<(), End> {
        match outcome {
            Some(Ok(Renewed::Request(csr_der))) => {
                self.renewal_asked = true;
                self.say(ToServer::Renew(wire::RenewRequest { csr_der }))
            }
            Some(Ok(Renewed::Identity(identity))) => {
                tracing::info!(serial = %identity.serial(), "the certificate was renewed");
                Err(End::Renewed(identity))
            }
            Some(Ok(Renewed::Trusting(identity))) => {
                tracing::info!(roots = identity.roots().len(), "the roots to trust were replaced");
                let roots_sha256 = identity.roots_digest().to_vec();
                self.trusting = Some(identity);
                self.say(ToServer::TrustHeld(wire::TrustHeld { roots_sha256 }))
            }
            Some(Err(error)) => {
                tracing::warn!("the identity stays as it is: {}", describe(&error));
                if self.renew_at.is_none() && !self.renewal_asked {
                    self.renew_later();
                }
                Ok(())
            }
            None => Err(End::Lost("a helper thread ended".to_owned())),
        }
    }

    fn answered(&mut self, reply: wire::RenewReply) -> Result<(), End> {
        if !std::mem::take(&mut self.renewal_asked) {
            return Err(End::Lost("the server renewed a certificate unasked".to_owned()));
        }
        match reply.refused.as_str() {
            "" => {
                self.to_commit = Some(reply);
                Ok(())
            }
            "quarantined" => Err(End::Quarantined),
            "revoked" => Err(End::Revoked),
            word => {
                tracing::warn!(
                    "the server did not renew the certificate: {}",
                    wk_domain::text::clean_line(word, 64)
                );
                self.renew_later();
                Ok(())
            }
        }
    }
}

fn goodbye_end(reason: &str) -> End {
    match reason {
        "revoked" => End::Revoked,
        "quarantined" => End::Quarantined,
        "expired" => End::Lost("the certificate has ended".to_owned()),
        word => End::Goodbye(wk_domain::text::clean_line(word, 64)),
    }
}

/// The result of a helper thread, `None` when it ended without one; never, when there is none.
async fn joined<T>(handle: Option<&mut JoinHandle<T>>) -> Option<T> {
    match handle {
        Some(handle) => handle.await.ok(),
        None => std::future::pending().await,
    }
}

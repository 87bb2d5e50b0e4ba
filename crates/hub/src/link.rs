//! One agent's link, from its hello to its end. One task, one frame at a time.
//!
//! Frames that must stay in order (dictionaries and batches) wait undecoded, at most a window of them; one batch at a
//! time is decoded and with the desk. Reading stops while the window is full or the agent's byte budget is spent: the
//! network then slows the agent down, and nothing is dropped. Everything else, orders and goodbyes first, goes on.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use wk_domain::spec::AssignmentSet;
use wk_domain::{AgentId, CheckId};
use wk_engine::desk::{Granted, IngestError, LinkRefused, Peer};
use wk_engine::ports::rows::Standing;
use wk_pki::PeerAgent;
use wk_wire as wire;
use wk_wire::agent_frame::Body as FromAgent;
use wk_wire::budget::{AgentFrameKind, decode_agent_frame};
use wk_wire::frame::{FrameError, FrameReader, FrameWriter, Limits};
use wk_wire::server_frame::Body as ToAgent;

use crate::convert::{self, SeriesTable};
use crate::gate::Rate;
use crate::switchboard::{Order, Place};
use crate::{Hub, now, push};

/// Time to send a goodbye before the connection is cut.
const GOODBYE: Duration = Duration::from_millis(500);
/// A batch that could not be stored is tried again after this, doubled each time up to the last.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How long a link stays open that may only renew a certificate that has ended.
const RENEW_ONLY: Duration = Duration::from_secs(60);
/// What a frame costs beside its bytes, in bytes: the handle that waits, the look that is taken at it. Without it a peer
/// could fill the memory with millions of frames of two bytes that count as next to nothing.
const FRAME_COST: usize = 64;
/// What a note or a change of the inventory costs beside its bytes: each may become a line of the timeline for good, and
/// twenty bytes make one. An agent's day of them fits its burst; a flood of them is slowed down to a few a second.
const TOLD_COST: usize = 2 << 10;
/// The desk hears that a link lives this often at most.
const HEARD: Duration = Duration::from_secs(1);
/// While more than this waits to be written, no new list of checks is added to it: the newest comes when there is room.
const UNSENT_MAX: usize = 64 << 10;
/// A heartbeat whose way there and back took longer than this says nothing about a clock.
const ROUND_TRIP_MAX_MS: i64 = 10_000;
/// Renewals that one link may ask for: a certificate lives for days, and so does a link.
const RENEWALS_MAX: u32 = 16;

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Why a link ends.
#[derive(Debug)]
enum End {
    /// The agent closed, or the network did.
    Gone,
    /// The agent is told a word.
    Goodbye(&'static str),
    /// The agent broke a rule: it is told `protocol`, the desk is told what.
    Broke { what: &'static str, detail: String },
}

impl End {
    fn broke(what: &'static str) -> impl Fn(String) -> Self {
        move |detail| Self::Broke { what, detail }
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(_) | FrameError::Idle | FrameError::NotRead => Self::Gone,
            FrameError::TooLarge { .. }
            | FrameError::Empty
            | FrameError::Truncated
            | FrameError::Slow { .. } => Self::Broke { what: "frame", detail: error.to_string() },
        }
    }
}

pub(crate) async fn serve(
    hub: Arc<Hub>,
    stream: Box<TlsStream<TcpStream>>,
    certified: PeerAgent,
    address: SocketAddr,
    shutdown: CancellationToken,
) {
    let peer = Peer {
        agent: certified.agent_id,
        serial: certified.serial.to_string(),
        not_after: certified.not_after,
        address,
    };
    let (read, write) = split(stream);
    let mut reader = FrameReader::new(read, Limits::LINK);
    let mut writer = FrameWriter::new(write, wire::FRAME_BYTES_MAX);
    let renew_only = certified.has_ended(now());
    // On the switchboard before the desk knows of the link: an order given from now on is not missed.
    let mut place = hub.switchboard.connect(peer.agent, hub.config.agent_links_max);
    let cut = place.cut.clone();
    let opened = tokio::select! {
        opened = open(&hub, &peer, renew_only, &mut reader, &mut place) => opened,
        () = cut.cancelled() => Err(End::Goodbye("superseded")),
        () = shutdown.cancelled() => Err(End::Goodbye("stopping")),
    };
    let end = match opened {
        Err(end) => end,
        Ok(terms) => {
            let agent = peer.agent;
            let number = terms.number;
            let mut open = Open { hub: Arc::clone(&hub), agent, number, told: renew_only };
            let mut link = Link::new(Arc::clone(&hub), peer.clone(), terms, place, writer);
            let end = match link.welcome() {
                Ok(()) => link.run(&mut reader, &shutdown).await,
                Err(end) => end,
            };
            writer = link.writer;
            if !renew_only {
                hub.desk.close_link(agent, number).await;
                open.told = true;
            }
            end
        }
    };
    say_goodbye(&hub, &peer, end, &mut writer).await;
}

/// A link that the desk takes for open. However it ends, by a fault of this program too, the desk is told: else the agent
/// would look connected for good.
struct Open {
    hub: Arc<Hub>,
    agent: AgentId,
    number: u64,
    told: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let (desk, agent, number) = (Arc::clone(&self.hub.desk), self.agent, self.number);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { desk.close_link(agent, number).await });
        }
    }
}

async fn say_goodbye(
    hub: &Hub,
    peer: &Peer,
    end: End,
    writer: &mut FrameWriter<WriteHalf<Box<TlsStream<TcpStream>>>>,
) {
    let word = match end {
        End::Gone => return,
        End::Goodbye(word) => word,
        End::Broke { what, detail } => {
            hub.desk.refused(peer.address, what, format!("{}: {detail}", peer.agent));
            "protocol"
        }
    };
    let goodbye = push::frame(ToAgent::Goodbye(wire::Goodbye { reason: word.to_owned() }));
    let until = Instant::now() + GOODBYE;
    if writer.queue(&goodbye).is_ok() && writer.drive(until).await.is_ok() {
        let _ = writer.shutdown(until).await;
    }
}

/// What the desk said when the link opened.
struct Terms {
    number: u64,
    epoch: u64,
    standing: Standing,
    committed_seq: u64,
    /// The certificate has ended: it may be renewed, and nothing else.
    renew_only: bool,
}

async fn open(
    hub: &Hub,
    peer: &Peer,
    renew_only: bool,
    reader: &mut FrameReader<ReadHalf<Box<TlsStream<TcpStream>>>>,
    place: &mut Place,
) -> Result<Terms, End> {
    let deadline = hub.config.handshake_deadline;
    let broke = End::broke("protocol");
    let frame = timeout(deadline, reader.next(Instant::now() + deadline))
        .await
        .map_err(|_| broke("no hello in time".to_owned()))??
        .ok_or(End::Gone)?;
    let hello = match decode_agent_frame(frame).map_err(|error| broke(error.to_string()))? {
        FromAgent::Hello(hello) => {
            place.holds(&hello.roots_sha256);
            convert::hello(hello).map_err(|error| broke(error.to_string()))?
        }
        _ => return Err(broke("the first frame is no hello".to_owned())),
    };
    // The verifier asked before; a revocation may have come in between.
    if hub.desk.denied(peer.agent, &peer.serial) {
        return Err(End::Goodbye("revoked"));
    }
    let epoch = hello.epoch;
    if renew_only {
        // The desk is not told of a link: nothing is known of this machine by it but that it asks.
        return Ok(Terms { number: 0, epoch, standing: Standing::Active, committed_seq: 0, renew_only });
    }
    match timeout(hub.config.write_deadline, hub.desk.open_link(peer, hello)).await {
        Err(_) | Ok(Err(LinkRefused::TryLater)) => Err(End::Goodbye("overload")),
        Ok(Err(LinkRefused::Revoked)) => Err(End::Goodbye("revoked")),
        Ok(Err(LinkRefused::Quarantined)) => Err(End::Goodbye("quarantined")),
        Ok(Ok(terms)) => Ok(Terms {
            number: terms.link,
            epoch,
            standing: terms.standing,
            committed_seq: terms.committed_seq,
            renew_only,
        }),
    }
}

struct Ingest {
    seq: u64,
    /// For another try.
    frame: Bytes,
    answer: Work<Result<(), IngestError>>,
}

struct Link {
    hub: Arc<Hub>,
    peer: Peer,
    number: u64,
    epoch: u64,
    standing: Standing,
    renew_only: bool,
    place: Place,
    writer: FrameWriter<WriteHalf<Box<TlsStream<TcpStream>>>>,
    assignments: watch::Receiver<Arc<AssignmentSet>>,
    table: SeriesTable,
    /// Dictionaries and batches in the order they came.
    waiting: VecDeque<Bytes>,
    waiting_batches: u32,
    waiting_bytes: usize,
    /// The batch that is with the desk.
    ingest: Option<Ingest>,
    retry_at: Option<Instant>,
    retry_after: Duration,
    renewal: Option<Work<Result<Granted, LinkRefused>>>,
    renewals: u32,
    acked: u64,
    heard_at: Instant,
    /// When the desk was told last that the link lives.
    told_at: Option<Instant>,
    said_at: Instant,
    /// Since when something waits to be written.
    unsent_since: Option<Instant>,
    read_after: Option<Instant>,
    expires_at: Instant,
}

impl Link {
    fn new(
        hub: Arc<Hub>,
        peer: Peer,
        terms: Terms,
        place: Place,
        writer: FrameWriter<WriteHalf<Box<TlsStream<TcpStream>>>>,
    ) -> Self {
        let started = Instant::now();
        Self {
            assignments: hub.desk.assignments(peer.agent),
            number: terms.number,
            epoch: terms.epoch,
            standing: terms.standing,
            renew_only: terms.renew_only,
            place,
            writer,
            table: SeriesTable::default(),
            waiting: VecDeque::new(),
            waiting_batches: 0,
            waiting_bytes: 0,
            ingest: None,
            retry_at: None,
            retry_after: RETRY.0,
            renewal: None,
            renewals: 0,
            acked: terms.committed_seq,
            heard_at: started,
            told_at: None,
            said_at: started,
            unsent_since: None,
            read_after: None,
            expires_at: started + if terms.renew_only { RENEW_ONLY } else { peer.not_after.since(now()) },
            hub,
            peer,
        }
    }

    fn say(&mut self, body: ToAgent) -> Result<(), End> {
        let queued = self.writer.queue(&push::frame(body));
        queued.map_err(|error| {
            tracing::error!(agent.id = %self.peer.agent, "an answer does not fit into a frame: {error}");
            End::Goodbye("overload")
        })?;
        self.said_at = Instant::now();
        self.unsent_since.get_or_insert(self.said_at);
        Ok(())
    }

    fn welcome(&mut self) -> Result<(), End> {
        let welcome = wire::Welcome {
            agent_id: self.peer.agent.to_string(),
            committed_seq: self.acked,
            window: self.hub.config.window,
            heartbeat_ms: u32::try_from(self.hub.config.heartbeat.as_millis()).unwrap_or(u32::MAX),
            now_ms: now().as_ms(),
            roots_der: self.hub.desk.roots_der(),
            standing: if self.renew_only { "renew" } else { self.standing.as_str() }.to_owned(),
        };
        self.say(ToAgent::Welcome(welcome))?;
        self.push_roots()?;
        self.push_assignments()
    }

    /// Tells the agent what to trust, if it holds something else and knows the message.
    fn push_roots(&mut self) -> Result<(), End> {
        let roots_der = self.hub.desk.roots_der();
        if self.renew_only || !self.place.wants_roots(wk_pki::roots_digest(&roots_der)) {
            return Ok(());
        }
        self.say(ToAgent::Trust(wire::Trust { roots_der }))
    }

    fn push_assignments(&mut self) -> Result<(), End> {
        if self.standing != Standing::Active || self.renew_only {
            return Ok(());
        }
        let set = Arc::clone(&self.assignments.borrow_and_update());
        // The sender is keyed by agent; this only guards against a mistake there.
        if set.agent != self.peer.agent {
            return Ok(());
        }
        let (frames, too_large) = push::assignments(&set);
        for check in too_large {
            tracing::error!(check.id = %check, agent.id = %self.peer.agent, "the check is too large to be sent");
        }
        for frame in frames {
            if let Some(body) = frame.body {
                self.say(body)?;
            }
        }
        Ok(())
    }

    async fn run(
        &mut self,
        reader: &mut FrameReader<ReadHalf<Box<TlsStream<TcpStream>>>>,
        shutdown: &CancellationToken,
    ) -> End {
        loop {
            match self.step(reader, shutdown).await {
                Ok(()) => {}
                Err(end) => return end,
            }
        }
    }

    /// Waits for the next thing to happen, and does it. Everything waited for may be dropped half way.
    async fn step(
        &mut self,
        reader: &mut FrameReader<ReadHalf<Box<TlsStream<TcpStream>>>>,
        shutdown: &CancellationToken,
    ) -> Result<(), End> {
        self.start_ingest()?;
        let due = self.timer();
        if Instant::now() >= due {
            // Before anything that may always be ready: a peer that never stops sending does not outlive its certificate.
            return self.on_time();
        }
        let heartbeat = self.hub.config.heartbeat;
        let room = self.has_room();
        let may_read = room && self.read_after.is_none();
        let write_until = self.unsent_since.unwrap_or(self.said_at) + self.hub.config.write_deadline;
        tokio::select! {
            biased;
            () = shutdown.cancelled() => Err(End::Goodbye("stopping")),
            () = self.place.cut.cancelled() => Err(End::Goodbye("overload")),
            order = self.place.orders.recv() => self.obey(order),
            answer = work(self.ingest.as_mut().map(|ingest| &mut ingest.answer)) => self.ingested(answer),
            answer = work(self.renewal.as_mut()) => self.renewed(answer),
            sent = self.writer.drive(write_until), if self.writer.has_work() => {
                self.unsent_since = None;
                Ok(sent?)
            }
            frame = reader.next(self.heard_at + 3 * heartbeat), if may_read => {
                let frame = frame?.ok_or(End::Gone)?;
                self.heard(frame)
            }
            changed = self.assignments.changed(), if self.writer.pending() < UNSENT_MAX => match changed {
                Ok(()) => self.push_assignments(),
                Err(_) => Err(End::Goodbye("stopping")),
            },
            () = sleep_until(due) => self.on_time(),
        }
    }

    /// When [`Self::on_time`] has something to do.
    fn timer(&self) -> Instant {
        let deadlines = [
            Some(self.said_at + self.hub.config.heartbeat),
            self.retry_at,
            self.read_after.filter(|_| self.has_room()),
        ];
        deadlines.into_iter().flatten().fold(self.expires_at, Instant::min)
    }

    /// Whether another frame may be taken in.
    fn has_room(&self) -> bool {
        let config = &self.hub.config;
        self.waiting_batches < config.window && self.waiting_bytes < config.window_bytes
    }

    fn on_time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if now >= self.expires_at {
            return Err(End::Goodbye("expired"));
        }
        if self.retry_at.is_some_and(|at| now >= at) {
            self.retry_at = None;
        }
        if self.read_after.is_some_and(|at| now >= at) {
            self.read_after = None;
            // It was not listened to: its silence does not count.
            self.heard_at = now;
        }
        if now >= self.said_at + self.hub.config.heartbeat {
            self.acknowledge(self.acked)?;
        }
        Ok(())
    }

    fn acknowledge(&mut self, seq: u64) -> Result<(), End> {
        self.say(ToAgent::Ack(wire::Ack { seq, now_ms: now().as_ms() }))
    }

    fn obey(&mut self, order: Option<Order>) -> Result<(), End> {
        match order {
            Some(Order::RunNow(check)) if self.standing == Standing::Active && !self.renew_only => {
                self.run_now(check)
            }
            Some(Order::Superseded(link)) if link == self.number => Err(End::Goodbye("superseded")),
            Some(Order::RunNow(_) | Order::Superseded(_)) => Ok(()),
            Some(Order::Close(reason)) => Err(End::Goodbye(reason)),
            Some(Order::AskAgain) => self.still_welcome(),
            Some(Order::Trust) => self.push_roots(),
            None => Err(End::Goodbye("stopping")),
        }
    }

    fn run_now(&mut self, check: CheckId) -> Result<(), End> {
        self.say(ToAgent::RunNow(wire::RunNow { check_id: check.to_string() }))
    }

    fn still_welcome(&self) -> Result<(), End> {
        if self.hub.desk.denied(self.peer.agent, &self.peer.serial) {
            return Err(End::Goodbye("revoked"));
        }
        if self.peer.not_after <= now() && !self.renew_only {
            return Err(End::Goodbye("expired"));
        }
        Ok(())
    }

    fn heard(&mut self, frame: Bytes) -> Result<(), End> {
        let at = Instant::now();
        self.heard_at = at;
        if !self.renew_only && self.told_at.is_none_or(|told| at >= told + HEARD) {
            self.told_at = Some(at);
            self.hub.desk.heard(self.peer.agent, self.number);
        }
        self.count_bytes(frame.len() + FRAME_COST);
        let broke = End::broke("protocol");
        match AgentFrameKind::of(&frame) {
            Some(kind @ (AgentFrameKind::Batch | AgentFrameKind::Dictionary)) => {
                if self.renew_only {
                    return Err(End::Goodbye("expired"));
                }
                if self.standing != Standing::Active {
                    return Err(End::Goodbye("quarantined"));
                }
                // A dictionary counts as much as a batch: it waits in the same memory.
                self.waiting_batches += u32::from(kind == AgentFrameKind::Batch);
                self.waiting_bytes += frame.len() + FRAME_COST;
                self.waiting.push_back(frame);
                Ok(())
            }
            Some(AgentFrameKind::Heartbeat) => match decode_agent_frame(frame) {
                Ok(FromAgent::Heartbeat(beat)) => {
                    self.clock(&beat);
                    Ok(())
                }
                Ok(_) => Err(broke("another frame than it begins as".to_owned())),
                Err(error) => Err(broke(error.to_string())),
            },
            Some(AgentFrameKind::TrustHeld) => match decode_agent_frame(frame) {
                Ok(FromAgent::TrustHeld(held)) => {
                    self.place.holds(&held.roots_sha256);
                    Ok(())
                }
                Ok(_) => Err(broke("another frame than it begins as".to_owned())),
                Err(error) => Err(broke(error.to_string())),
            },
            Some(AgentFrameKind::Renew) => match decode_agent_frame(frame) {
                Ok(FromAgent::Renew(request)) => self.renew(request),
                Ok(_) => Err(broke("another frame than it begins as".to_owned())),
                Err(error) => Err(broke(error.to_string())),
            },
            Some(AgentFrameKind::Hello) => Err(broke("a second hello".to_owned())),
            None => Err(broke("a frame of no known kind".to_owned())),
        }
    }

    /// How far the agent's clock is ahead of ours, by the time the two messages were under way. What the agent says of
    /// its own clock concerns its own host alone.
    fn clock(&self, beat: &wire::Heartbeat) {
        let now = now().as_ms();
        let away = now.saturating_sub(beat.server_ms).saturating_sub(i64::from(beat.held_ms));
        if !self.renew_only && beat.server_ms != 0 && (0..=ROUND_TRIP_MAX_MS).contains(&away) {
            let ahead_ms = beat.now_ms.saturating_sub(now).saturating_add(away / 2);
            self.hub.desk.clock(self.peer.agent, self.number, ahead_ms);
        }
    }

    fn count_bytes(&mut self, bytes: usize) {
        let config = &self.hub.config;
        let rate = Rate { per_second: config.bytes_per_second, burst: config.bytes_burst };
        let wait = self.hub.switchboard.count_bytes(self.peer.agent, bytes, rate);
        if !wait.is_zero() {
            tracing::debug!(agent.id = %self.peer.agent, wait_ms = wait.as_millis(), "the agent is slowed down");
            self.read_after = Some(Instant::now() + wait);
        }
    }

    fn renew(&mut self, request: wire::RenewRequest) -> Result<(), End> {
        self.renewals += 1;
        let small = request.csr_der.len() <= wk_pki::CSR_BYTES_MAX;
        if self.renewal.is_some() || self.renewals > RENEWALS_MAX || !small {
            return Err(End::broke("protocol")("too many or too large requests to renew".to_owned()));
        }
        self.still_welcome()?;
        let (desk, peer) = (Arc::clone(&self.hub.desk), self.peer.clone());
        self.renewal = Some(Box::pin(async move { desk.renew(&peer, request.csr_der).await }));
        Ok(())
    }

    fn renewed(&mut self, answer: Result<Granted, LinkRefused>) -> Result<(), End> {
        self.renewal = None;
        let refused =
            |word: &str| wire::RenewReply { refused: word.to_owned(), ..wire::RenewReply::default() };
        let reply = match answer {
            Ok(granted) => wire::RenewReply {
                chain_der: granted.chain_der,
                roots_der: granted.roots_der,
                refused: String::new(),
            },
            Err(LinkRefused::Revoked) => refused("revoked"),
            Err(LinkRefused::Quarantined) => refused("quarantined"),
            Err(LinkRefused::TryLater) => refused("try-later"),
        };
        self.say(ToAgent::Renewed(reply))
    }

    /// Gives the next batch to the desk, if none is there.
    fn start_ingest(&mut self) -> Result<(), End> {
        let broke = End::broke("protocol");
        while self.ingest.is_none() && self.retry_at.is_none() {
            let Some(frame) = self.waiting.pop_front() else { return Ok(()) };
            let bytes = frame.len() + FRAME_COST;
            match decode_agent_frame(frame.clone()).map_err(|error| broke(error.to_string()))? {
                FromAgent::Dictionary(part) => {
                    let bad = self.table.define(part).map_err(|error| broke(error.to_string()))?;
                    self.left_out(bad as u64, "series");
                    self.waiting_bytes -= bytes;
                }
                FromAgent::Batch(batch) => {
                    self.still_welcome()?;
                    self.count_bytes((batch.notes.len() + batch.inventory.len()) * TOLD_COST);
                    let seq = batch.seq;
                    let cleaned = convert::batch(batch, &self.table, self.peer.agent, self.epoch)
                        .map_err(|error| broke(error.to_string()))?;
                    self.left_out(cleaned.left_out, "observations");
                    let (desk, peer, number) = (Arc::clone(&self.hub.desk), self.peer.clone(), self.number);
                    let answer = async move { desk.ingest(&peer, number, cleaned.observations).await };
                    self.ingest = Some(Ingest { seq, frame, answer: Box::pin(answer) });
                }
                FromAgent::Hello(_)
                | FromAgent::Heartbeat(_)
                | FromAgent::Renew(_)
                | FromAgent::TrustHeld(_) => {
                    return Err(broke("another frame than it begins as".to_owned()));
                }
            }
        }
        Ok(())
    }

    fn left_out(&self, count: u64, what: &str) {
        if count > 0 {
            let detail = format!("{}: {count} {what} left out", self.peer.agent);
            self.hub.desk.refused(self.peer.address, "left-out", detail);
        }
    }

    fn ingested(&mut self, answer: Result<(), IngestError>) -> Result<(), End> {
        let Some(Ingest { seq, frame, .. }) = self.ingest.take() else { return Ok(()) };
        match answer {
            Ok(()) => {
                if !self.has_room() {
                    // It was not listened to until now: its silence does not count.
                    self.heard_at = Instant::now();
                }
                self.waiting_batches -= 1;
                self.waiting_bytes -= frame.len() + FRAME_COST;
                self.retry_after = RETRY.0;
                self.acked = self.acked.max(seq);
                self.acknowledge(seq)
            }
            Err(IngestError::TryLater) => {
                // The link stays: ten thousand agents that reconnect would not help a store in trouble.
                self.waiting.push_front(frame);
                self.retry_at = Some(Instant::now() + self.retry_after);
                self.retry_after = (self.retry_after * 2).min(RETRY.1);
                Ok(())
            }
            Err(IngestError::OutOfOrder { expected }) => {
                Err(End::broke("protocol")(format!("batch {seq} came where {expected} was expected")))
            }
            Err(IngestError::Refused(LinkRefused::Revoked)) => Err(End::Goodbye("revoked")),
            Err(IngestError::Refused(LinkRefused::Quarantined)) => Err(End::Goodbye("quarantined")),
            Err(IngestError::Refused(LinkRefused::TryLater)) => Err(End::Goodbye("overload")),
        }
    }
}

/// The answer to work that is under way; never, when none is.
async fn work<T>(work: Option<&mut Work<T>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

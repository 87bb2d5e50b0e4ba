//! The listeners: HTTPS for people and programs, and a local socket for the command line on the same machine.
//!
//! Both run the same routes. What differs is only how the caller is known: see [`Origin`]. A connection costs a file
//! descriptor and some memory, so each must be worth it: [`Doors`] says how many a source may hold, how long one may
//! take to speak, to ask again, and to read what it asked for. Closed ones are counted nowhere; refused handshakes are
//! in the log at `debug`, since strangers must not fill it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use parking_lot::Mutex;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::auth::Origin;
use crate::clients::ClientDoor;
use crate::gate::{Budget, Shelf, site_of};
use crate::passkeys::AtPort;

/// Open requests get this long to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// What a connection may cost.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    /// Connections at once. A browser holds a handful; beyond this new ones are closed at once.
    pub connections_max: usize,
    /// Of one source (/32 or /64): an office behind one address.
    pub per_source: u32,
    /// Of one network (/24 or /48).
    pub per_network: u32,
    /// Handshakes at once; one more, and the oldest is given up: an honest one takes no time.
    pub handshakes_max: usize,
    /// Of one source.
    pub handshakes_per_source: u32,
    /// Handshakes of one source that may fail in a second, and at once.
    pub failures: (f64, f64),
    /// A handshake takes this long at most.
    pub handshake: Duration,
    /// A request's head takes this long at most, and a new connection asks within it.
    pub head: Duration,
    /// A connection that asks nothing is closed.
    pub idle: Duration,
    /// An answer that nobody reads ends its connection. Live streams say something every ten seconds.
    pub unread: Duration,
}

impl Doors {
    /// The default.
    pub const DEFAULT: Self = Self {
        connections_max: 2048,
        per_source: 256,
        per_network: 1024,
        handshakes_max: 500,
        handshakes_per_source: 100,
        failures: (50.0, 100.0),
        handshake: Duration::from_secs(10),
        head: Duration::from_secs(10),
        idle: Duration::from_secs(60),
        unread: Duration::from_secs(75),
    };
}

/// Who holds what of a listener.
#[derive(Debug)]
struct Holders {
    sources: Mutex<Shelf<[u8; 16]>>,
    networks: Mutex<Shelf<[u8; 16]>>,
    handshakes: Mutex<Shelf<[u8; 16]>>,
}

impl Holders {
    fn new(doors: &Doors) -> Self {
        let (per_second, burst) = doors.failures;
        let shelf = |open_max| Mutex::new(Shelf::new(Budget { per_second, burst, open_max }));
        Self {
            sources: shelf(doors.per_source),
            networks: shelf(doors.per_network),
            handshakes: shelf(doors.handshakes_per_source),
        }
    }

    /// A place for a connection from there; none when its source holds its share, or has failed too often just now.
    fn enter(self: &Arc<Self>, from: SocketAddr) -> Option<Holding> {
        let (site, network, now) = (site_of(from.ip(), false), site_of(from.ip(), true), Instant::now());
        self.handshakes.lock().enter(site, 1.0, 0.0, now).ok()?;
        let half_open = HalfOpen { holders: Arc::clone(self), site };
        self.sources.lock().enter(site, 0.0, 0.0, now).ok()?;
        if self.networks.lock().enter(network, 0.0, 0.0, now).is_err() {
            self.sources.lock().leave(&site);
            return None;
        }
        Some(Holding { holders: Arc::clone(self), site, network, half_open: Some(half_open) })
    }
}

/// A connection's place.
#[derive(Debug)]
struct Holding {
    holders: Arc<Holders>,
    site: [u8; 16],
    network: [u8; 16],
    half_open: Option<HalfOpen>,
}

impl Holding {
    /// The handshake is over.
    fn shaken(&mut self) {
        self.half_open = None;
    }

    /// The handshake failed, or never ended.
    fn failed(&self) {
        self.holders.handshakes.lock().charge(self.site, 1.0, Instant::now());
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.holders.sources.lock().leave(&self.site);
        self.holders.networks.lock().leave(&self.network);
    }
}

/// Handshakes that are not over, oldest first.
#[derive(Debug, Default)]
struct Handshakes {
    open: Mutex<(u64, BTreeMap<u64, CancellationToken>)>,
}

impl Handshakes {
    /// Begins one, and gives the oldest up when there are too many.
    fn begin(self: &Arc<Self>, max: usize) -> Handshake {
        let given_up = CancellationToken::new();
        let mut open = self.open.lock();
        open.0 += 1;
        let number = open.0;
        open.1.insert(number, given_up.clone());
        if open.1.len() > max
            && let Some((_, oldest)) = open.1.pop_first()
        {
            oldest.cancel();
        }
        Handshake { of: Arc::clone(self), number, given_up }
    }
}

/// One of them, until it is over.
#[derive(Debug)]
struct Handshake {
    of: Arc<Handshakes>,
    number: u64,
    given_up: CancellationToken,
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.of.open.lock().1.remove(&self.number);
    }
}

#[derive(Debug)]
struct HalfOpen {
    holders: Arc<Holders>,
    site: [u8; 16],
}

impl Drop for HalfOpen {
    fn drop(&mut self) {
        self.holders.handshakes.lock().leave(&self.site);
    }
}

/// What happens on one connection.
#[derive(Debug)]
struct Traffic {
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    asked: bool,
    open: usize,
    quiet_since: Instant,
    /// Answers that are being sent, and when each was last read from.
    answers: HashMap<u64, Instant>,
    next: u64,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Silent,
    Idle,
    Unread,
}

impl Traffic {
    fn new() -> Arc<Self> {
        let seen =
            Seen { asked: false, open: 0, quiet_since: Instant::now(), answers: HashMap::new(), next: 0 };
        Arc::new(Self { seen: Mutex::new(seen) })
    }

    fn begin(self: &Arc<Self>) -> Turn {
        let mut seen = self.seen.lock();
        seen.asked = true;
        seen.open += 1;
        seen.next += 1;
        Turn { traffic: Arc::clone(self), number: seen.next }
    }

    fn judge(&self, doors: &Doors, now: Instant) -> Option<Verdict> {
        let seen = self.seen.lock();
        let since = |at: Instant| now.saturating_duration_since(at);
        if seen.answers.values().any(|read| since(*read) >= doors.unread) {
            return Some(Verdict::Unread);
        }
        match (seen.open, seen.asked) {
            (0, false) if since(seen.quiet_since) >= doors.head => Some(Verdict::Silent),
            (0, true) if since(seen.quiet_since) >= doors.idle => Some(Verdict::Idle),
            _ => None,
        }
    }
}

/// One request, until its answer is sent or given up.
#[derive(Debug)]
struct Turn {
    traffic: Arc<Traffic>,
    number: u64,
}

impl Turn {
    fn read(&self) {
        self.traffic.seen.lock().answers.insert(self.number, Instant::now());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut seen = self.traffic.seen.lock();
        seen.answers.remove(&self.number);
        seen.open = seen.open.saturating_sub(1);
        seen.quiet_since = Instant::now();
    }
}

/// An answer's body that notes when it was last asked for more.
struct Watched {
    body: Body,
    turn: Turn,
}

impl HttpBody for Watched {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.turn.read();
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Serves HTTPS until `stop`; `tls` may change while it runs.
pub async fn serve_tls(
    listener: TcpListener,
    tls: watch::Receiver<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    serve_tls_with(Doors::DEFAULT, listener, tls, router, stop).await;
}

/// The same, with other bounds.
pub async fn serve_tls_with(
    doors: Doors,
    listener: TcpListener,
    tls: watch::Receiver<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let at = listener.local_addr().ok().map(|address| AtPort(address.port()));
    let connections = Arc::new(Semaphore::new(doors.connections_max));
    let handshakes = Arc::new(Handshakes::default());
    let holders = Arc::new(Holders::new(&doors));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (tcp, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give others time to close.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Who comes when the house is full is sent away: those who are inside are not made to wait for him.
        let place = (Arc::clone(&connections).try_acquire_owned(), holders.enter(address));
        let (Ok(connection_place), Some(mut holding)) = place else {
            tracing::debug!(source.address = %address, "no place for a connection");
            continue;
        };
        let half_open = handshakes.begin(doors.handshakes_max);
        let mut tls = tls.clone();
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow_and_update()));
        let (router, stop) = (router.clone(), stop.clone());
        tracker.spawn(async move {
            let _place = connection_place;
            let _ = tcp.set_nodelay(true);
            let shaking = tokio::time::timeout(doors.handshake, acceptor.accept(tcp));
            let shaken = tokio::select! {
                shaken = shaking => shaken,
                () = half_open.given_up.cancelled() => return holding.failed(),
            };
            let stream = match shaken {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    holding.failed();
                    tracing::debug!(source.address = %address, "TLS handshake: {error}");
                    return;
                }
                Err(_) => return holding.failed(),
            };
            drop(half_open);
            holding.shaken();
            // As negotiated, and never guessed from the first bytes: a client that sends none would be waited for.
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2".as_slice());
            let chain = stream.get_ref().1.peer_certificates();
            let chain = chain.map(|chain| chain.iter().map(|der| der.to_vec()).collect());
            let certificate = chain.map(|chain| Certificate { chain, subject: Arc::default() });
            let from = From { origin: Origin::Network(address), at, certificate, tls: Some(tls) };
            connection(stream, from, h2, doors, router, stop).await;
        });
    }
    tracker.close();
    let _ = tokio::time::timeout(DRAIN, tracker.wait()).await;
}

/// Serves the local socket until `stop`. Only the server's own user and root get an answer.
pub async fn serve_local(listener: UnixListener, own_uid: u32, router: Router, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("cannot accept a local connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(peer) = stream.peer_cred() else { continue };
        if peer.uid() != own_uid && peer.uid() != 0 {
            tracing::warn!(uid = peer.uid(), "the local socket refuses another user");
            continue;
        }
        let (router, stop) = (router.clone(), stop.clone());
        let origin = Origin::Local { uid: peer.uid() };
        let from = From { origin, at: None, certificate: None, tls: None };
        tracker.spawn(async move { connection(stream, from, false, Doors::DEFAULT, router, stop).await });
    }
    tracker.close();
    let _ = tokio::time::timeout(DRAIN, tracker.wait()).await;
}

/// The client certificate that a connection presented, leaf first; valid when the connection was made.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) chain: Arc<[Vec<u8>]>,
    /// Read once for a connection.
    subject: Arc<OnceLock<String>>,
}

impl Certificate {
    /// Whose it is, with its serial number, as `door` reads it.
    pub(crate) fn subject(&self, door: &dyn ClientDoor) -> Option<&str> {
        let leaf = self.chain.first()?;
        Some(self.subject.get_or_init(|| door.subject(leaf)))
    }
}

/// What is known of a connection's other end.
#[derive(Debug, Clone)]
struct From {
    origin: Origin,
    /// The listener's port.
    at: Option<AtPort>,
    certificate: Option<Certificate>,
    /// Whoever came in by an older one must come again.
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
}

async fn connection<S>(stream: S, from: From, h2: bool, doors: Doors, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let traffic = Traffic::new();
    let watched = Arc::clone(&traffic);
    let origin = from.origin;
    let mut tls = from.tls.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(from.origin);
        if let Some(at) = from.at {
            request.extensions_mut().insert(at);
        }
        if let Some(certificate) = &from.certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        let turn = watched.begin();
        async move {
            let response = router.call(request).await?;
            turn.read();
            Ok::<_, std::convert::Infallible>(response.map(|body| Body::new(Watched { body, turn })))
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let mut builder = if h2 { builder.http2_only() } else { builder.http1_only() };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(doors.head).max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(32 << 10)
        // What a client may send before anybody wants it, and what may lie ready for one that does not read.
        .initial_stream_window_size(64 << 10)
        .initial_connection_window_size(256 << 10)
        .max_send_buf_size(64 << 10)
        .max_pending_accept_reset_streams(16)
        .max_local_error_reset_streams(64)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(15));
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    let mut looks = tokio::time::interval((doors.head / 8).max(Duration::from_millis(20)));
    let graceful = loop {
        tokio::select! {
            done = served.as_mut() => {
                if let Err(error) = done {
                    tracing::debug!("connection: {error}");
                }
                return;
            }
            () = stop.cancelled() => break true,
            () = changed(&mut tls) => break true,
            _ = looks.tick() => {
                if let Some(verdict) = traffic.judge(&doors, Instant::now()) {
                    tracing::debug!(?origin, ?verdict, "connection closed");
                    // One that reads nothing reads no farewell.
                    break verdict == Verdict::Idle;
                }
            }
        }
    };
    if graceful {
        served.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(DRAIN, served).await;
    }
}

/// When the listener's TLS is another; never where there is none.
async fn changed(tls: &mut Option<watch::Receiver<Arc<ServerConfig>>>) {
    if let Some(tls) = tls
        && tls.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}

/// The address to listen on: loopback until the server is claimed.
pub fn listen_address(configured: SocketAddr, claimed: bool) -> SocketAddr {
    if claimed || configured.ip().is_loopback() {
        return configured;
    }
    let loopback: std::net::IpAddr = if configured.is_ipv6() {
        std::net::Ipv6Addr::LOCALHOST.into()
    } else {
        std::net::Ipv4Addr::LOCALHOST.into()
    };
    SocketAddr::new(loopback, configured.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_it_is_claimed_a_server_is_for_its_own_machine() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        for (configured, unclaimed) in [
            ("0.0.0.0:8443", "127.0.0.1:8443"),
            ("192.0.2.7:443", "127.0.0.1:443"),
            ("127.0.0.9:8443", "127.0.0.9:8443"),
            ("[::]:8443", "[::1]:8443"),
            ("[2001:db8::7]:8443", "[::1]:8443"),
        ] {
            assert_eq!(listen_address(address(configured), false), address(unclaimed));
            assert_eq!(listen_address(address(configured), true), address(configured));
        }
    }

    #[test]
    fn a_source_holds_its_share_and_no_more() {
        let doors = Doors { per_source: 2, per_network: 3, failures: (1.0, 2.0), ..Doors::DEFAULT };
        let holders = Arc::new(Holders::new(&doors));
        let from = |last: u8| SocketAddr::from(([192, 0, 2, last], 7));
        let held: Vec<_> = (0..5).filter_map(|_| holders.enter(from(1))).collect();
        assert_eq!(held.len(), 2);
        let third = holders.enter(from(2)).unwrap();
        assert!(holders.enter(from(3)).is_none(), "the network has its share");
        drop(held);
        assert!(holders.enter(from(1)).is_some());
        third.failed();
        third.failed();
        assert!(holders.enter(from(2)).is_none(), "it failed too often just now");
        assert!(holders.enter(from(1)).is_some(), "its neighbour did not");
    }

    #[test]
    fn the_oldest_handshake_makes_place_for_the_newest() {
        let handshakes = Arc::new(Handshakes::default());
        let open: Vec<_> = (0..5).map(|_| handshakes.begin(3)).collect();
        let given_up: Vec<bool> = open.iter().map(|one| one.given_up.is_cancelled()).collect();
        assert_eq!(given_up, [true, true, false, false, false]);
        drop(open);
        assert!(handshakes.open.lock().1.is_empty());
    }

    #[test]
    fn a_connection_is_judged_by_what_it_asks_and_reads() {
        let doors = Doors::DEFAULT;
        let traffic = Traffic::new();
        let at = |seconds: u64| Instant::now() + Duration::from_secs(seconds);
        assert_eq!(traffic.judge(&doors, at(9)), None);
        assert_eq!(traffic.judge(&doors, at(11)), Some(Verdict::Silent));
        let turn = traffic.begin();
        assert_eq!(traffic.judge(&doors, at(1000)), None, "the handler has its own deadline");
        turn.read();
        assert_eq!(traffic.judge(&doors, at(70)), None);
        assert_eq!(traffic.judge(&doors, at(80)), Some(Verdict::Unread));
        drop(turn);
        assert_eq!(traffic.judge(&doors, at(50)), None);
        assert_eq!(traffic.judge(&doors, at(61)), Some(Verdict::Idle));
    }
}

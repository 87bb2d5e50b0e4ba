//! Names to addresses to connections, and what goes wrong on the way in plain words.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wk_domain::ResultReason;
use wk_domain::text::clean_line;

use crate::Context;
use crate::outcome::Fault;

/// Resolutions at once: each holds a thread of the pool while the C library asks, which no deadline of ours ends.
const RESOLVING_MAX: usize = 16;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 6;
/// Head start of an address over the next (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Asks for the addresses of a name, and may block for as long as it takes.
type Ask = fn(&str) -> io::Result<Vec<IpAddr>>;
/// What a name resolved to, once it has.
type Resolved = Arc<Result<Vec<IpAddr>, String>>;
type Pending = watch::Receiver<Option<Resolved>>;

/// The machine's resolver. Each name is asked for once at a time, however many probes want it and however many gave up
/// waiting: a name server that does not answer holds one thread for each of its names, and not one for each probe.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    asking: Arc<Semaphore>,
    pending: Arc<Mutex<HashMap<String, Pending>>>,
    ask: Ask,
}

impl Default for Names {
    fn default() -> Self {
        Self::with(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }
}

impl Names {
    fn with(ask: Ask) -> Self {
        Self { asking: Arc::new(Semaphore::new(RESOLVING_MAX)), pending: Arc::default(), ask }
    }

    /// The addresses of a name, or why there are none. May be dropped; the question under way then goes on for others.
    async fn addresses(&self, host: &str) -> Resolved {
        let mut pending = {
            let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            match all.get(host) {
                Some(pending) => pending.clone(),
                None => {
                    let (answer, pending) = watch::channel(None);
                    all.insert(host.to_owned(), pending.clone());
                    tokio::spawn(self.clone().resolve(host.to_owned(), answer));
                    pending
                }
            }
        };
        let answer = pending.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(|| Arc::new(Err("the agent is stopping".to_owned())))
    }

    async fn resolve(self, host: String, answer: watch::Sender<Option<Resolved>>) {
        let forget = |only_if_unwanted: bool| {
            let mut all = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            // The list itself is one of the receivers.
            let goes = !only_if_unwanted || answer.receiver_count() <= 1;
            if goes {
                all.remove(&host);
            }
            goes
        };
        let Ok(place) = Arc::clone(&self.asking).acquire_owned().await else { return };
        if forget(true) {
            return;
        }
        let (ask, asked) = (self.ask, host.clone());
        let found = tokio::task::spawn_blocking(move || {
            // Until the C library comes back, whoever still waits for it.
            let _place = place;
            ask(&asked)
        });
        let found = match found.await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err("the resolver broke off".to_owned()),
        };
        forget(false);
        answer.send_replace(Some(Arc::new(found)));
    }
}

/// A port number of an assignment.
pub(crate) fn port(raw: u32, default: u16) -> Result<u16, Fault> {
    match (raw, u16::try_from(raw)) {
        (0, _) if default != 0 => Ok(default),
        (1.., Ok(port)) => Ok(port),
        _ => Err(Fault::arguments(format!("{raw} is not a port"))),
    }
}

/// `10.0.0.5:443` or `[::1]:443` or `name:443`.
pub(crate) fn shown(host: &str, port: u16) -> String {
    match bare(host).parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, port).to_string(),
        Err(_) => format!("{}:{port}", clean_line(host, 253)),
    }
}

/// A host without the brackets of an IPv6 address in a URL.
pub(crate) fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

/// Addresses of a host, families in turn, IPv6 first as the system prefers it.
pub(crate) async fn resolve(context: &Context<'_>, host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let host = bare(host);
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if host.is_empty()
        || host.len() > 253
        || !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
    {
        return Err(Fault::arguments(format!("{:?} is not a host name or address", clean_line(host, 100))));
    }
    context.stage(format!("resolving {host}"));
    let unresolved = |why: String| {
        Fault::unknown(
            format!("the name {host} does not resolve{why}"),
            ResultReason::NoData("resolve".into()),
        )
    };
    let found = context.names.addresses(host).await;
    let found = found.as_ref().as_ref().map_err(|e| unresolved(format!(": {e}")))?;
    let found = found.iter().map(|ip| SocketAddr::new(*ip, port));
    let (six, four): (Vec<_>, Vec<_>) = found.partition(SocketAddr::is_ipv6);
    let (mut six, mut four) = (six.into_iter(), four.into_iter());
    let mut ordered = Vec::new();
    loop {
        let pair = [six.next(), four.next()];
        if pair.iter().all(Option::is_none) || ordered.len() >= ADDRESSES_MAX {
            break;
        }
        ordered.extend(pair.into_iter().flatten());
    }
    if ordered.is_empty() { Err(unresolved(String::new())) } else { Ok(ordered) }
}

/// Connects to the first address that answers. The next one is tried after a head start, or at once when one fails.
pub(crate) async fn connect(
    context: &Context<'_>,
    host: &str,
    port: u16,
) -> Result<(TcpStream, SocketAddr), Fault> {
    let addresses = resolve(context, host, port).await?;
    if let [address] = addresses[..] {
        // Most targets are given by address, and there is nothing to race.
        context.stage_at("connecting to", address);
        let stream = TcpStream::connect(address).await.map_err(|e| failed(&e, &address.to_string()))?;
        return Ok((stream, address));
    }
    context.stage(format!("connecting to {}", shown(host, port)));
    let mut left = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut first_failure = None;
    let mut next_at = Instant::now();
    loop {
        let more = left.len() > 0;
        tokio::select! {
            () = tokio::time::sleep_until(next_at), if more => {
                if let Some(address) = left.next() {
                    attempts.spawn(async move { (address, TcpStream::connect(address).await) });
                }
                next_at = Instant::now() + HEAD_START;
            }
            Some(done) = attempts.join_next(), if !attempts.is_empty() => match done {
                Ok((address, Ok(stream))) => return Ok((stream, address)),
                Ok((address, Err(error))) => {
                    first_failure.get_or_insert((address, error));
                    next_at = Instant::now();
                }
                Err(_) => next_at = Instant::now(),
            },
            else => break,
        }
    }
    Err(match first_failure {
        Some((address, error)) => failed(&error, &address.to_string()),
        None => Fault::unknown("no connection was tried", ResultReason::NoData("connect".into())),
    })
}

/// An error of a socket, in words that name the other side.
pub(crate) fn failed(error: &io::Error, peer: &str) -> Fault {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Fault::critical(format!("connection refused by {peer}")),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => {
            Fault::critical(format!("connection closed by {peer}"))
        }
        Kind::UnexpectedEof => Fault::critical(format!("{peer} closed the connection too early")),
        Kind::TimedOut => Fault::critical(format!("no answer from {peer}")),
        Kind::HostUnreachable => Fault::critical(format!("no route to {peer}")),
        Kind::NetworkUnreachable | Kind::AddrNotAvailable => Fault::unknown(
            format!("this machine has no network towards {peer}"),
            ResultReason::NoData("route".into()),
        ),
        _ => match error.raw_os_error() {
            // Too many open files: this machine's trouble, not the target's.
            Some(23 | 24) => Fault::unknown(
                "this machine has too many files open; raise LimitNOFILE of the agent",
                ResultReason::NoData("EMFILE".into()),
            ),
            _ => Fault::critical(format!("talking to {peer} failed: {error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static BUSY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    static ASKED: AtomicUsize = AtomicUsize::new(0);

    /// Blocks, as the C library does when a name server is silent.
    fn slow(host: &str) -> io::Result<Vec<IpAddr>> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        MOST.fetch_max(BUSY.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        BUSY.fetch_sub(1, Ordering::SeqCst);
        match host {
            "gone.test" => Err(io::Error::other("no such name")),
            _ => Ok(vec![IpAddr::from([192, 0, 2, 1])]),
        }
    }

    #[tokio::test]
    async fn probes_that_gave_up_hold_no_thread_each() {
        let names = Names::with(slow);
        // A hundred probes of three names come and give up, as they do at each round while a name server is silent.
        for round in 0..100 {
            let host = ["a.test", "b.test", "c.test"][round % 3];
            let _gave_up = tokio::time::timeout(Duration::from_millis(2), names.addresses(host)).await;
        }
        assert!(MOST.load(Ordering::SeqCst) <= 3, "{} threads", MOST.load(Ordering::SeqCst));
        // Those who wait get the answer of the question that is under way, and an error each their own.
        let before = ASKED.load(Ordering::SeqCst);
        let together = [names.addresses("d.test"), names.addresses("d.test"), names.addresses("gone.test")];
        let [a, b, gone] = futures_of(together).await;
        assert_eq!((a.is_ok(), b.is_ok(), gone.is_err()), (true, true, true));
        assert_eq!(ASKED.load(Ordering::SeqCst) - before, 2);
        // However many names: no more threads than places.
        let many: Vec<_> = (0..60).map(|n| format!("n{n}.test")).collect();
        for host in &many {
            let _gave_up = tokio::time::timeout(Duration::from_millis(1), names.addresses(host)).await;
        }
        assert!(MOST.load(Ordering::SeqCst) <= RESOLVING_MAX, "{} threads", MOST.load(Ordering::SeqCst));
        assert_eq!(names.addresses("n59.test").await.as_ref().as_ref().unwrap().len(), 1);
    }

    async fn futures_of<F: Future<Output = Resolved>>(all: [F; 3]) -> [Resolved; 3] {
        let [a, b, c] = all;
        let (a, b, c) = tokio::join!(a, b, c);
        [a, b, c]
    }
}

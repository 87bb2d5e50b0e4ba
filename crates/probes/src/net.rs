//! Names to addresses to connections, and what goes wrong on the way in plain words.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wk_domain::ResultReason;
use wk_domain::text::clean_line;

use crate::Context;
use crate::outcome::Fault;

/// Resolutions at once: each holds a thread of the pool while the C library asks.
const RESOLVING_MAX: usize = 8;
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 6;
/// Head start of an address over the next (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// The machine's resolver, with a bound on how many ask at once.
#[derive(Debug)]
pub(crate) struct Names {
    asking: Semaphore,
}

impl Default for Names {
    fn default() -> Self {
        Self { asking: Semaphore::new(RESOLVING_MAX) }
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
    let _turn = context.names.asking.acquire().await.map_err(|_| unresolved(String::new()))?;
    let found = tokio::net::lookup_host((host, port)).await.map_err(|e| unresolved(format!(": {e}")))?;
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

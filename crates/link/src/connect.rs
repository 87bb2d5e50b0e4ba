//! From a server's name to a TLS stream: resolving, racing IPv6 and IPv4, proxies.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wk_pki::ServerAddr;
use wk_seal::SecretString;

/// Head start of one address before the next is tried beside it (RFC 8305 section 8).
const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;
/// Bytes of a proxy's answer.
const PROXY_ANSWER_MAX: usize = 8 << 10;

/// An HTTP proxy that lets CONNECT through.
#[derive(Clone)]
pub struct Proxy {
    pub server: ServerAddr,
    /// Value of `Proxy-Authorization`, such as `Basic dXNlcjpwYXNz`.
    pub authorization: Option<SecretString>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("cannot find the address of {host}")]
    Resolve {
        host: String,
        #[source]
        source: io::Error,
    },
    #[error("{host} has no address")]
    NoAddress { host: String },
    #[error("cannot connect to {to}")]
    Tcp {
        to: String,
        #[source]
        source: io::Error,
    },
    #[error("{to} did not answer within {seconds} s")]
    Late { to: String, seconds: u64 },
    #[error("the proxy {proxy} did not let through: {answer}")]
    Proxy { proxy: String, answer: String },
    #[error("no TLS with {to}")]
    Tls {
        to: String,
        #[source]
        source: io::Error,
    },
    #[error("`{host}` cannot be verified: it is neither a DNS name nor an address")]
    Name { host: String },
}

impl ConnectError {
    /// The TLS alert with which the server refused, if it did.
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        let Self::Tls { source, .. } = self else { return None };
        alert(source)
    }
}

/// The TLS alert in an error.
pub(crate) fn alert(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// A TLS stream to `server`, whose certificate `config` has verified. `limit`: for reaching it, and again for TLS.
pub(crate) async fn tls(
    server: &ServerAddr,
    proxy: Option<&Proxy>,
    config: Arc<ClientConfig>,
    limit: Duration,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let to = server.to_string();
    let late = |_| ConnectError::Late { to: to.clone(), seconds: limit.as_secs() };
    let host = server.host().to_owned();
    let name = ServerName::try_from(host.clone()).map_err(|_| ConnectError::Name { host })?;
    let stream = timeout(limit, reach(server, proxy)).await.map_err(late)??;
    let _ = stream.set_nodelay(true);
    let handshake = Box::pin(TlsConnector::from(config).connect(name, stream));
    timeout(limit, handshake)
        .await
        .map_err(late)?
        .map_err(|source| ConnectError::Tls { to: to.clone(), source })
}

async fn reach(server: &ServerAddr, proxy: Option<&Proxy>) -> Result<TcpStream, ConnectError> {
    match proxy {
        None => tcp(server.host(), server.port()).await,
        Some(proxy) => {
            let mut stream = tcp(proxy.server.host(), proxy.server.port()).await?;
            let refused = |answer: String| ConnectError::Proxy { proxy: proxy.server.to_string(), answer };
            ask_proxy(&mut stream, server, proxy).await.map_err(|error| refused(error.to_string()))?;
            Ok(stream)
        }
    }
}

async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let found = lookup_host((host, port))
        .await
        .map_err(|source| ConnectError::Resolve { host: host.to_owned(), source })?;
    race(host, order(found.collect())).await
}

/// IPv6 and IPv4 in turn, IPv6 first, each as the resolver ordered them.
fn order(found: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let (mut six, mut four): (VecDeque<_>, VecDeque<_>) = found.into_iter().partition(SocketAddr::is_ipv6);
    let mut ordered = VecDeque::new();
    while !(six.is_empty() && four.is_empty()) {
        ordered.extend(six.pop_front());
        ordered.extend(four.pop_front());
    }
    ordered.truncate(ADDRESSES_MAX);
    ordered
}

/// The first connection that stands. Each address has a head start over the next; a failure starts the next at once.
async fn race(host: &str, mut addresses: VecDeque<SocketAddr>) -> Result<TcpStream, ConnectError> {
    let mut tries = JoinSet::new();
    let mut last = ConnectError::NoAddress { host: host.to_owned() };
    loop {
        if let Some(address) = addresses.pop_front() {
            tries.spawn(async move { (address, TcpStream::connect(address).await) });
        } else if tries.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(tried) = tries.join_next() => match tried {
                Ok((_, Ok(stream))) => return Ok(stream),
                Ok((address, Err(source))) => last = ConnectError::Tcp { to: address.to_string(), source },
                Err(_) => {}
            },
            () = sleep(HEAD_START), if !addresses.is_empty() => {}
        }
    }
}

async fn ask_proxy(stream: &mut TcpStream, server: &ServerAddr, proxy: &Proxy) -> io::Result<()> {
    let mut request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n");
    if let Some(authorization) = &proxy.authorization {
        let value = authorization.expose();
        if value.contains(['\r', '\n']) {
            return Err(io::Error::other("its authorization holds a line break"));
        }
        request.push_str("Proxy-Authorization: ");
        request.push_str(value);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut chunk = [0; 512];
    loop {
        let room = chunk.len().min(PROXY_ANSWER_MAX - answer.len());
        if room == 0 {
            return Err(io::Error::other("its answer does not end"));
        }
        let read = stream.read(&mut chunk[..room]).await?;
        if read == 0 {
            return Err(io::Error::other("it closed the connection"));
        }
        answer.extend_from_slice(&chunk[..read]);
        match judge(&answer) {
            Answer::More => {}
            Answer::Through => return Ok(()),
            Answer::Refused(why) => return Err(io::Error::other(why)),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    More,
    Through,
    Refused(String),
}

/// Reads a proxy's answer so far. Total on any bytes.
fn judge(answer: &[u8]) -> Answer {
    const END: &[u8] = b"\r\n\r\n";
    let Some(end) = answer.windows(END.len()).position(|window| window == END) else { return Answer::More };
    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().unwrap_or_default();
    if !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Answer::Refused("it does not speak HTTP/1".to_owned());
    }
    if !(status.len() == 3 && status.starts_with(b"2") && status.iter().all(u8::is_ascii_digit)) {
        return Answer::Refused(wk_domain::text::clean_line(line, 100));
    }
    // The server speaks only after our hello: anything here is the proxy's own invention.
    if answer.len() > end + END.len() {
        return Answer::Refused("it sent more than an answer".to_owned());
    }
    Answer::Through
}

/// Whether a proxy that answers just this has let a connection through: for fuzzing.
#[doc(hidden)]
pub fn proxy_lets_through(answer: &[u8]) -> bool {
    judge(answer) == Answer::Through
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_comes_first_and_both_take_turns() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found =
            parse(&["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "[2001:db8::1]:1", "[2001:db8::2]:1"]);
        let expected =
            parse(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "192.0.2.2:1", "192.0.2.3:1"]);
        assert_eq!(order(found), expected);
    }

    #[test]
    fn only_a_bare_2xx_lets_through() {
        assert_eq!(judge(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"), Answer::Through);
        assert_eq!(judge(b"HTTP/1.0 200\r\n\r\n"), Answer::Through);
        assert_eq!(judge(b"HTTP/1.1 200 OK\r\nVia"), Answer::More);
        for bad in [
            &b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\nextra",
            b"HTTP/2 200\r\n\r\n",
            b"SSH-2.0-x\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"\r\n\r\n",
            b"HTTP/1.1\r\n\r\n",
        ] {
            assert!(matches!(judge(bad), Answer::Refused(_)), "{}", String::from_utf8_lossy(bad));
        }
        assert_eq!(judge(b"HTTP/1.1 403 no\x1b[31m\r\n\r\n"), Answer::Refused("HTTP/1.1 403 no".into()));
    }

    #[tokio::test]
    async fn a_dead_ipv6_address_does_not_hold_up_ipv4() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        // Nothing listens there.
        let dead: SocketAddr = format!("[::1]:{}", good.port()).parse().unwrap();
        let stream = race("test", VecDeque::from([dead, good])).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
    }

    #[tokio::test]
    async fn no_address_and_no_listener_are_told_apart() {
        assert!(matches!(race("x", VecDeque::new()).await, Err(ConnectError::NoAddress { .. })));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = listener.local_addr().unwrap();
        drop(listener);
        assert!(matches!(race("x", VecDeque::from([gone])).await, Err(ConnectError::Tcp { .. })));
    }
}

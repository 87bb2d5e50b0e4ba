//! A connection to a directory: TLS before anything is said, one question at a time, every answer bounded.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;
use wk_egress::Egress;
use wk_seal::SecretString;
use zeroize::Zeroizing;

use super::config::Security;
use super::proto::{self, Message, Outcome, PolicyWord, RawEntry, Said, Search};
use super::{ber, codes};
use crate::server::Server;
use crate::tls::{self, Tls};
use crate::trace::Trace;

/// Longest message: an entry with some thousand values. Only few attributes are ever asked for.
const MESSAGE_MAX: usize = 1 << 20;
/// Longest answer to StartTLS, which comes in clear.
const CLEAR_MAX: usize = 4_096;
/// Bytes of all answers over one connection.
const BYTES_MAX: usize = 16 << 20;
/// Messages of one search beside its entries.
const OTHERS_MAX: usize = 200;
/// Addresses of other servers that one search may name.
const REFERENCES_MAX: usize = 32;
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// The connection is of no further use, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) String);

/// What is needed to reach a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) tls: &'a Tls,
    /// Of the whole sign-in.
    pub(crate) deadline: Instant,
}

#[derive(Debug)]
pub(crate) struct Conn {
    stream: TlsStream<TcpStream>,
    next_id: i32,
    bytes_left: usize,
    deadline: Instant,
}

/// How a bind ended, and what the server's password policy adds.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) outcome: Outcome,
    pub(crate) policy: Option<PolicyWord>,
}

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) entries: Vec<RawEntry>,
    pub(crate) references: Vec<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) cookie: Vec<u8>,
}

/// The bytes of one message. Nothing after it is read.
async fn frame(stream: &mut (impl AsyncRead + Unpin), most: usize) -> Result<Vec<u8>, String> {
    let gone = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
        _ => format!("the connection broke: {error}"),
    };
    let mut bytes = vec![0; 2];
    stream.read_exact(&mut bytes).await.map_err(gone)?;
    loop {
        let header = ber::header(&bytes).map_err(|error| format!("this is not LDAP: {error}"))?;
        let Some((tag, head, content)) = header else {
            bytes.push(stream.read_u8().await.map_err(gone)?);
            continue;
        };
        if tag != ber::SEQUENCE {
            return Err("this is not LDAP: no message begins like that".to_owned());
        }
        if content > most {
            return Err(format!("the server sends a message of {content} bytes; {most} are the most"));
        }
        // Memory grows with what has come, not with what was announced.
        let whole = head + content;
        while bytes.len() < whole {
            let start = bytes.len();
            bytes.resize(whole.min(start + 16_384), 0);
            stream.read_exact(&mut bytes[start..]).await.map_err(gone)?;
        }
        return Ok(bytes);
    }
}

async fn within<T>(
    deadline: Instant,
    what: &str,
    task: impl Future<Output = Result<T, String>>,
) -> Result<T, Broken> {
    match timeout_at(deadline.min(Instant::now() + ANSWER), task).await {
        Ok(done) => done.map_err(Broken),
        Err(_) => Err(Broken(format!("no answer in time to {what}"))),
    }
}

/// Asks for TLS on a connection in clear. Nothing else is ever said there, and nothing but the one answer is read.
async fn start_tls(stream: &mut TcpStream) -> Result<(), String> {
    stream.write_all(&proto::start_tls(1)).await.map_err(|error| error.to_string())?;
    let answer = frame(stream, CLEAR_MAX).await?;
    let answer = proto::message(&answer).map_err(|error| format!("its answer is not LDAP: {error}"))?;
    match answer {
        Message { id: 1, said: Said::Extended(outcome, name), .. }
            if name.as_deref().is_none_or(|name| name == proto::START_TLS) =>
        {
            if outcome.code != 0 {
                return Err(format!("the server offers no StartTLS: {}", codes::text(&outcome)));
            }
        }
        _ => return Err("the server answers something else than was asked".to_owned()),
    }
    // What came together with the answer was said by whoever sits between us, to be taken for part of the TLS session.
    match stream.try_read(&mut [0; 1]) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Ok(0) => Err("the server closed the connection".to_owned()),
        Ok(_) => {
            Err("somebody put words behind the answer to StartTLS, in clear; the connection is not used"
                .to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

impl Conn {
    /// Connects and shakes hands.
    pub(crate) async fn open(
        way: Way<'_>,
        server: &Server,
        security: Security,
        trace: &mut Trace,
    ) -> Result<Self, Broken> {
        let title = format!("Connect to {server}");
        let opened = Self::shake(way, server, security).await;
        match opened {
            Ok(stream) => {
                let how = match security {
                    Security::Ldaps => "LDAPS",
                    Security::Starttls => "StartTLS",
                };
                trace.ok(&title, format!("{how}, {}", tls::seen(&stream)));
                Ok(Self { stream, next_id: 2, bytes_left: BYTES_MAX, deadline: way.deadline })
            }
            Err(broken) => {
                trace.failed(&title, &broken.0);
                Err(broken)
            }
        }
    }

    async fn shake(
        way: Way<'_>,
        server: &Server,
        security: Security,
    ) -> Result<TlsStream<TcpStream>, Broken> {
        let name = server.server_name().map_err(Broken)?;
        let mut stream =
            within(way.deadline, "connecting", async { server.connect(way.egress).await }).await?;
        if security == Security::Starttls {
            within(way.deadline, "StartTLS", start_tls(&mut stream)).await?;
        }
        within(way.deadline, "the TLS handshake", way.tls.connect(stream, name)).await
    }

    fn take_id(&mut self) -> i32 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    async fn send(&mut self, bytes: Zeroizing<Vec<u8>>) -> Result<(), Broken> {
        within(self.deadline, "what was sent", async {
            self.stream.write_all(&bytes).await.map_err(|error| format!("the connection broke: {error}"))?;
            self.stream.flush().await.map_err(|error| format!("the connection broke: {error}"))
        })
        .await
    }

    async fn receive(&mut self, id: i32, what: &str) -> Result<Message, Broken> {
        let most = MESSAGE_MAX.min(self.bytes_left);
        let bytes = within(self.deadline, what, frame(&mut self.stream, most)).await?;
        self.bytes_left -= bytes.len().min(self.bytes_left);
        let message = proto::message(&bytes)
            .map_err(|error| Broken(format!("the answer to {what} is damaged: {error}")))?;
        if message.id == 0 {
            let why = match message.said {
                Said::Extended(outcome, _) => codes::text(&outcome),
                _ => "without a reason".to_owned(),
            };
            return Err(Broken(format!("the server ends the connection: {why}")));
        }
        if message.id != id {
            return Err(Broken("the server answers a question that was not asked".to_owned()));
        }
        Ok(message)
    }

    /// Says who we are. `dn` and `password` must not be empty: servers answer that with success for anybody (RFC 4513,
    /// 5.1.2).
    pub(crate) async fn bind(&mut self, dn: &str, password: &SecretString) -> Result<Bound, Broken> {
        if dn.trim().is_empty() || password.expose().is_empty() {
            return Err(Broken("a bind without name or password proves nothing".to_owned()));
        }
        let id = self.take_id();
        self.send(proto::bind(id, dn, password.expose())).await?;
        match self.receive(id, "the bind").await? {
            Message { said: Said::Bind(outcome), policy, .. } => Ok(Bound { outcome, policy }),
            _ => Err(Broken("the server answers the bind with something else".to_owned())),
        }
    }

    /// One search, or one page of it. More than `most` entries are an error.
    pub(crate) async fn search(&mut self, search: &Search<'_>, most: usize) -> Result<Found, Broken> {
        let id = self.take_id();
        self.send(proto::search(id, search)).await?;
        let mut found = Found::default();
        let mut others = 0;
        loop {
            let message = self.receive(id, "the search").await?;
            match message.said {
                Said::Entry(entry) if found.entries.len() < most => found.entries.push(entry),
                Said::Entry(_) => {
                    return Err(Broken(format!("the server sends more than the {most} entries asked for")));
                }
                Said::Done(outcome) => {
                    found.outcome = Some(outcome);
                    found.cookie = message.cookie.unwrap_or_default();
                    return Ok(found);
                }
                Said::Reference(addresses) if found.references.len() < REFERENCES_MAX => {
                    found.references.extend(addresses.into_iter().take(1));
                }
                Said::Reference(_) | Said::Other if others < OTHERS_MAX => others += 1,
                _ => return Err(Broken("the server answers the search with something else".to_owned())),
            }
        }
    }

    /// Says good-bye, if that works at once.
    pub(crate) async fn close(mut self) {
        let id = self.take_id();
        if self.send(proto::unbind(id)).await.is_ok() {
            let _ = within(self.deadline, "closing", async {
                self.stream.shutdown().await.map_err(|error| error.to_string())
            })
            .await;
        }
    }
}

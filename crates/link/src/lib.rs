//! The agent's side of the link: it enrols, connects, sends what the spool holds, and receives what to run.
//!
//! The agent always dials; it opens no port. [`Link::run`] keeps one link open for as long as the agent runs: it finds
//! the server (several addresses, IPv6 before IPv4, through an HTTP CONNECT proxy if there is one), shows the agent's
//! certificate, says where its spool is, and from then on sends batches as far as the server's window allows. What the
//! server has committed is forgotten here. When the link breaks it comes back after a random while, so that ten thousand
//! agents do not come back at once.
//!
//! What arrives reaches the agent program through [`Handlers`]: the checks to run, whole, and requests to run one now.
//! What is allowed to run is not decided here.

mod backoff;
mod connect;
mod enrol;
mod outbox;
mod session;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::AlertDescription;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use wk_domain::{AgentId, Timestamp};
use wk_pki::{AgentIdentity, AgentStore, PkiError, ServerAddr, client_config_link};
use wk_wire::{AllowedPlugin, Assignments};

#[doc(hidden)]
pub use connect::proxy_lets_through;
pub use connect::{ConnectError, Proxy};
pub use enrol::{EnrolError, enrol};
pub use outbox::Outbox;
pub use wk_pki::EnrolToken;

use crate::backoff::{Backoff, random_below};
use crate::session::{End, Session};

/// What the agent says of itself. Shown to people; the server does not rely on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Version of the agent program.
    pub version: String,
    /// Kernel host name.
    pub hostname: String,
    /// Operating system and version.
    pub os: String,
    /// Digest of machine id and boot id, at most 64 bytes.
    pub machine_digest: Vec<u8>,
    /// The agent's own policy file refuses assignments.
    pub remote_off: bool,
    /// Plugins that the agent's own policy file allows.
    pub plugins: Vec<AllowedPlugin>,
}

/// Where to connect, and how patiently.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Servers in the order to try.
    pub servers: Vec<ServerAddr>,
    pub proxy: Option<Proxy>,
    pub facts: Facts,
    pub timing: Timing,
}

/// Times that tests shorten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// For finding and reaching a server, and again for its handshake.
    pub connect: Duration,
    /// First try after a link broke: at a random instant within this. Doubled at each failure.
    pub retry_first: Duration,
    /// The longest such span.
    pub retry_max: Duration,
    /// Tries after the server said that this agent is revoked, or its certificate has ended.
    pub retry_unwelcome: Duration,
}

impl Default for Timing {
    /// 10 s, 10 s, 25 s, one hour. However long a server was away, all its agents are back half a minute after it.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            retry_first: Duration::from_secs(10),
            retry_max: Duration::from_secs(25),
            retry_unwelcome: Duration::from_secs(3600),
        }
    }
}

/// How the agent stands with its server, as the server said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// It did not say yet.
    #[default]
    Unknown,
    Active,
    /// Somebody else has this agent's key: nothing is accepted until a person decides.
    Quarantined,
    Revoked,
    /// The certificate ended, too long ago to be renewed: enrol again.
    Expired,
}

/// The link as people ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkState {
    pub agent: Option<AgentId>,
    pub connected: bool,
    /// `host:port` of the server connected to last.
    pub server: String,
    pub standing: Standing,
    /// When the certificate ends.
    pub certificate_ends: Timestamp,
    /// How far this machine's clock is ahead of the server's, in milliseconds, as of the last hello.
    pub clock_ahead_ms: i64,
    /// Links opened since the start.
    pub links: u64,
    /// Why the last link, or the last try, ended.
    pub last_error: String,
}

/// Where what arrives goes.
#[derive(Debug)]
pub struct Handlers {
    /// The newest whole list of checks. Lists in between may be skipped.
    pub assignments: watch::Sender<Arc<Assignments>>,
    /// Ids of checks to run now. Requests are dropped while it is full.
    pub run_now: mpsc::Sender<String>,
    pub state: watch::Sender<LinkState>,
}

/// Why the link cannot run at all.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    #[error(
        "this machine is not enrolled: paste the line that `watchkeep agent token` prints into `watchkeep-agent enrol`"
    )]
    NotEnrolled,
    #[error("there is no server to connect to")]
    NoServers,
    #[error("cannot read this agent's identity")]
    Identity(#[source] wk_pki::StoreError),
    #[error("cannot set up TLS with this agent's identity")]
    Tls(#[source] PkiError),
    #[error("a helper thread ended")]
    Thread,
}

/// The agent's link.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    store: Arc<AgentStore>,
    outbox: Outbox,
    handlers: Handlers,
}

impl Link {
    /// A link that shows the identity in `store` and sends what is in `outbox`.
    pub fn new(config: LinkConfig, store: Arc<AgentStore>, outbox: Outbox, handlers: Handlers) -> Self {
        Self { config, store, outbox, handlers }
    }

    /// Keeps a link open until `shutdown`. May be dropped at any point: all that matters is on the disk.
    ///
    /// # Errors
    /// [`LinkError`] when there is no identity or no server; nothing else ends it.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), LinkError> {
        if self.config.servers.is_empty() {
            return Err(LinkError::NoServers);
        }
        let mut identity = self.load().await?;
        let mut backoff = Backoff::new(self.config.timing);
        let mut refused_in_a_row = 0;
        let mut server = 0;
        loop {
            self.update(|state| {
                state.agent = Some(identity.agent_id());
                state.certificate_ends = identity.not_after();
            });
            let address = self.config.servers[server % self.config.servers.len()].clone();
            let outcome = tokio::select! {
                outcome = self.one_link(&identity, &address) => outcome,
                () = shutdown.cancelled() => {
                    self.update(|state| state.connected = false);
                    return Ok(());
                }
            };
            self.note(&identity, &outcome);
            if let Some(trusting) = outcome.trusting {
                identity = *trusting;
            }
            let wait = match &outcome.end {
                End::Renewed(next) => {
                    identity = AgentIdentity::clone(next);
                    Duration::ZERO
                }
                End::NewEpoch => Duration::ZERO,
                End::Revoked | End::Expired => {
                    let half = self.config.timing.retry_unwelcome / 2;
                    half + random_below(half)
                }
                End::Quarantined => random_below(self.config.timing.retry_max),
                End::Lost(_) | End::Goodbye(_) => {
                    if !outcome.opened {
                        server += 1;
                    }
                    backoff.next(outcome.lived)
                }
            };
            refused_in_a_row = match &outcome.end {
                End::Goodbye(word) if word == "protocol" && !outcome.progress => refused_in_a_row + 1,
                End::Goodbye(_) | End::Lost(_) if !outcome.progress => refused_in_a_row,
                _ => 0,
            };
            if refused_in_a_row >= 3 {
                refused_in_a_row = 0;
                tracing::error!("the server refuses the next batch again and again: it is given up");
                if let Err(error) = self.outbox.with(|spool| spool.skip_one()).await {
                    tracing::warn!("the batch could not be given up: {error}");
                }
            }
            tokio::select! {
                () = sleep(wait) => {}
                () = shutdown.cancelled() => return Ok(()),
            }
        }
    }

    async fn load(&self) -> Result<AgentIdentity, LinkError> {
        let store = Arc::clone(&self.store);
        let loaded =
            tokio::task::spawn_blocking(move || store.load()).await.map_err(|_| LinkError::Thread)?;
        loaded.map_err(LinkError::Identity)?.ok_or(LinkError::NotEnrolled)
    }

    async fn one_link(&self, identity: &AgentIdentity, address: &ServerAddr) -> Outcome {
        let lost = |error: String| Outcome { end: End::Lost(error), ..Outcome::default() };
        let tls = match client_config_link(identity) {
            Ok(tls) => tls,
            Err(error) => return lost(LinkError::Tls(error).to_string()),
        };
        let timing = self.config.timing;
        let stream = match connect::tls(address, self.config.proxy.as_ref(), tls, timing.connect).await {
            Ok(stream) => stream,
            Err(error) if error.alert() == Some(AlertDescription::CertificateRevoked) => {
                return Outcome { end: End::Revoked, ..Outcome::default() };
            }
            Err(error) => return lost(describe(&error)),
        };
        let began = Instant::now();
        let mut session =
            Session::new(stream, &self.config, &self.store, &self.outbox, &self.handlers, identity);
        let end = Box::pin(session.run(address)).await;
        Outcome {
            end,
            opened: session.opened,
            progress: session.progress,
            lived: began.elapsed(),
            trusting: session.trusting,
        }
    }

    fn note(&self, identity: &AgentIdentity, outcome: &Outcome) {
        let (standing, text) = match &outcome.end {
            End::Lost(error) => (None, error.clone()),
            End::Goodbye(word) => (None, format!("the server closed the link: {word}")),
            End::Renewed(_) => (None, String::new()),
            End::NewEpoch => (None, "the spool began a new epoch".to_owned()),
            End::Quarantined => (Some(Standing::Quarantined), "this agent is quarantined".to_owned()),
            End::Revoked => (Some(Standing::Revoked), "this agent is revoked".to_owned()),
            End::Expired => (Some(Standing::Expired), "the certificate has ended: enrol again".to_owned()),
        };
        if !text.is_empty() {
            tracing::info!(agent.id = %identity.agent_id(), "no link: {text}");
        }
        self.update(|state| {
            state.connected = false;
            state.last_error = text;
            if let Some(standing) = standing {
                state.standing = standing;
            }
        });
    }

    fn update(&self, change: impl FnOnce(&mut LinkState)) {
        self.handlers.state.send_modify(change);
    }
}

/// What came of one try.
#[derive(Debug)]
struct Outcome {
    end: End,
    /// The server said welcome.
    opened: bool,
    /// The server committed something new.
    progress: bool,
    lived: Duration,
    /// The identity with the roots that the server named meanwhile.
    trusting: Option<Box<AgentIdentity>>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            end: End::Lost(String::new()),
            opened: false,
            progress: false,
            lived: Duration::ZERO,
            trusting: None,
        }
    }
}

/// An error with its causes, in one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The wall clock.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

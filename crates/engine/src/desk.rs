//! The agents' desk: everything the hub asks of the engine, in cleaned domain types.
//!
//! The hub speaks TLS and frames and knows nothing of hosts or checks; the engine knows nothing of frames. Who an agent
//! is comes from [`Peer`], which the hub fills from the client certificate alone.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{broadcast, watch};
use wk_domain::spec::AssignmentSet;
use wk_domain::{AgentId, CheckId, CheckResult, HostId, Timestamp, TokenId};

use crate::ports::metrics::{SeriesKey, SeriesMeta};
use crate::ports::rows::{ExecutionRow, Standing};

/// Who is on the other end of a link, read from its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub agent: AgentId,
    /// Lower-case hex.
    pub serial: String,
    pub not_after: Timestamp,
    pub address: SocketAddr,
}

/// What an agent says of itself when a link opens: shown to people, never used to decide who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkHello {
    pub version: String,
    pub hostname: String,
    pub epoch: u64,
    pub agent_now: Timestamp,
    pub remote_off: bool,
    /// Name, lower-case hex SHA-256, parameter names.
    pub plugins: Vec<(String, String, Vec<String>)>,
    pub machine_digest: Vec<u8>,
}

/// How a link goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTerms {
    /// Number of this link, unique in the process: a newer link of the same agent supersedes it.
    pub link: u64,
    pub standing: Standing,
    pub committed_seq: u64,
}

/// A request to enrol.
#[derive(Debug, Clone)]
pub struct EnrolAttempt {
    pub token: TokenId,
    /// SHA-256 of the secret that was presented.
    pub secret_sha256: [u8; 32],
    pub csr_der: Vec<u8>,
    pub hostname: String,
    pub os: String,
    pub version: String,
    pub machine_digest: Vec<u8>,
    pub address: SocketAddr,
}

/// A certificate and what to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    pub agent: AgentId,
    /// Leaf first, DER.
    pub chain_der: Vec<Vec<u8>>,
    pub roots_der: Vec<Vec<u8>>,
}

/// No. Which of the reasons is in the audit log, never in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("enrolment refused")]
pub struct EnrolRefused;

/// Why a link or a renewal is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    #[error("revoked")]
    Revoked,
    #[error("quarantined")]
    Quarantined,
    /// The server cannot now (database gone, disk full): come back later.
    #[error("try later")]
    TryLater,
}

/// The series of a dictionary, packed into one allocation: a server holds one for each of its links all day, and reads
/// the names of each once. Unpacked they would take six times as much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeriesNames {
    packed: Vec<u8>,
    count: usize,
}

impl SeriesNames {
    /// Adds a series; its host is not kept. Texts are cut at 65 535 bytes, far above what their types allow.
    pub fn push(&mut self, meta: &SeriesMeta) {
        let labels = meta.key.labels.len().min(usize::from(u8::MAX));
        self.packed.push(u8::from(meta.counter));
        self.packed.push(u8::try_from(labels).unwrap_or(u8::MAX));
        self.text(&meta.key.name);
        self.text(&meta.unit);
        for (name, value) in meta.key.labels.iter().take(labels) {
            self.text(name);
            self.text(value);
        }
        self.count += 1;
    }

    fn text(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.packed.extend_from_slice(&length.to_le_bytes());
        self.packed.extend_from_slice(text.as_bytes().get(..usize::from(length)).unwrap_or_default());
    }

    pub const fn len(&self) -> usize {
        self.count
    }

    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Gives back room for series that did not come.
    pub fn shrink_to_fit(&mut self) {
        self.packed.shrink_to_fit();
    }

    /// The series in their order, as those of `host`.
    pub fn of(&self, host: HostId) -> impl Iterator<Item = SeriesMeta> + '_ {
        let mut rest = self.packed.as_slice();
        std::iter::from_fn(move || unpack(&mut rest, host))
    }
}

fn unpack(rest: &mut &[u8], host: HostId) -> Option<SeriesMeta> {
    fn text(rest: &mut &[u8]) -> Option<String> {
        let (length, tail) = rest.split_first_chunk::<2>()?;
        let (text, tail) = tail.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        *rest = tail;
        Some(String::from_utf8_lossy(text).into_owned())
    }
    let ([counter, labels], tail) = rest.split_first_chunk::<2>()?;
    *rest = tail;
    let (name, unit) = (text(rest)?, text(rest)?);
    let labels = (0..*labels).map(|_| Some((text(rest)?, text(rest)?))).collect::<Option<Vec<_>>>()?;
    Some(SeriesMeta { key: SeriesKey { host, name, labels }, unit, counter: *counter != 0 })
}

impl FromIterator<SeriesMeta> for SeriesNames {
    fn from_iter<I: IntoIterator<Item = SeriesMeta>>(metas: I) -> Self {
        let mut names = Self::default();
        metas.into_iter().for_each(|meta| names.push(&meta));
        names.shrink_to_fit();
        names
    }
}

/// One batch, cleaned and bounded by the hub.
#[derive(Debug, Clone, Default)]
pub struct Observations {
    pub epoch: u64,
    pub seq: u64,
    /// The series of the batch's dictionary that the samples refer to by index; shared between batches of a link. They
    /// name no host: the engine knows whose they are.
    pub series: Arc<SeriesNames>,
    /// Series index, time (ms), value.
    pub samples: Vec<(u32, i64, f64)>,
    pub results: Vec<(CheckId, CheckResult)>,
    pub inventory: Vec<ObservedInventory>,
    pub executions: Vec<ExecutionRow>,
    pub notes: Vec<ObservedNote>,
}

/// An inventory change as observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedInventory {
    pub section: String,
    pub full: bool,
    /// Key and fields.
    pub items: Vec<(String, Vec<(String, String)>)>,
    pub removed: Vec<String>,
    pub at: Timestamp,
}

/// Something an agent wants known about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedNote {
    pub at: Timestamp,
    pub kind: String,
    pub text: String,
    pub count: u64,
}

/// Why a batch was not committed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// Not the next sequence number: `expected` is. (A number at or below the committed one is not an error: it is
    /// acknowledged again without effect.)
    #[error("expected batch {expected}")]
    OutOfOrder { expected: u64 },
    /// The agent may send nothing now.
    #[error("{0}")]
    Refused(LinkRefused),
    /// Not committed; the agent keeps the batch and tries again.
    #[error("the server cannot store now")]
    TryLater,
}

/// What the engine wants done on open links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkOrder {
    /// Run an assigned check now.
    RunNow { agent: AgentId, check: CheckId },
    /// Close the agent's links within a second. `reason` is a word of the goodbye frame.
    Close { agent: AgentId, reason: &'static str },
    /// Close this link: a newer one took over.
    Superseded { agent: AgentId, link: u64 },
}

/// Everything the hub asks of the engine.
#[async_trait]
pub trait AgentDesk: Send + Sync + Debug {
    /// Enrols, or refuses without saying why.
    async fn enrol(&self, attempt: EnrolAttempt) -> Result<Granted, EnrolRefused>;
    /// Opens a link; an older link of the same agent is superseded.
    async fn open_link(&self, peer: &Peer, hello: LinkHello) -> Result<LinkTerms, LinkRefused>;
    /// A link is gone.
    async fn close_link(&self, agent: AgentId, link: u64);
    /// Something was heard on the link.
    fn heard(&self, agent: AgentId, link: u64);
    /// The agent's clock is `ahead_ms` milliseconds ahead of ours (negative: behind), as measured on the open link.
    fn clock(&self, _agent: AgentId, _link: u64, _ahead_ms: i64) {}
    /// Commits a batch; returns when it is durable.
    async fn ingest(&self, peer: &Peer, link: u64, batch: Observations) -> Result<(), IngestError>;
    /// The next certificate for the key in the request.
    async fn renew(&self, peer: &Peer, csr_der: Vec<u8>) -> Result<Granted, LinkRefused>;
    /// What the agent is to run, now and on every change.
    fn assignments(&self, agent: AgentId) -> watch::Receiver<Arc<AssignmentSet>>;
    /// Orders to open links.
    fn orders(&self) -> broadcast::Receiver<LinkOrder>;
    /// Whether the certificate or the agent may not connect. Asked at every handshake and for every batch; answers from
    /// memory.
    fn denied(&self, agent: AgentId, serial: &str) -> bool;
    /// Roots that agents are to trust, DER.
    fn roots_der(&self) -> Vec<Vec<u8>>;
    /// A handshake, frame or exchange that was refused: counted, and an event when it matters.
    fn refused(&self, address: SocketAddr, what: &'static str, detail: String);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_names_are_the_names() {
        let meta = |name: &str, labels: &[(&str, &str)], counter| SeriesMeta {
            key: SeriesKey {
                host: HostId::new(1, [0; 10]),
                name: name.to_owned(),
                labels: labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            },
            unit: "B".to_owned(),
            counter,
        };
        let metas = [
            meta("disk.read", &[("device", "vda"), ("kind", "ü")], true),
            meta("", &[("", "")], false),
            meta(&"x".repeat(70_000), &[], false),
        ];
        let names: SeriesNames = metas.iter().cloned().collect();
        assert_eq!(names.len(), 3);
        let unpacked: Vec<_> = names.of(HostId::new(1, [0; 10])).collect();
        assert_eq!(unpacked[..2], metas[..2]);
        assert_eq!(unpacked[2].key.name.len(), 65_535);
        assert!(names.of(HostId::new(2, [0; 10])).all(|meta| meta.key.host == HostId::new(2, [0; 10])));
        assert!(SeriesNames::default().is_empty());
    }
}

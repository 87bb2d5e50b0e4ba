//! Native probes of other machines: ICMP, TCP, HTTP(S), TLS, DNS, SSH.
//!
//! Each is a future with a deadline and bounded reads, so thousands run at once on one thread. A probe never fails: whatever
//! the other side does, or fails to do, becomes a [`ProbeOutcome`] in plain words. That the target does not answer, or
//! answers wrongly, is CRITICAL; that this machine could not ask is UNKNOWN with a reason. Everything received is hostile.
//!
//! Left out: when to run, retries and states (the engine's), and TLS without verification, which does not exist.

mod certs;
mod dns;
mod http;
mod net;
mod outcome;
mod pattern;
mod ping;
mod ssh;
mod tcp;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use wk_domain::spec::MetricThreshold;
use wk_domain::{ResultReason, Status};
use wk_wire::v1;
use wk_wire::v1::assignment::What;

pub use outcome::{ProbeOutcome, ThresholdError, parse_thresholds};

use certs::Roots;
use net::Names;
use outcome::{Fault, Found};
use pattern::Patterns;

/// Parsers of hostile bytes, reachable for fuzzing.
#[doc(hidden)]
pub mod fuzzing {
    use hickory_proto::op::Query;
    use hickory_proto::rr::{Name, RecordType};

    /// Feeds the same bytes to every parser of replies.
    pub fn exercise_parsers(bytes: &[u8]) {
        let query = Query::query(Name::root(), RecordType::A);
        let id = bytes.first_chunk::<2>().map_or(0, |id| u16::from_be_bytes(*id));
        let _answer = crate::dns::answers_of(bytes, id, &query);
        let _banner = crate::ssh::banner_of(bytes);
        let _echo = (crate::ping::echo_reply(false, bytes), crate::ping::echo_reply(true, bytes));
    }
}

/// Longest probe: an interval is a minute, and a probe that takes longer tells nothing more.
const TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Runs probes. Cheap to share; one for the whole agent.
#[derive(Debug, Default)]
pub struct Prober {
    roots: Roots,
    names: Names,
    patterns: Patterns,
}

/// What a probe may use, and where it stands.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) roots: &'a Roots,
    pub(crate) names: &'a Names,
    pub(crate) patterns: &'a Patterns,
    /// What is being waited for, for the message at the deadline.
    stage: std::sync::Mutex<Stage>,
    pub(crate) timeout: Duration,
}

/// What is being waited for. Put into words only when the deadline comes.
#[derive(Debug)]
enum Stage {
    Words(String),
    At(&'static str, SocketAddr),
}

impl Default for Stage {
    fn default() -> Self {
        Self::Words(String::new())
    }
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::At(what, address) => write!(f, "{what} {address}"),
        }
    }
}

impl Context<'_> {
    pub(crate) fn stage(&self, stage: impl Into<String>) {
        self.set_stage(Stage::Words(stage.into()));
    }

    /// As [`Self::stage`], for what is done with an address.
    pub(crate) fn stage_at(&self, what: &'static str, address: SocketAddr) {
        self.set_stage(Stage::At(what, address));
    }

    fn set_stage(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = stage;
    }
}

impl Prober {
    /// A prober that trusts the machine's certificate roots, which are read at the first TLS probe.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs one probe. May be dropped at any time; sockets close with it.
    pub async fn run(&self, what: &What, thresholds: &[MetricThreshold], timeout: Duration) -> ProbeOutcome {
        let timeout = timeout.clamp(Duration::from_millis(1), TIMEOUT_MAX);
        let context = Context {
            roots: &self.roots,
            names: &self.names,
            patterns: &self.patterns,
            stage: std::sync::Mutex::default(),
            timeout,
        };
        let probe = async {
            match what {
                What::Ping(probe) => ping::run(&context, probe).await,
                What::Tcp(probe) => tcp::run(&context, probe).await,
                What::Http(probe) => Box::pin(http::run(&context, probe)).await,
                What::Tls(probe) => Box::pin(tls::run(&context, probe)).await,
                What::Dns(probe) => Box::pin(dns::run(&context, probe)).await,
                What::Ssh(probe) => ssh::run(&context, probe).await,
                What::Plugin(v1::PluginRun { .. }) => {
                    Err(Fault::unknown("plugins are not probes", ResultReason::Refused("not-a-probe".into())))
                }
            }
        };
        let result = match tokio::time::timeout(timeout, probe).await {
            Ok(result) => result,
            Err(_) => {
                let stage = context.stage.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
                Err(Fault::critical(format!("{stage}: nothing within {:.1} s", timeout.as_secs_f64())))
            }
        };
        match result {
            Ok(Found { text, metrics }) => outcome::judge(text, metrics, thresholds),
            Err(fault) => fault.into_outcome(thresholds),
        }
    }
}

/// Probe kinds this agent knows, for its greeting.
pub const KINDS: [&str; 6] = ["ping", "tcp", "http", "tls", "dns", "ssh"];

/// The status a probe has when nothing says otherwise.
pub(crate) const FINE: Status = Status::Ok;

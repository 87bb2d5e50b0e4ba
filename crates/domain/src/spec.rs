//! What an agent is asked to do for a check: built-in probes with typed arguments, and plugins by the name that the
//! agent's own policy file gives them. There is no variant that carries a program, a path or a command line.

use std::time::Duration;

use crate::threshold::Range;
use crate::{AgentId, CheckId};

/// Ranges for one metric of a result; critical is tested before warning.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricThreshold {
    pub metric: String,
    pub warn: Option<Range>,
    pub crit: Option<Range>,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckSpec {
    /// ICMP echo; metrics `rtt` (s) and `loss` (%).
    Ping { address: String, count: u32 },
    /// TCP connect, then optionally send and expect; metric `time` (s).
    Tcp { address: String, port: u16, send: Vec<u8>, expect: Vec<u8> },
    /// HTTP request; metrics `time` (s), `size` (B), `cert_days` (d).
    Http(Box<HttpSpec>),
    /// TLS handshake and certificate; metric `cert_days` (d).
    Tls { address: String, port: u16, server_name: String, extra_roots_pem: String },
    /// DNS query; metric `time` (s).
    Dns { server: String, name: String, record_type: String, expect: Vec<String> },
    /// SSH banner; metric `time` (s).
    Ssh { address: String, port: u16, expect: String },
    /// A plugin of the agent's own policy file, with values for parameters declared there.
    Plugin { name: String, params: Vec<(String, String)> },
}

/// Arguments of an HTTP check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HttpSpec {
    pub url: String,
    /// `GET`, `HEAD` or `POST`.
    pub method: String,
    pub headers: Vec<(String, String)>,
    /// Empty: 200 to 399.
    pub expect_status: Vec<u16>,
    /// Header name and regular expression.
    pub expect_headers: Vec<(String, String)>,
    pub expect_body: String,
    pub refuse_body: String,
    pub extra_roots_pem: String,
}

impl CheckSpec {
    /// `ping`, `tcp`, `http`, `tls`, `dns`, `ssh` or `plugin`.
    pub const fn kind_str(&self) -> &'static str {
        match self {
            Self::Ping { .. } => "ping",
            Self::Tcp { .. } => "tcp",
            Self::Http(_) => "http",
            Self::Tls { .. } => "tls",
            Self::Dns { .. } => "dns",
            Self::Ssh { .. } => "ssh",
            Self::Plugin { .. } => "plugin",
        }
    }
}

/// One check as an agent gets it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    pub check: CheckId,
    pub interval: Duration,
    pub timeout: Duration,
    pub thresholds: Vec<MetricThreshold>,
    pub spec: CheckSpec,
}

/// All checks of one agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentSet {
    pub agent: AgentId,
    /// Grows with every change.
    pub revision: u64,
    pub checks: Vec<Assignment>,
}

//! The messages of protocol version 1, as protobuf. Text fields are hostile until `wk_domain` has cleaned them.

use prost::{Enumeration, Message, Oneof};

/// What an agent sends on the link.
#[derive(Clone, PartialEq, Message)]
pub struct AgentFrame {
    #[prost(oneof = "agent_frame::Body", tags = "1, 2, 3, 4, 5, 6")]
    pub body: Option<agent_frame::Body>,
}

pub mod agent_frame {
    /// The frame's kind.
    #[derive(Clone, PartialEq, super::Oneof)]
    pub enum Body {
        /// First frame of a link, once.
        #[prost(message, tag = "1")]
        Hello(super::Hello),
        /// Series names that later batches of this link refer to.
        #[prost(message, tag = "2")]
        Dictionary(super::Dictionary),
        /// Observations, in sequence.
        #[prost(message, tag = "3")]
        Batch(super::Batch),
        /// Sent when nothing else was for [`super::Welcome::heartbeat_ms`].
        #[prost(message, tag = "4")]
        Heartbeat(super::Heartbeat),
        /// Asks for the next certificate.
        #[prost(message, tag = "5")]
        Renew(super::RenewRequest),
        /// Answers [`super::Trust`].
        #[prost(message, tag = "6")]
        TrustHeld(super::TrustHeld),
    }
}

/// What a server sends on the link.
#[derive(Clone, PartialEq, Message)]
pub struct ServerFrame {
    #[prost(oneof = "server_frame::Body", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub body: Option<server_frame::Body>,
}

pub mod server_frame {
    /// The frame's kind.
    #[derive(Clone, PartialEq, super::Oneof)]
    pub enum Body {
        /// Answers [`super::Hello`].
        #[prost(message, tag = "1")]
        Welcome(super::Welcome),
        /// Everything up to a sequence number is committed.
        #[prost(message, tag = "2")]
        Ack(super::Ack),
        /// The checks this agent is to run, whole.
        #[prost(message, tag = "3")]
        Assignments(super::Assignments),
        /// Run one assigned check now.
        #[prost(message, tag = "4")]
        RunNow(super::RunNow),
        /// Answers [`super::RenewRequest`].
        #[prost(message, tag = "5")]
        Renewed(super::RenewReply),
        /// Last frame before the server closes.
        #[prost(message, tag = "6")]
        Goodbye(super::Goodbye),
        /// The roots to trust have changed. Only to agents whose hello carried [`super::Hello::roots_sha256`].
        #[prost(message, tag = "7")]
        Trust(super::Trust),
    }
}

/// Opens a link. Who the agent is comes from its certificate alone; nothing here can change that.
#[derive(Clone, PartialEq, Message)]
pub struct Hello {
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    /// Version of the agent program, for people.
    #[prost(string, tag = "2")]
    pub version: String,
    /// Names the spool the sequence numbers belong to. Random, made with the spool.
    #[prost(fixed64, tag = "3")]
    pub epoch: u64,
    /// The agent's wall clock, milliseconds since 1970 UTC.
    #[prost(int64, tag = "4")]
    pub now_ms: i64,
    /// True when the agent's own policy file refuses assignments (`remote = "off"`).
    #[prost(bool, tag = "5")]
    pub remote_off: bool,
    /// Names of the plugins that the agent's own policy file allows.
    #[prost(message, repeated, tag = "6")]
    pub plugins: Vec<AllowedPlugin>,
    /// Boot id and machine-id digest: tells a moved or copied agent.
    #[prost(bytes = "vec", tag = "7")]
    pub machine_digest: Vec<u8>,
    /// Kernel host name.
    #[prost(string, tag = "8")]
    pub hostname: String,
    /// Digest of the set of roots the agent trusts. Empty: an agent that does not know [`Trust`].
    #[prost(bytes = "vec", tag = "9")]
    pub roots_sha256: Vec<u8>,
}

/// A plugin the agent's policy file allows, as the file pins it.
#[derive(Clone, PartialEq, Message)]
pub struct AllowedPlugin {
    #[prost(string, tag = "1")]
    pub name: String,
    /// SHA-256 of the program file.
    #[prost(bytes = "vec", tag = "2")]
    pub sha256: Vec<u8>,
    /// Names of the parameters the policy file declares.
    #[prost(string, repeated, tag = "3")]
    pub params: Vec<String>,
}

/// Series names, valid on this link for batches with the same `id`.
#[derive(Clone, PartialEq, Message)]
pub struct Dictionary {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    /// Entry `i` is referred to as `first + i`.
    #[prost(uint32, tag = "2")]
    pub first: u32,
    #[prost(message, repeated, tag = "3")]
    pub series: Vec<SeriesDef>,
}

/// One series of this agent's own host.
#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct SeriesDef {
    /// Dotted metric name, such as `disk.read.bytes`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Label name and value pairs in name order, such as `device` = `vda`.
    #[prost(message, repeated, tag = "2")]
    pub labels: Vec<Label>,
    /// Unit: `B`, `s`, `%`, `1`, `B/s`, ...
    #[prost(string, tag = "3")]
    pub unit: String,
    #[prost(enumeration = "SeriesKind", tag = "4")]
    pub kind: i32,
}

#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Label {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enumeration)]
#[repr(i32)]
pub enum SeriesKind {
    Gauge = 0,
    /// Grows until it restarts from zero.
    Counter = 1,
}

/// Observations of one span of time. Sequence numbers start at 1 and have no gap within an epoch.
#[derive(Clone, PartialEq, Message)]
pub struct Batch {
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// The dictionary that `samples` refer to.
    #[prost(uint64, tag = "2")]
    pub dictionary: u64,
    #[prost(message, repeated, tag = "3")]
    pub samples: Vec<SampleBlock>,
    #[prost(message, repeated, tag = "4")]
    pub results: Vec<CheckResult>,
    #[prost(message, repeated, tag = "5")]
    pub inventory: Vec<InventoryDelta>,
    #[prost(message, repeated, tag = "6")]
    pub executions: Vec<Execution>,
    #[prost(message, repeated, tag = "7")]
    pub notes: Vec<AgentNote>,
}

/// All values read at one instant.
#[derive(Clone, PartialEq, Message)]
pub struct SampleBlock {
    /// Milliseconds since 1970 UTC, by the agent's clock.
    #[prost(int64, tag = "1")]
    pub at_ms: i64,
    #[prost(uint32, repeated, tag = "2")]
    pub refs: Vec<u32>,
    /// As many as `refs`.
    #[prost(double, repeated, tag = "3")]
    pub values: Vec<f64>,
}

/// What one run of an assigned check found.
#[derive(Clone, PartialEq, Message)]
pub struct CheckResult {
    /// The check's id as the assignment gave it.
    #[prost(string, tag = "1")]
    pub check_id: String,
    /// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Anything else counts as UNKNOWN.
    #[prost(uint32, tag = "2")]
    pub status: u32,
    /// Machine-readable reason when there was no ordinary exit: `timeout`, `signal:9`, `spawn:ENOENT`, `exit:42`,
    /// `refused:remote-off`, ... Empty otherwise.
    #[prost(string, tag = "3")]
    pub reason: String,
    #[prost(string, tag = "4")]
    pub output: String,
    #[prost(string, tag = "5")]
    pub long_output: String,
    #[prost(message, repeated, tag = "6")]
    pub metrics: Vec<PerfMetric>,
    #[prost(int64, tag = "7")]
    pub started_ms: i64,
    #[prost(int64, tag = "8")]
    pub finished_ms: i64,
    /// The execution record this result came from, if something was executed.
    #[prost(string, tag = "9")]
    pub execution_id: String,
    /// Output was cut at the cap.
    #[prost(bool, tag = "10")]
    pub truncated: bool,
    /// Parse notes, for the author of the check.
    #[prost(string, repeated, tag = "11")]
    pub parse_notes: Vec<String>,
}

/// One performance value. Ranges in the plugin guideline's notation, empty when absent.
#[derive(Clone, PartialEq, Message)]
pub struct PerfMetric {
    #[prost(string, tag = "1")]
    pub label: String,
    /// Absent: undetermined (`U`), a gap.
    #[prost(double, optional, tag = "2")]
    pub value: Option<f64>,
    #[prost(string, tag = "3")]
    pub unit: String,
    #[prost(string, tag = "4")]
    pub warn: String,
    #[prost(string, tag = "5")]
    pub crit: String,
    #[prost(double, optional, tag = "6")]
    pub min: Option<f64>,
    #[prost(double, optional, tag = "7")]
    pub max: Option<f64>,
}

/// A change of one inventory section of the agent's own host.
#[derive(Clone, PartialEq, Message)]
pub struct InventoryDelta {
    /// `os`, `hardware`, `packages`, `users`, `groups`, `sudo`, `ssh_keys`, `listeners`, `processes`, `interfaces`,
    /// `mounts`, `timers`, `fields`, `top`.
    #[prost(string, tag = "1")]
    pub section: String,
    /// True: `items` is all there is, and what is not named is gone.
    #[prost(bool, tag = "2")]
    pub full: bool,
    #[prost(message, repeated, tag = "3")]
    pub items: Vec<InventoryItem>,
    /// Keys that are gone (only when not `full`).
    #[prost(string, repeated, tag = "4")]
    pub removed: Vec<String>,
    #[prost(int64, tag = "5")]
    pub observed_ms: i64,
}

/// One thing of a section: a package, a listening socket, a user.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct InventoryItem {
    /// Unique in the section, stable over time.
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(message, repeated, tag = "2")]
    pub fields: Vec<Label>,
}

/// The record of one thing the agent executed, or refused to.
#[derive(Clone, PartialEq, Message)]
pub struct Execution {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub check_id: String,
    /// `plugin` or `probe`.
    #[prost(string, tag = "3")]
    pub kind: String,
    /// Plugin name of the policy file, or probe kind.
    #[prost(string, tag = "4")]
    pub what: String,
    #[prost(string, repeated, tag = "5")]
    pub argv: Vec<String>,
    /// SHA-256 of the program that ran, empty for probes.
    #[prost(bytes = "vec", tag = "6")]
    pub sha256: Vec<u8>,
    /// The sandbox obtained, such as `full` or `no-landlock-net`.
    #[prost(string, tag = "7")]
    pub grade: String,
    /// `exit:0`, `signal:9`, `timeout`, `refused:digest`, ...
    #[prost(string, tag = "8")]
    pub outcome: String,
    #[prost(int64, tag = "9")]
    pub started_ms: i64,
    #[prost(int64, tag = "10")]
    pub finished_ms: i64,
}

/// Something the agent wants known about itself.
#[derive(Clone, PartialEq, Message)]
pub struct AgentNote {
    #[prost(int64, tag = "1")]
    pub at_ms: i64,
    /// `spool-dropped`, `clock-jump`, `policy-error`, `started`, `stopped`, `plugin-changed`, ...
    #[prost(string, tag = "2")]
    pub kind: String,
    #[prost(string, tag = "3")]
    pub text: String,
    /// How many, where the kind counts something.
    #[prost(uint64, tag = "4")]
    pub count: u64,
}

/// Keeps the link known to be alive, and says what the agent's clock shows. Sent when nothing else was for
/// [`Welcome::heartbeat_ms`], and once a minute however busy the link is.
#[derive(Clone, PartialEq, Message)]
pub struct Heartbeat {
    /// The agent's wall clock, milliseconds since 1970 UTC.
    #[prost(int64, tag = "1")]
    pub now_ms: i64,
    /// The newest [`Ack::now_ms`] or [`Welcome::now_ms`] the agent has heard; 0 when none. With `held_ms` the server
    /// learns how long the two messages were on their way, as NTP does.
    #[prost(int64, tag = "2")]
    pub server_ms: i64,
    /// How long ago that was, by a clock that nobody sets.
    #[prost(uint32, tag = "3")]
    pub held_ms: u32,
}

/// The agent trusts these roots from now on, a restart included.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TrustHeld {
    /// Digest of the set, as in [`Hello::roots_sha256`].
    #[prost(bytes = "vec", tag = "1")]
    pub roots_sha256: Vec<u8>,
}

/// Asks for the next certificate over the present link. The key is new each time and never leaves the agent.
#[derive(Clone, PartialEq, Message)]
pub struct RenewRequest {
    /// PKCS#10, DER. Its names are ignored; only the key counts.
    #[prost(bytes = "vec", tag = "1")]
    pub csr_der: Vec<u8>,
}

/// The next certificate, or why there is none.
#[derive(Clone, PartialEq, Message)]
pub struct RenewReply {
    /// Leaf first, then intermediates, DER. Empty when refused.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub chain_der: Vec<Vec<u8>>,
    /// Roots to trust from now on, DER.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub roots_der: Vec<Vec<u8>>,
    /// `quarantined`, `revoked`, `try-later`; empty when granted.
    #[prost(string, tag = "3")]
    pub refused: String,
}

/// Answers [`Hello`].
#[derive(Clone, PartialEq, Message)]
pub struct Welcome {
    /// The agent's id as the server reads it from the certificate.
    #[prost(string, tag = "1")]
    pub agent_id: String,
    /// Everything up to here is committed for the agent's epoch: resume after it.
    #[prost(uint64, tag = "2")]
    pub committed_seq: u64,
    /// Batches that may be in flight.
    #[prost(uint32, tag = "3")]
    pub window: u32,
    #[prost(uint32, tag = "4")]
    pub heartbeat_ms: u32,
    #[prost(int64, tag = "5")]
    pub now_ms: i64,
    /// Roots to trust, DER.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub roots_der: Vec<Vec<u8>>,
    /// `active`; `quarantined`: nothing is accepted and a person decides; `renew`: the certificate has ended and may be
    /// renewed, and nothing else is accepted.
    #[prost(string, tag = "7")]
    pub standing: String,
}

/// Batches up to `seq` are committed and may be forgotten. Also sent again when the server has had nothing to say for
/// [`Welcome::heartbeat_ms`], so that an agent can tell a quiet server from a dead path.
#[derive(Clone, PartialEq, Message)]
pub struct Ack {
    #[prost(uint64, tag = "1")]
    pub seq: u64,
    /// The server's wall clock, milliseconds since 1970 UTC.
    #[prost(int64, tag = "2")]
    pub now_ms: i64,
}

/// The roots to trust from now on. What vouches for it is the link it came over; an agent keeps a root that is not named
/// here for as long as the server on the other end of this very link could not be verified without it.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Trust {
    /// DER.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub roots_der: Vec<Vec<u8>>,
}

/// All checks the agent is to run. Replaces what was assigned before.
#[derive(Clone, PartialEq, Message)]
pub struct Assignments {
    #[prost(uint64, tag = "1")]
    pub revision: u64,
    #[prost(message, repeated, tag = "2")]
    pub checks: Vec<Assignment>,
    /// More checks of the same revision follow in the next frame; they count as one whole when this is false.
    #[prost(bool, tag = "3")]
    pub more: bool,
}

/// One check to run at an interval.
#[derive(Clone, PartialEq, Message)]
pub struct Assignment {
    #[prost(string, tag = "1")]
    pub check_id: String,
    #[prost(uint32, tag = "2")]
    pub interval_ms: u32,
    #[prost(uint32, tag = "3")]
    pub timeout_ms: u32,
    /// Warning and critical ranges per metric, in the plugin guideline's notation.
    #[prost(message, repeated, tag = "4")]
    pub thresholds: Vec<Threshold>,
    #[prost(oneof = "assignment::What", tags = "10, 11, 12, 13, 14, 15, 16")]
    pub what: Option<assignment::What>,
}

pub mod assignment {
    /// The built-in checks, and plugins by the name of the agent's policy file. Nothing else exists.
    #[derive(Clone, PartialEq, super::Oneof)]
    pub enum What {
        #[prost(message, tag = "10")]
        Ping(super::PingProbe),
        #[prost(message, tag = "11")]
        Tcp(super::TcpProbe),
        #[prost(message, tag = "12")]
        Http(super::HttpProbe),
        #[prost(message, tag = "13")]
        Tls(super::TlsProbe),
        #[prost(message, tag = "14")]
        Dns(super::DnsProbe),
        #[prost(message, tag = "15")]
        Ssh(super::SshProbe),
        #[prost(message, tag = "16")]
        Plugin(super::PluginRun),
    }
}

/// Ranges for one metric of a result.
#[derive(Clone, PartialEq, Message)]
pub struct Threshold {
    #[prost(string, tag = "1")]
    pub metric: String,
    #[prost(string, tag = "2")]
    pub warn: String,
    #[prost(string, tag = "3")]
    pub crit: String,
}

/// ICMP echo. Metrics: `rtt` (s), `loss` (%).
#[derive(Clone, PartialEq, Message)]
pub struct PingProbe {
    /// Host name or address.
    #[prost(string, tag = "1")]
    pub address: String,
    /// Echo requests to send, 1 to 20; 0 means 3.
    #[prost(uint32, tag = "2")]
    pub count: u32,
}

/// TCP connect. Metric: `time` (s).
#[derive(Clone, PartialEq, Message)]
pub struct TcpProbe {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(uint32, tag = "2")]
    pub port: u32,
    /// Bytes to send after connecting.
    #[prost(bytes = "vec", tag = "3")]
    pub send: Vec<u8>,
    /// Bytes that must occur in the first 4 KiB received.
    #[prost(bytes = "vec", tag = "4")]
    pub expect: Vec<u8>,
}

/// HTTP or HTTPS request. Metrics: `time` (s), `size` (B), for https `cert_days` (d).
#[derive(Clone, PartialEq, Message)]
pub struct HttpProbe {
    /// `http://` or `https://`. Certificates are always verified.
    #[prost(string, tag = "1")]
    pub url: String,
    /// `GET`, `HEAD` or `POST`; empty means `GET`.
    #[prost(string, tag = "2")]
    pub method: String,
    #[prost(message, repeated, tag = "3")]
    pub headers: Vec<Label>,
    /// Acceptable status codes; empty means 200 to 399.
    #[prost(uint32, repeated, tag = "4")]
    pub expect_status: Vec<u32>,
    /// Response headers that must be there, value a regular expression (empty: any).
    #[prost(message, repeated, tag = "5")]
    pub expect_headers: Vec<Label>,
    /// Regular expression that must match in the first MiB of the body.
    #[prost(string, tag = "6")]
    pub expect_body: String,
    /// Regular expression that must not match there.
    #[prost(string, tag = "7")]
    pub refuse_body: String,
    /// Further roots to trust, PEM, beside the machine's.
    #[prost(string, tag = "8")]
    pub extra_roots_pem: String,
}

/// TLS handshake and certificate. Metric: `cert_days` (d).
#[derive(Clone, PartialEq, Message)]
pub struct TlsProbe {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(uint32, tag = "2")]
    pub port: u32,
    /// Name to ask for and verify; empty means `address`.
    #[prost(string, tag = "3")]
    pub server_name: String,
    #[prost(string, tag = "4")]
    pub extra_roots_pem: String,
}

/// DNS query. Metric: `time` (s).
#[derive(Clone, PartialEq, Message)]
pub struct DnsProbe {
    /// Server to ask, address and optional port; empty means the machine's first.
    #[prost(string, tag = "1")]
    pub server: String,
    #[prost(string, tag = "2")]
    pub name: String,
    /// `A`, `AAAA`, `MX`, `TXT`, `NS`, `CNAME`, `SOA`, `PTR`, `SRV`, `CAA`.
    #[prost(string, tag = "3")]
    pub record_type: String,
    /// Answers that must all be there, in presentation form.
    #[prost(string, repeated, tag = "4")]
    pub expect: Vec<String>,
}

/// SSH banner. Metric: `time` (s).
#[derive(Clone, PartialEq, Message)]
pub struct SshProbe {
    #[prost(string, tag = "1")]
    pub address: String,
    /// 0 means 22.
    #[prost(uint32, tag = "2")]
    pub port: u32,
    /// Regular expression the banner must match; empty: any valid banner.
    #[prost(string, tag = "3")]
    pub expect: String,
}

/// A plugin by the name that the agent's own policy file gives it, with values for parameters declared there.
#[derive(Clone, PartialEq, Message)]
pub struct PluginRun {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub params: Vec<Label>,
}

/// Run an assigned check now.
#[derive(Clone, PartialEq, Message)]
pub struct RunNow {
    #[prost(string, tag = "1")]
    pub check_id: String,
}

/// Why the server closes.
#[derive(Clone, PartialEq, Message)]
pub struct Goodbye {
    /// `revoked`, `quarantined`, `expired`, `superseded`, `protocol`, `stopping`, `overload`.
    #[prost(string, tag = "1")]
    pub reason: String,
}

/// The only request on an enrolment exchange.
#[derive(Clone, PartialEq, Message)]
pub struct EnrolRequest {
    #[prost(uint32, tag = "1")]
    pub protocol: u32,
    /// Id of the token.
    #[prost(string, tag = "2")]
    pub token_id: String,
    /// The token's secret.
    #[prost(bytes = "vec", tag = "3")]
    pub secret: Vec<u8>,
    /// PKCS#10, DER. Its names are ignored; only the key counts.
    #[prost(bytes = "vec", tag = "4")]
    pub csr_der: Vec<u8>,
    #[prost(string, tag = "5")]
    pub hostname: String,
    #[prost(bytes = "vec", tag = "6")]
    pub machine_digest: Vec<u8>,
    /// Operating system and version, for the person who looks at the list.
    #[prost(string, tag = "7")]
    pub os: String,
    #[prost(string, tag = "8")]
    pub version: String,
}

/// The only reply on an enrolment exchange. Every refusal looks the same.
#[derive(Clone, PartialEq, Message)]
pub struct EnrolReply {
    #[prost(bool, tag = "1")]
    pub granted: bool,
    #[prost(string, tag = "2")]
    pub agent_id: String,
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub chain_der: Vec<Vec<u8>>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub roots_der: Vec<Vec<u8>>,
    #[prost(int64, tag = "5")]
    pub now_ms: i64,
}

//! What the API says and hears: shapes of version 1, apart from the domain on purpose. Times are RFC 3339 in UTC with
//! milliseconds; spans are in the unit their name ends with. Input types refuse unknown fields.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use crate::passkeys::{PasskeyAdd, PasskeyAsk, PasskeyCreate, PasskeyCreated, PasskeyRef, PasskeyUsed};
pub use crate::removal::FactorRemoval;

/// `ok`, `warning`, `critical`, `unknown`, or `pending` before the first result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    Ok,
    Warning,
    Critical,
    Unknown,
    Pending,
}

/// What may be known before anybody signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Meta {
    pub product: String,
    /// False until the first administrator has claimed this server.
    pub claimed: bool,
}

/// The one-time claim link's token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimCheck {
    pub token: String,
}

/// The first administrator's name and password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimBegin {
    pub token: String,
    pub name: String,
    #[serde(default)]
    pub display_name: String,
    pub password: String,
}

/// What an authenticator application needs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TotpSetup {
    /// Base32, to type by hand.
    pub secret: String,
    /// `otpauth://` address, for the QR code.
    pub uri: String,
}

/// What a second factor can be made of: an authenticator application, or a passkey where the page can have one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FactorSetup {
    /// Base32, to type by hand.
    pub secret: String,
    /// `otpauth://` address, for the QR code.
    pub uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyCreate>,
    /// Why the page can have no passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_passkey: Option<String>,
}

/// The first code of the authenticator application, or the passkey that was made: finishes the claim.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimFinish {
    pub token: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub passkey: Option<PasskeyAdd>,
}

/// Shown once, never again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Claimed {
    pub recovery_codes: Vec<String>,
    pub me: Me,
}

/// Asks how strong a password would be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordCheck {
    pub password: String,
    /// Words that must not carry the password: name, host, mail.
    #[serde(default)]
    pub context: Vec<String>,
    /// The token of a one-time link: the rules of whoever it lets in hold. With a session, one's own do.
    #[serde(default)]
    pub token: Option<String>,
    /// The password it would replace.
    #[serde(default)]
    pub current: Option<String>,
}

/// A rule for passwords, and how one stands to it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PasswordRule {
    /// `length`, `common`, `breached`, `context`, `pattern`, `guesses`, ...
    pub code: String,
    pub title: String,
    pub met: bool,
    /// Why it is not met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Whether a password would be accepted, and why not.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PasswordVerdict {
    pub accepted: bool,
    /// 0 (guessed at once) to 4.
    pub score: u8,
    /// Why it is refused, in words.
    pub reasons: Vec<String>,
    /// How to make it better.
    pub advice: Vec<String>,
    /// Every rule that applies, in a steady order.
    pub rules: Vec<PasswordRule>,
    /// The policy in words.
    pub policy: Vec<String>,
}

/// First step of signing in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub name: String,
    pub password: String,
    /// The puzzle that an earlier answer asked to solve.
    #[serde(default)]
    pub puzzle: Option<String>,
    /// The number for which SHA-256 of `puzzle.number` begins with as many zero bits as were asked for.
    #[serde(default)]
    pub solution: Option<u64>,
}

/// The second factor is still to come.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SignInChallenge {
    /// Give it back with the code, within five minutes.
    pub challenge: String,
    /// In the order in which they are best used: `passkey`, `totp`, `recovery`. `enrol` alone: the account has none, and
    /// must get one before anything else.
    pub factors: Vec<String>,
    /// For the passkey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passkey: Option<PasskeyAsk>,
}

/// Goes on to enrol a factor, for an account without any.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInEnrol {
    pub challenge: String,
}

/// Second step of signing in.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInFactor {
    pub challenge: String,
    /// Six digits, or a recovery code.
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub passkey: Option<PasskeyUsed>,
}

/// Who is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Me {
    pub id: String,
    pub name: String,
    pub display_name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// Actions this person may do, such as `problem.acknowledge`.
    pub permissions: Vec<String>,
    pub session_expires_at: String,
    /// This session is for enrolling a second factor, and for nothing else until then.
    pub must_enrol: bool,
    /// Why the password must be changed before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must_change_password: Option<String>,
    /// Many sign-ins fail, and unknown browsers work for each try until then. For those who may see the server's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_in_attack_until: Option<String>,
    /// An account kept for emergencies was used within the last day. For those who may see the server's state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency_used: Option<EmergencyUse>,
}

/// An account kept for emergencies signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EmergencyUse {
    /// The account's name.
    pub name: String,
    /// The last time.
    pub at: String,
}

/// One of my sessions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Session {
    pub id: String,
    pub current: bool,
    pub created_at: String,
    pub last_used_at: String,
    pub address: String,
    pub user_agent: String,
    pub method: String,
}

/// A page of a list. `next` is the `after` of the next page, absent on the last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// All that match, where counting is cheap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How many problems there are.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ProblemCounts {
    pub critical: u32,
    pub warning: u32,
    pub unknown: u32,
    /// Of these, acknowledged or in downtime.
    pub handled: u32,
    pub ok: u32,
    pub pending: u32,
}

/// One cell of the honeycomb.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HostCell {
    pub id: String,
    pub name: String,
    /// The worst state of its checks that nobody handles.
    pub status: CheckStatus,
    pub problems: u32,
    pub connected: bool,
}

/// One line of the server's opinion of itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SelfCheck {
    pub key: String,
    pub title: String,
    pub status: CheckStatus,
    pub detail: String,
}

/// What the first screen shows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overview {
    pub problems: ProblemCounts,
    pub hosts: Vec<HostCell>,
    pub agents: AgentCounts,
    /// The newest problems that nobody handles, worst first, at most 20.
    pub open: Vec<CheckView>,
    /// Newest first, at most 20.
    pub events: Vec<Event>,
    pub self_checks: Vec<SelfCheck>,
    pub now: String,
}

/// The counts of the overview alone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Summary {
    pub problems: ProblemCounts,
    pub hosts: HostCounts,
    pub agents: AgentCounts,
    /// For those who may see the server's state.
    pub self_checks: Vec<SelfCheck>,
    /// What may not be changed now; empty when everything may.
    pub read_only: Vec<Closed>,
    pub now: String,
}

/// Hosts by their status.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct HostCounts {
    pub total: u32,
    pub critical: u32,
    pub warning: u32,
    pub unknown: u32,
    pub pending: u32,
    pub ok: u32,
}

/// Something that is read-only: the server, or a tenant with all below it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Closed {
    /// Absent for the whole server, and for a tenant above those one sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Empty where `tenant` is absent.
    pub name: String,
    pub why: String,
}

/// How agents stand.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct AgentCounts {
    pub connected: u32,
    pub silent: u32,
    pub quarantined: u32,
    pub revoked: u32,
}

/// A check with its present state.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckView {
    pub id: String,
    pub host: HostRef,
    pub key: String,
    pub title: String,
    /// `builtin`, `probe`, `plugin` or `alive`.
    pub kind: String,
    pub status: CheckStatus,
    /// `soft` while a problem is being confirmed, else `hard`.
    pub state_type: String,
    pub attempt: u32,
    pub max_attempts: u32,
    /// When the present status began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_checked_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_due_at: Option<String>,
    /// Machine-readable reason when the result was no ordinary verdict: `timeout`, `stale`, `agent-unreachable`, ...
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Set while no current data comes in: since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_data_since: Option<String>,
    pub output: String,
    pub flapping: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Acknowledgement>,
    pub in_downtime: bool,
    /// Acknowledged or in downtime.
    pub handled: bool,
    pub enabled: bool,
    /// A probe or plugin can be asked to run now; a built-in check is judged from what comes in.
    pub can_recheck: bool,
}

/// A check whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckDetail {
    #[serde(flatten)]
    pub view: CheckView,
    pub long_output: String,
    pub metrics: Vec<PerfValue>,
    pub interval_s: u64,
    pub retry_interval_s: u64,
    /// The agent that runs it, none when the server judges.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// Arguments, for probes and plugins.
    #[schema(value_type = Object)]
    pub spec: serde_json::Value,
    pub notifications_sent: u32,
    pub revision: i64,
}

/// One performance value with its thresholds in the plugin guideline's notation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PerfValue {
    pub label: String,
    /// Null: undetermined.
    pub value: Option<f64>,
    pub unit: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub warn: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub crit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// A host, named.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HostRef {
    pub id: String,
    pub name: String,
}

/// A host in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HostView {
    pub id: String,
    pub name: String,
    pub status: CheckStatus,
    pub problems: ProblemCounts,
    pub os: String,
    pub addresses: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub connected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<String>,
    /// description, group, department, responsible, location and whatever else people wrote.
    pub fields: BTreeMap<String, String>,
    /// What rights and lists may go by.
    pub labels: BTreeMap<String, String>,
    pub tenant: String,
    pub in_downtime: bool,
    pub revision: i64,
}

/// New values for a host that people set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HostInput {
    /// RFC 1123 name.
    pub name: String,
    #[serde(default)]
    pub addresses: Vec<String>,
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// As they are when absent.
    #[serde(default)]
    pub labels: Option<BTreeMap<String, String>>,
    /// Where it is when absent; a new one at the home of whoever makes it.
    #[serde(default)]
    pub tenant: Option<String>,
    /// The revision that was read; refused when somebody else changed the host since. Absent when creating.
    #[serde(default)]
    pub revision: Option<i64>,
}

/// A check to add or change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckInput {
    pub host: String,
    /// Unique on the host: `http:intranet`.
    pub key: String,
    #[serde(default)]
    pub title: String,
    /// The agent that runs it; absent: the host's own.
    #[serde(default)]
    pub runner: Option<String>,
    /// `{"kind":"tcp","address":"10.0.0.5","port":443,"thresholds":[{"metric":"time","warn":"0.5","crit":"2"}]}`.
    #[schema(value_type = Object)]
    pub spec: serde_json::Value,
    #[serde(default)]
    pub interval_s: Option<u64>,
    #[serde(default)]
    pub retry_interval_s: Option<u64>,
    #[serde(default)]
    pub max_attempts: Option<u32>,
    #[serde(default)]
    pub volatile: bool,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub revision: Option<i64>,
}

fn yes() -> bool {
    true
}

/// Who took charge.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Acknowledgement {
    pub by: String,
    pub at: String,
    pub note: String,
    pub sticky: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Takes charge of problems.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeInput {
    pub checks: Vec<String>,
    pub note: String,
    /// Stays through changes between warning, critical and unknown.
    #[serde(default)]
    pub sticky: bool,
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// Names checks.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecksInput {
    pub checks: Vec<String>,
}

/// Says something on the timeline.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentInput {
    pub checks: Vec<String>,
    pub text: String,
}

/// What a downtime covers.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DowntimeTarget {
    pub host: String,
    /// Absent: the host with all its checks.
    #[serde(default)]
    pub check: Option<String>,
}

/// Plans a downtime.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DowntimeInput {
    pub targets: Vec<DowntimeTarget>,
    pub start_at: String,
    pub end_at: String,
    pub note: String,
}

/// A planned downtime.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Downtime {
    pub id: String,
    pub host: HostRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_title: Option<String>,
    pub start_at: String,
    pub end_at: String,
    pub note: String,
    pub created_by: String,
    pub active: bool,
}

/// What came of each part of a bulk act.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkResult {
    pub done: u32,
    pub failed: Vec<BulkFailure>,
    /// Ids of what came into being, so that it can be taken back: downtimes.
    pub made: Vec<String>,
}

/// Why one part of a bulk act failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BulkFailure {
    pub id: String,
    pub reason: String,
}

/// An entry of the timeline.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Event {
    pub id: String,
    pub at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<HostRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_title: Option<String>,
    /// `state`, `ack`, `unack`, `downtime-start`, `downtime-end`, `comment`, `inventory`, `agent`, `notification`,
    /// `security`.
    pub kind: String,
    /// `info`, `ok`, `warning`, `critical`, `unknown`.
    pub severity: String,
    pub summary: String,
    /// For `state`: `{from, to, state_type, attempt, trace: {gates: [{gate, passed, detail}], verdict, revision}}`.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

/// One section of an inventory.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InventorySection {
    pub section: String,
    pub items: u64,
}

/// One thing of an inventory.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InventoryItem {
    pub key: String,
    pub fields: BTreeMap<String, String>,
    pub first_seen_at: String,
    pub last_changed_at: String,
}

/// A series of a host.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Series {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub unit: String,
    /// Grows for ever; ask for its rate.
    pub counter: bool,
}

/// Series with their points.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RangeAnswer {
    pub from: String,
    pub to: String,
    pub step_ms: i64,
    pub series: Vec<RangeSeries>,
}

/// One series' points.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RangeSeries {
    #[serde(flatten)]
    pub series: Series,
    /// `raw`, `1m` or `1h`.
    pub tier: String,
    /// Each `[at_ms, min, max, avg, last]`; a step without samples is left out.
    pub points: Vec<[f64; 5]>,
}

/// An enrolled agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Agent {
    pub id: String,
    pub host: HostRef,
    /// `active`, `quarantined` or `revoked`.
    pub standing: String,
    pub connected: bool,
    pub grants: Vec<String>,
    pub version: String,
    pub os: String,
    pub enrolled_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at: Option<String>,
    pub last_address: String,
    pub cert_serial: String,
    pub cert_not_after: String,
    /// Its own policy file refuses every assignment.
    pub remote_off: bool,
    /// An administrator ended the server's management of it: it is sent nothing to run.
    pub read_only: bool,
    pub plugins: Vec<AgentPlugin>,
    pub committed_seq: u64,
}

/// A plugin that the agent's own policy file allows.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentPlugin {
    pub name: String,
    pub sha256: String,
    pub params: Vec<String>,
}

/// Why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonInput {
    pub reason: String,
}

/// Whether an agent is to be read-only, and why.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadOnlyInput {
    pub read_only: bool,
    pub reason: String,
}

/// The record of one execution on an agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Execution {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    pub kind: String,
    pub what: String,
    pub argv: Vec<String>,
    pub sha256: String,
    pub grade: String,
    pub outcome: String,
    pub started_at: String,
    pub duration_ms: i64,
}

/// Asks for an enrolment token.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// Where the host lands; the home of whoever makes it when absent.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Which host names may use it: `web-*`.
    #[serde(default = "any")]
    pub host_pattern: String,
    /// `probe`: may also run checks of other hosts.
    #[serde(default)]
    pub grants: Vec<String>,
    /// 60 to 86 400.
    #[serde(default = "hour")]
    pub ttl_s: u64,
}

fn any() -> String {
    "*".to_owned()
}

fn hour() -> u64 {
    3600
}

/// A new enrolment token. The line is shown once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenCreated {
    pub id: String,
    /// The one line to paste on the machine.
    pub line: String,
    pub expires_at: String,
}

/// An enrolment token in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Token {
    pub id: String,
    pub host_pattern: String,
    /// Where the host lands.
    pub tenant: String,
    pub grants: Vec<String>,
    pub created_at: String,
    pub created_by: String,
    pub expires_at: String,
    /// `open`, `used`, `expired` or `withdrawn`.
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
}

/// An audit entry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditEntry {
    pub seq: u64,
    pub at: String,
    pub actor: String,
    pub action: String,
    pub object: String,
    pub outcome: String,
    pub leaf_hash: String,
    /// The canonical entry, whole: source, session, reason, differences.
    #[schema(value_type = Object)]
    pub entry: serde_json::Value,
}

/// What a check of the whole audit log found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditReport {
    pub entries: u64,
    pub root_hash: String,
    pub intact: bool,
    pub findings: Vec<String>,
}

/// How far a check of the audit log is that is under way.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditProgress {
    pub running: bool,
    /// Entries recomputed.
    pub done: u64,
    /// Entries there were when it began.
    pub total: u64,
}

/// A certificate Watchkeep made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Certificate {
    /// `root`, `intermediate`, `server` or `agent`.
    pub role: String,
    pub subject: String,
    pub serial: String,
    pub algorithm: String,
    pub not_before: String,
    pub not_after: String,
    pub days_left: i64,
    pub fingerprint_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    pub revoked: bool,
}

/// A port this server listens on, or an address it calls.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Port {
    /// `in` or `out`.
    pub direction: String,
    pub address: String,
    pub protocol: String,
    pub purpose: String,
    pub authentication: String,
}

/// A queue and how full it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Queue {
    pub name: String,
    pub length: u64,
    pub limit: u64,
    pub detail: String,
}

/// How the server itself is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct System {
    pub started_at: String,
    pub ports: Vec<Port>,
    pub storage: Storage,
    pub queues: Vec<Queue>,
    pub self_checks: Vec<SelfCheck>,
    /// Counted since start: what was refused, shed or left out.
    pub counters: BTreeMap<String, u64>,
}

/// What is kept where.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Storage {
    pub database_engine: String,
    pub schema_version: i64,
    pub database_bytes: u64,
    pub audit_entries: u64,
    pub events: u64,
    pub metrics_series: u64,
    pub metrics_bytes: u64,
    pub metrics_wal_bytes: u64,
    pub metrics_corrupt_blocks: u64,
    pub reports: Vec<String>,
}

/// A way to reach people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Channel {
    pub id: String,
    /// It hears of hosts of this tenant and of those below.
    pub tenant: String,
    pub name: String,
    /// `email` or `webhook`.
    pub kind: String,
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    pub has_secret: bool,
    pub enabled: bool,
    pub revision: i64,
}

/// A way to reach people, to add or change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelInput {
    /// Where it is when absent; a new one at the home of whoever makes it.
    #[serde(default)]
    pub tenant: Option<String>,
    pub name: String,
    pub kind: String,
    /// email: `{"server":"mail.example:465","security":"tls"|"starttls","from":"..","to":[".."],"username":".."}`;
    /// webhook: `{"url":"https://.."}`; both: `"severities":["critical","warning","unknown"]`.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// Password or signing key. Kept as it is when absent; never shown again.
    #[serde(default)]
    pub secret: Option<String>,
    #[serde(default = "yes")]
    pub enabled: bool,
    #[serde(default)]
    pub revision: Option<i64>,
    /// Why; asked for where a second person must agree.
    #[serde(default)]
    pub reason: String,
}

/// A notification that was sent, or is to be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Notification {
    pub id: String,
    pub channel: String,
    pub host: String,
    pub check: String,
    pub kind: String,
    pub created_at: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    pub attempts: i64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<String>,
    pub summary: String,
}

/// One event of the live stream (`event:` is the same word as `live`, `data:` this, `id:` grows).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "live", rename_all = "kebab-case")]
pub enum Live {
    /// A check's state or handling changed.
    Check(Box<CheckView>),
    /// Something new on the timeline.
    Event(Box<Event>),
    /// An agent connected, left, or changed standing.
    Agent { id: String, connected: bool, standing: String },
    /// Hosts or checks were added or removed: read lists again.
    Configuration,
    /// Events were missed: read everything again.
    Resync,
}

/// RFC 9457 problem details.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank` or a relative reference that names the kind, such as `/problems/conflict`.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// The request's id, as the log has it.
    pub instance: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer.
    pub pointer: String,
    pub detail: String,
}

/// How a filter could go on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Completion {
    /// The last word, completed.
    pub value: String,
    pub label: String,
}

/// A person's account.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    pub id: String,
    /// Where the person is at home: the role holds there and below.
    pub tenant: String,
    pub name: String,
    pub display_name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    pub created_at: String,
    pub disabled: bool,
    /// Failed sign-ins in a row.
    pub failures: i64,
    /// Too many: the password opens nothing until somebody reopens the account.
    pub closed: bool,
    /// Its factors were reset: nobody can sign in until the link is used.
    pub awaits_factors: bool,
    /// `password`, `totp`, `recovery`: what there is to sign in with.
    pub factors: Vec<String>,
    pub recovery_codes_left: u64,
    /// The newest session's beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<String>,
}

/// Invites a person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserInput {
    /// Where the person is to be at home; the home of whoever invites when absent.
    #[serde(default)]
    pub tenant: Option<String>,
    pub name: String,
    #[serde(default)]
    pub display_name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// Why; asked for where a second person must agree.
    #[serde(default)]
    pub reason: String,
}

/// An invitation. The path is shown once; put the console's address in front of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Invitation {
    /// `/claim#…`: where the person sets a password and a second factor, once.
    pub path: String,
    pub expires_at: String,
}

/// Whom a one-time link lets in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ClaimFor {
    /// `server` (the first administrator), `invitation` (a new account) or `reset` (new factors for an account).
    pub kind: String,
    /// Empty where the person chooses it.
    pub name: String,
    pub display_name: String,
    pub role: String,
    pub expires_at: String,
}

/// A link that was neither used nor withdrawn. The link itself is not kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OpenInvitation {
    pub id: String,
    /// `invitation` (a new account) or `reset` (new factors for an account).
    pub kind: String,
    pub name: String,
    pub display_name: String,
    pub role: String,
    pub created_at: String,
    pub created_by: String,
    pub expires_at: String,
    /// It works no more.
    pub expired: bool,
}

/// Another role for an account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleInput {
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    pub reason: String,
}

/// What I sign in with.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Factors {
    /// An authenticator application.
    pub totp: bool,
    pub passkeys: u64,
    /// The last factor is on its way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal: Option<FactorRemoval>,
    /// This session is for enrolling a factor, and for nothing else until then.
    pub must_enrol: bool,
    pub recovery_codes_left: u64,
    /// Until then no code is asked for again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh_until: Option<String>,
}

/// A fresh factor: a code of the authenticator, a recovery code, or a passkey.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ElevateInput {
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub passkey: Option<PasskeyUsed>,
}

/// A code of the authenticator; where it says so, a recovery code.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeInput {
    pub code: String,
}

/// Another password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current: String,
    pub password: String,
}

/// Shown once, never again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecoveryCodes {
    pub recovery_codes: Vec<String>,
}

/// A list's filter under a name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SavedView {
    pub id: String,
    /// `problems` or `hosts`.
    pub list: String,
    pub name: String,
    pub filter: String,
    /// `all`: all checks rather than problems. Empty otherwise.
    pub scope: String,
    /// `column`, `-column` or empty.
    pub sort: String,
    /// Everybody sees it.
    pub shared: bool,
    /// Whose it is.
    pub owner: String,
    pub mine: bool,
    pub created_at: String,
    pub revision: i64,
}

/// A view to keep, or to change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedViewInput {
    /// `problems` or `hosts`.
    pub list: String,
    pub name: String,
    #[serde(default)]
    pub filter: String,
    #[serde(default)]
    pub scope: String,
    #[serde(default)]
    pub sort: String,
    /// Shows it to everybody.
    #[serde(default)]
    pub shared: bool,
    /// Of the view that is changed.
    #[serde(default)]
    pub revision: Option<i64>,
}

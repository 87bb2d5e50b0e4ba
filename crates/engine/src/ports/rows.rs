//! The rows that cross the store port: what is kept, in plain types. Enumerations cross as their `as_str` words.

use wk_domain::{
    AgentId, ChannelId, Check, CheckId, DowntimeId, EventId, ExecutionId, HostId, InvitationId, Labels,
    NotificationId, SessionId, TenantId, Timestamp, TokenId, UserId, ViewId,
};

/// A watched machine.
#[derive(Debug, Clone, PartialEq)]
pub struct HostRow {
    pub id: HostId,
    pub tenant: TenantId,
    /// Unique within the tenant, lower case.
    pub name: String,
    /// The agent that lives on it, if one does.
    pub agent: Option<AgentId>,
    pub created: Timestamp,
    /// Custom fields set by people (description, group, department, responsible, location, ...), in name order.
    pub fields: Vec<(String, String)>,
    /// What rights and lists may go by.
    pub labels: Labels,
    /// All addresses known, canonical text.
    pub addresses: Vec<String>,
    /// One line for lists: `Debian GNU/Linux 12, Linux 6.1.0`.
    pub os: String,
    pub revision: i64,
}

/// How an agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Active,
    /// Two holders of one key were seen; nothing is accepted until a person decides.
    Quarantined,
    Revoked,
}

impl Standing {
    /// `active`, `quarantined` or `revoked`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Quarantined => "quarantined",
            Self::Revoked => "revoked",
        }
    }

    /// The standing that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Active, Self::Quarantined, Self::Revoked].into_iter().find(|s| s.as_str() == raw)
    }
}

/// An enrolled agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRow {
    pub id: AgentId,
    pub host: HostId,
    pub hostname: String,
    pub standing: Standing,
    /// `host` always; `probe` when it may run checks of other hosts.
    pub grants: Vec<String>,
    pub version: String,
    pub os: String,
    pub enrolled: Timestamp,
    pub enrolled_by_token: TokenId,
    pub last_seen: Option<Timestamp>,
    /// Address of the last link.
    pub last_address: String,
    /// Serial of the newest certificate, lower-case hex.
    pub cert_serial: String,
    pub cert_not_after: Timestamp,
    pub machine_digest: Vec<u8>,
    /// Its own policy file refuses every assignment.
    pub remote_off: bool,
    /// An administrator ended the server's management of it: it is sent nothing to run.
    pub read_only: bool,
    /// Plugins its own policy file allows: name, lower-case hex SHA-256, parameter names.
    pub plugins: Vec<(String, String, Vec<String>)>,
    /// Spool epoch and the last sequence number committed in it.
    pub epoch: u64,
    pub committed_seq: u64,
}

/// A certificate issued to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCertRow {
    /// Lower-case hex.
    pub serial: String,
    pub agent: AgentId,
    /// The certificate that was presented to get this one; none for the first. Unique: a second renewal from one
    /// parent is a cloned key.
    pub parent_serial: Option<String>,
    /// SHA-256 of the public key, lower-case hex.
    pub spki_sha256: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// The certificate, DER.
    pub cert_der: Vec<u8>,
    pub revoked: Option<Timestamp>,
}

/// What came of asking to renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewOutcome {
    /// The new certificate is recorded.
    Recorded,
    /// The same key asked again, and nothing was renewed from what it got: the certificate issued then, once more.
    Repeated(Box<AgentCertRow>),
    /// The presented certificate had already been renewed with another key: both lines are quarantined now.
    Cloned,
    /// The agent is not active.
    Refused,
}

/// An enrolment token. Its secret is not here: only the hash is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRow {
    pub id: TokenId,
    /// Where the host of the agent that enrols with it lands.
    pub tenant: TenantId,
    /// SHA-256 of the secret.
    pub secret_sha256: Vec<u8>,
    pub host_pattern: String,
    pub grants: Vec<String>,
    pub created: Timestamp,
    pub created_by: String,
    pub expires: Timestamp,
    pub used: Option<Timestamp>,
    pub used_by: Option<AgentId>,
    pub withdrawn: Option<Timestamp>,
}

/// A check with everything its runner needs.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckRow {
    pub check: Check,
    /// For probes and plugins: the assignment as JSON, else `{}`.
    pub spec_json: String,
    pub created: Timestamp,
    pub revision: i64,
}

/// The hot state of a check, as the state machine keeps it, with the last output for people.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckStateRow {
    pub check: CheckId,
    pub host: HostId,
    pub state: wk_domain::check_state::CheckState,
    pub reason: String,
    pub output: String,
    pub long_output: String,
    /// JSON array of performance values.
    pub metrics_json: String,
}

/// An entry of the timeline: a transition with its decision trace, an acknowledgement, an inventory change, ...
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    pub id: EventId,
    pub at: Timestamp,
    pub host: Option<HostId>,
    pub check: Option<CheckId>,
    pub agent: Option<AgentId>,
    /// `state`, `ack`, `unack`, `downtime-start`, `downtime-end`, `comment`, `inventory`, `agent`, `notification`,
    /// `security`, `system`.
    pub kind: String,
    /// `info`, `ok`, `warning`, `critical`, `unknown`.
    pub severity: String,
    pub summary: String,
    /// JSON object; for `state` it holds the decision trace.
    pub detail_json: String,
}

/// Who took charge of a problem.
#[derive(Debug, Clone, PartialEq)]
pub struct AckRow {
    pub check: CheckId,
    pub by: String,
    pub at: Timestamp,
    pub note: String,
    pub sticky: bool,
    pub expires: Option<Timestamp>,
}

/// A planned span without notifications, of a host with all its checks or of one check. Fixed: `start <= t < end`.
#[derive(Debug, Clone, PartialEq)]
pub struct DowntimeRow {
    pub id: DowntimeId,
    pub host: HostId,
    pub check: Option<CheckId>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub note: String,
    pub created: Timestamp,
    pub created_by: String,
    pub cancelled: Option<Timestamp>,
    pub cancelled_by: String,
}

/// A way to reach people.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelRow {
    pub id: ChannelId,
    /// It hears of hosts of this tenant and of those below.
    pub tenant: TenantId,
    /// Unique within the tenant.
    pub name: String,
    /// `email` or `webhook`.
    pub kind: String,
    /// JSON without secrets: addresses, server, URL, which severities.
    pub config_json: String,
    /// Sealed secrets (SMTP password, webhook key); never readable through the API.
    pub secret_sealed: Vec<u8>,
    pub enabled: bool,
    pub revision: i64,
}

/// A notification on its way. At least once: `id` marks duplicates for the receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    pub id: NotificationId,
    pub channel: ChannelId,
    pub check: CheckId,
    pub host: HostId,
    /// `problem`, `recovery` or `test`.
    pub kind: String,
    pub created: Timestamp,
    /// What to say, as JSON.
    pub payload_json: String,
    /// `pending`, `delivered`, `failed`.
    pub state: String,
    pub attempts: i64,
    pub next_attempt: Timestamp,
    pub last_error: String,
    pub delivered: Option<Timestamp>,
}

/// One thing of a host's inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct InventoryRow {
    pub host: HostId,
    pub section: String,
    pub key: String,
    /// JSON object of texts.
    pub fields_json: String,
    pub first_seen: Timestamp,
    pub last_changed: Timestamp,
}

/// A change of a host's inventory section.
#[derive(Debug, Clone, PartialEq)]
pub struct InventoryChange {
    pub host: HostId,
    pub section: String,
    /// True: what is not among `upserts` is gone.
    pub full: bool,
    /// Key and fields as a JSON object.
    pub upserts: Vec<(String, String)>,
    pub removed: Vec<String>,
    pub at: Timestamp,
}

/// The record of one execution on an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionRow {
    pub id: ExecutionId,
    pub agent: AgentId,
    pub check: Option<CheckId>,
    pub kind: String,
    pub what: String,
    pub argv: Vec<String>,
    pub sha256: String,
    pub grade: String,
    pub outcome: String,
    pub started: Timestamp,
    pub finished: Timestamp,
}

/// How far an agent's spool is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub agent: AgentId,
    pub epoch: u64,
    pub seq: u64,
    pub at: Timestamp,
}

/// A person's account.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRow {
    pub id: UserId,
    /// Where the person is at home: the role holds there and below.
    pub tenant: TenantId,
    /// Unique, lower case.
    pub name: String,
    pub display_name: String,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// PHC string of the password, argon2id.
    pub password_phc: String,
    /// TOTP seed, sealed; empty until the second factor is confirmed.
    pub totp_sealed: Vec<u8>,
    /// The row's revision under which the seed was sealed: it opens under no other.
    pub totp_revision: i64,
    /// Last TOTP step used: none is accepted twice.
    pub totp_last_step: i64,
    pub created: Timestamp,
    pub disabled: Option<Timestamp>,
    /// Failed sign-ins in a row, durable (the hard cap of 100).
    pub failures: i64,
    pub revision: i64,
}

/// A signed-in session; the id people hold is stored as its SHA-256.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    pub id: SessionId,
    pub token_sha256: Vec<u8>,
    pub user: UserId,
    pub created: Timestamp,
    pub last_used: Timestamp,
    pub address: String,
    pub user_agent: String,
    /// `password+totp`, `password+recovery`, `claim`, ...
    pub method: String,
    pub ended: Option<Timestamp>,
    /// The last fresh second factor: at sign-in, or when asked again for a dangerous act.
    pub elevated: Option<Timestamp>,
}

/// A one-time link, by which a person joins or chooses new factors.
#[derive(Debug, Clone, PartialEq)]
pub struct InvitationRow {
    pub id: InvitationId,
    /// Home of the account it makes, or renews.
    pub tenant: TenantId,
    pub secret_sha256: Vec<u8>,
    /// Whose factors it renews; nobody's for a new account.
    pub person: Option<UserId>,
    pub name: String,
    pub display_name: String,
    pub role: String,
    pub created: Timestamp,
    pub created_by: String,
    pub expires: Timestamp,
    pub used: Option<Timestamp>,
    pub withdrawn: Option<Timestamp>,
}

/// What is known of an account beside its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    pub user: UserId,
    pub recovery_left: u64,
    pub passkeys: u64,
    pub last_sign_in: Option<Timestamp>,
}

/// A change of an account with all that belongs to it.
#[derive(Debug, Clone)]
pub struct UserChange {
    /// At the revision that was read.
    pub user: UserRow,
    /// Replaces all passkeys; enrolled devices go with them.
    pub passkeys: Option<Vec<super::passkeys::PasskeyRow>>,
    /// Replaces all recovery codes.
    pub recovery_sha256: Option<Vec<Vec<u8>>>,
    /// Sets the durable count of failures.
    pub failures: Option<i64>,
    /// Ends the person's sessions.
    pub end_sessions: Option<EndSessions>,
    /// Makes a link with it.
    pub invite: Option<InvitationRow>,
    /// Uses a link up by it.
    pub burn: Option<(InvitationId, Timestamp)>,
    /// It sets the password, or takes it away.
    pub password: Option<super::passwords::PasswordSet>,
}

impl UserChange {
    /// Only the row.
    pub fn of(user: UserRow) -> Self {
        Self {
            user,
            passkeys: None,
            recovery_sha256: None,
            failures: None,
            end_sessions: None,
            invite: None,
            burn: None,
            password: None,
        }
    }
}

/// Which sessions end, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndSessions {
    pub keep: Option<SessionId>,
    pub at: Timestamp,
}

/// A list's filter under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRow {
    pub id: ViewId,
    /// The home of its owner when it was made: shown there and below.
    pub tenant: TenantId,
    pub owner: UserId,
    /// `problems` or `hosts`.
    pub list: String,
    /// Unique among the owner's views of the list.
    pub name: String,
    pub filter: String,
    pub scope: String,
    pub sort: String,
    /// Shown to everybody.
    pub shared: bool,
    pub created: Timestamp,
    pub revision: i64,
}

/// A committed audit entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// From 0, without gaps: the leaf's index.
    pub seq: u64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub object: String,
    pub outcome: String,
    /// The canonical entry: the leaf's bytes.
    pub entry_json: String,
    /// RFC 6962 leaf hash.
    pub leaf_hash: [u8; 32],
}

/// Everything that one round of ingest changes. One transaction, or nothing.
#[derive(Debug, Clone, Default)]
pub struct IngestCommit {
    pub cursors: Vec<Cursor>,
    pub new_checks: Vec<CheckRow>,
    pub states: Vec<CheckStateRow>,
    pub clear_acks: Vec<CheckId>,
    pub events: Vec<EventRow>,
    pub outbox: Vec<OutboxRow>,
    pub inventory: Vec<InventoryChange>,
    pub executions: Vec<ExecutionRow>,
    pub hosts: Vec<HostRow>,
    pub audit: Vec<wk_audit::Draft>,
}

/// Asks for a part of a list: newest or first by key, after a cursor.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Rows at most, 1 to 501: one more than a list shows tells whether there is a next page.
    pub limit: u32,
    /// The last row's key of the page before, as that list gave it.
    pub after: Option<String>,
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    pub host: Option<HostId>,
    pub check: Option<CheckId>,
    pub kinds: Vec<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Which audit entries to list.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub actor: Option<String>,
    pub action_prefix: Option<String>,
    pub object: Option<String>,
    pub outcome: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// Sizes for people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreHealth {
    /// `SQLite 3.46` or `PostgreSQL 15.8`.
    pub engine: String,
    pub schema_version: i64,
    pub bytes: u64,
    pub outbox_pending: u64,
    pub outbox_failed: u64,
    pub audit_entries: u64,
    pub events: u64,
    /// How the database itself keeps tenants apart.
    pub tenant_wall: String,
}

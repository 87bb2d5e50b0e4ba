//! The store port: all that is kept beside metrics. Whoever fills it owns the SQL; nobody else writes any.
//!
//! Every method that changes something for a person takes the audit [`Draft`] and commits it in the same transaction:
//! either both are there afterwards or neither is.

use std::fmt::Debug;

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{
    AgentId, ChannelId, CheckId, DowntimeId, HostId, InvitationId, NotificationId, SessionId, TenantId,
    Timestamp, TokenId, UserId, ViewId,
};

use super::rows::*;
use super::tenants::TenantScope;

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer; nothing was changed. Trying again later is safe.
    #[error("the database does not answer: {detail}")]
    Unavailable { detail: String },
    /// The disk is full or read-only; nothing was changed.
    #[error("the database cannot write: {detail}")]
    CannotWrite { detail: String },
    /// What was to be changed is not there.
    #[error("{what} is not there")]
    NotFound { what: &'static str },
    /// The change would break a rule, such as a name that is taken.
    #[error("{what}")]
    Conflict { what: String },
    /// The database holds something this program cannot read.
    #[error("the database holds a value this program cannot read: {detail}")]
    Corrupt { detail: String },
    /// The database was written by a newer program.
    #[error(
        "the database has schema version {found}; this program knows up to {known}. Start the newer program"
    )]
    TooNew { found: i64, known: i64 },
    #[error("cannot {what}: {detail}")]
    Other { what: &'static str, detail: String },
}

/// Shorthand.
pub type Result<T> = std::result::Result<T, StoreError>;

/// All that is kept beside metrics.
#[async_trait]
pub trait Store:
    super::access::AccessStore
    + super::api_tokens::ApiTokenStore
    + super::approvals::ApprovalStore
    + super::reviews::ReviewStore
    + super::outside::OutsideStore
    + super::passkeys::PasskeyStore
    + super::passwords::PasswordStore
    + super::tenants::TenantStore
    + Send
    + Sync
    + Debug
{
    // Ingest ---------------------------------------------------------------------------------------------------------
    /// One round of ingest, whole or not at all. A cursor moves only forward within its epoch; a cursor with a new
    /// epoch replaces the old.
    async fn commit_ingest(&self, commit: IngestCommit) -> Result<()>;

    // Configuration --------------------------------------------------------------------------------------------------
    /// How often hosts, checks and channels were made, changed or removed: one for each, in the transaction that did
    /// it, whoever did it. Never goes down.
    async fn revision(&self) -> Result<u64>;

    // Hosts and checks -----------------------------------------------------------------------------------------------
    async fn hosts(&self) -> Result<Vec<HostRow>>;
    async fn host(&self, id: HostId) -> Result<Option<HostRow>>;
    async fn host_by_name(&self, tenant: TenantId, name: &str) -> Result<Option<HostRow>>;
    /// Inserts (revision 0) or replaces (by id, at the revision that was read). Conflict when another host of the
    /// tenant has the name, or the revision moved on; not found when it was removed meanwhile. When the tenant changes, all
    /// that hangs on the host moves along, its timeline included; audit entries stay where they were.
    async fn put_host(&self, host: HostRow, audit: Draft) -> Result<HostRow>;
    /// Removes a host with its checks, states, inventory and downtimes; events and audit stay.
    async fn delete_host(&self, id: HostId, audit: Draft) -> Result<()>;
    async fn checks(&self) -> Result<Vec<CheckRow>>;
    async fn check(&self, id: CheckId) -> Result<Option<CheckRow>>;
    /// Inserts or replaces (by id). Conflict when the host has another check with the key, or the revision moved on.
    async fn put_check(&self, check: CheckRow, audit: Draft) -> Result<CheckRow>;
    async fn delete_check(&self, id: CheckId, audit: Draft) -> Result<()>;
    async fn check_states(&self) -> Result<Vec<CheckStateRow>>;

    // What people do about problems ----------------------------------------------------------------------------------
    async fn acks(&self) -> Result<Vec<AckRow>>;
    /// Puts the acknowledgement, the changed state and the event.
    async fn put_ack(&self, ack: AckRow, state: CheckStateRow, event: EventRow, audit: Draft) -> Result<()>;
    async fn remove_ack(
        &self,
        check: CheckId,
        state: CheckStateRow,
        event: EventRow,
        audit: Draft,
    ) -> Result<()>;
    /// Downtimes that are not over at `now` and not cancelled.
    async fn downtimes(&self, now: Timestamp) -> Result<Vec<DowntimeRow>>;
    async fn put_downtime(&self, downtime: DowntimeRow, event: EventRow, audit: Draft) -> Result<()>;
    async fn cancel_downtime(
        &self,
        id: DowntimeId,
        at: Timestamp,
        by: &str,
        event: EventRow,
        audit: Draft,
    ) -> Result<()>;
    /// Newest first; the cursor is the event's id.
    async fn events(&self, scope: &TenantScope, filter: EventFilter, page: Page) -> Result<Vec<EventRow>>;
    async fn put_event(&self, event: EventRow, audit: Option<Draft>) -> Result<()>;

    // Agents ---------------------------------------------------------------------------------------------------------
    async fn agents(&self) -> Result<Vec<AgentRow>>;
    async fn agent(&self, id: AgentId) -> Result<Option<AgentRow>>;
    async fn tokens(&self, scope: &TenantScope) -> Result<Vec<TokenRow>>;
    async fn token(&self, id: TokenId) -> Result<Option<TokenRow>>;
    async fn put_token(&self, token: TokenRow, audit: Draft) -> Result<()>;
    async fn withdraw_token(&self, id: TokenId, at: Timestamp, audit: Draft) -> Result<()>;
    /// Burns the token and writes host (new, or the one without an agent that has the name), agent and certificate:
    /// all in one transaction. Conflict when the token is used, withdrawn or expired by now, or the host has an agent.
    async fn enrol(
        &self,
        token: TokenId,
        now: Timestamp,
        host: HostRow,
        agent: AgentRow,
        cert: AgentCertRow,
        audit: Draft,
    ) -> Result<()>;
    /// Records a link that opened: last seen, address, version, remote switch, plugins.
    async fn agent_seen(&self, agent: AgentRow, audit: Option<Draft>) -> Result<()>;
    /// Revoking is final, revokes the agent's certificates, and leaves its host without an agent.
    async fn set_standing(
        &self,
        id: AgentId,
        standing: Standing,
        event: EventRow,
        audit: Draft,
    ) -> Result<()>;
    /// Ends or begins the server's management of an agent.
    async fn set_read_only(&self, id: AgentId, read_only: bool, event: EventRow, audit: Draft) -> Result<()>;
    async fn agent_certs(&self, id: AgentId) -> Result<Vec<AgentCertRow>>;
    /// Records a renewal from `cert.parent_serial`; see [`RenewOutcome`]. On `Cloned` the agent is quarantined, and
    /// `clone_event` and `clone_audit` are written, in the same transaction.
    async fn renew(
        &self,
        cert: AgentCertRow,
        now: Timestamp,
        audit: Draft,
        clone_event: EventRow,
        clone_audit: Draft,
    ) -> Result<RenewOutcome>;
    /// Serials and agents that may not connect: revoked certificates that are not expired, and agents not active.
    async fn deny_list(&self, now: Timestamp) -> Result<(Vec<String>, Vec<AgentId>)>;
    /// Newest first; the cursor is the execution's id.
    async fn executions(
        &self,
        scope: &TenantScope,
        agent: Option<AgentId>,
        check: Option<CheckId>,
        page: Page,
    ) -> Result<Vec<ExecutionRow>>;

    // Inventory ------------------------------------------------------------------------------------------------------
    /// By section and key; the cursor is `section/key`.
    async fn inventory(
        &self,
        scope: &TenantScope,
        host: HostId,
        section: Option<&str>,
        page: Page,
    ) -> Result<Vec<InventoryRow>>;
    /// How many items each section has.
    async fn inventory_counts(&self, scope: &TenantScope, host: HostId) -> Result<Vec<(String, u64)>>;

    // Notifications --------------------------------------------------------------------------------------------------
    async fn channels(&self) -> Result<Vec<ChannelRow>>;
    async fn put_channel(&self, channel: ChannelRow, audit: Draft) -> Result<ChannelRow>;
    async fn delete_channel(&self, id: ChannelId, audit: Draft) -> Result<()>;
    /// Pending rows that are due, oldest first.
    async fn outbox_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>>;
    /// For each channel up to 16 rows to send next, oldest first: those that are due, leaving out rows behind an older
    /// pending one of the same channel and check, due or not, so that a recovery never overtakes its problem. Tests go
    /// first and wait for nothing. Each channel's first row comes before anybody's second.
    async fn outbox_ready(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>>;
    /// Newest first.
    async fn outbox_recent(&self, scope: &TenantScope, page: Page) -> Result<Vec<OutboxRow>>;
    async fn put_outbox(&self, row: OutboxRow, audit: Option<Draft>) -> Result<()>;
    async fn outbox_delivered(&self, id: NotificationId, at: Timestamp, event: EventRow) -> Result<()>;
    /// Counts the attempt; `give_up` makes it `failed`.
    async fn outbox_failed(
        &self,
        id: NotificationId,
        next: Timestamp,
        error: &str,
        give_up: bool,
    ) -> Result<()>;

    // People ---------------------------------------------------------------------------------------------------------
    async fn users(&self) -> Result<Vec<UserRow>>;
    async fn user(&self, id: UserId) -> Result<Option<UserRow>>;
    async fn user_by_name(&self, name: &str) -> Result<Option<UserRow>>;
    /// Conflict when the name is taken.
    async fn create_user(&self, user: UserRow, recovery_sha256: Vec<Vec<u8>>, audit: Draft) -> Result<()>;
    /// Conflict when the name is taken or the revision moved on. Leaves `failures` alone, and `totp_last_step` only
    /// goes up.
    async fn update_user(&self, user: UserRow, audit: Draft) -> Result<()>;
    /// Changes an account as a whole; see [`UserChange`]. Conflict as [`Store::update_user`], when the link to burn is
    /// used, withdrawn or over, and when nobody would be left who administers the server.
    async fn change_user(&self, change: UserChange, audit: Vec<Draft>) -> Result<()>;
    /// Burns the link and makes the account. Conflict when the name is taken, or the link is used, withdrawn or over.
    async fn join(
        &self,
        invitation: InvitationId,
        user: UserRow,
        recovery_sha256: Vec<Vec<u8>>,
        audit: Draft,
    ) -> Result<()>;
    /// What is known of each account beside its row.
    async fn user_facts(&self) -> Result<Vec<UserFacts>>;
    /// Puts a link; older open ones for the name are withdrawn.
    async fn put_invitation(&self, row: InvitationRow, audit: Draft) -> Result<()>;
    /// The link with this digest, whatever became of it.
    async fn invitation_by_secret(&self, secret_sha256: &[u8]) -> Result<Option<InvitationRow>>;
    /// Links that were neither used nor withdrawn, newest first; some may be over.
    async fn invitations(&self, scope: &TenantScope) -> Result<Vec<InvitationRow>>;
    async fn withdraw_invitation(&self, id: InvitationId, at: Timestamp, audit: Draft) -> Result<()>;
    /// Moves `totp_last_step` forward to `step`; false when it was used already.
    async fn burn_totp_step(&self, id: UserId, step: i64) -> Result<bool>;
    async fn replace_recovery(&self, id: UserId, recovery_sha256: Vec<Vec<u8>>, audit: Draft) -> Result<()>;
    /// Burns a recovery code; false when it is not (or no longer) one of the user's.
    async fn burn_recovery(&self, id: UserId, code_sha256: &[u8]) -> Result<bool>;
    /// Sets the durable failure count, with the audit record of the attempt.
    async fn set_failures(&self, id: UserId, failures: i64, audit: Draft) -> Result<()>;
    async fn put_session(&self, session: SessionRow, audit: Draft) -> Result<()>;
    /// The session under this token that has not ended, with its account, which may be disabled.
    async fn session_by_token(&self, token_sha256: &[u8]) -> Result<Option<(SessionRow, UserRow)>>;
    /// A fresh second factor: the session goes on under a new token.
    async fn elevate_session(
        &self,
        id: SessionId,
        token_sha256: Vec<u8>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()>;
    async fn touch_session(&self, id: SessionId, at: Timestamp) -> Result<()>;
    async fn sessions(&self, user: UserId) -> Result<Vec<SessionRow>>;
    async fn end_session(&self, id: SessionId, at: Timestamp, audit: Draft) -> Result<()>;
    /// Ends all sessions of the user but `keep`.
    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()>;

    // Saved views ----------------------------------------------------------------------------------------------------
    /// The person's own, and what others share in these tenants; by name.
    async fn views(&self, scope: &TenantScope, user: UserId) -> Result<Vec<ViewRow>>;
    async fn view(&self, id: ViewId) -> Result<Option<ViewRow>>;
    /// Inserts (revision 0) or replaces (by id, at the revision that was read). Conflict when the owner has another of
    /// that name in the list.
    async fn put_view(&self, view: ViewRow, audit: Draft) -> Result<ViewRow>;
    async fn delete_view(&self, id: ViewId, audit: Draft) -> Result<()>;

    // Evidence and settings ------------------------------------------------------------------------------------------
    /// A security event or a refused act, on its own.
    async fn append_audit(&self, audit: Vec<Draft>) -> Result<()>;
    /// Newest first; the cursor is the entry's seq.
    async fn audit(&self, scope: &TenantScope, filter: AuditFilter, page: Page) -> Result<Vec<AuditRow>>;
    /// In order, from `seq`: for verification and export.
    async fn audit_from(&self, seq: u64, limit: u32) -> Result<Vec<AuditRow>>;
    async fn setting(&self, key: &str) -> Result<Option<String>>;
    /// Every change of a setting that a person makes has an audit record; the program's own bookkeeping has none.
    async fn put_setting(&self, key: &str, value: &str, audit: Option<Draft>) -> Result<()>;
    /// Puts only if absent; true when it did. For one-time things.
    async fn claim_setting(&self, key: &str, value: &str, audit: Option<Draft>) -> Result<bool>;
    async fn health(&self) -> Result<StoreHealth>;
    /// Deletes what retention no longer keeps: events, notifications and sessions that are over from before the first
    /// instant (of its sessions an account keeps the newest); executions and what counted once at a provider from before
    /// the second. Audit stays.
    async fn prune(&self, events_before: Timestamp, executions_before: Timestamp) -> Result<u64>;
    /// Flushes and closes.
    async fn close(&self);
}

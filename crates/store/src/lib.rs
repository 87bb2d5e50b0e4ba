//! The store: all that is kept beside metrics, on SQLite or PostgreSQL, by one code path.
//!
//! One file per aggregate; only this crate speaks SQL. A method is one transaction, its audit entry included.
//! Not here: rules of the domain, who may do what, and metrics.

mod access;
mod agents;
mod api_tokens;
mod approvals;
mod audit_log;
mod checks;
mod claim;
mod db;
mod error;
mod events;
mod hosts;
mod ingest;
mod inventory;
mod invitations;
mod lock;
mod migrate;
mod notify;
mod open;
mod outside;
mod passkeys;
mod passwords;
mod people;
mod problems;
mod reviews;
mod sessions;
mod sql;
mod states;
mod tenants;
mod tokens;
mod upkeep;
mod url;
mod value;
mod views;

use std::fmt;

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::id::Kind;
use wk_domain::{
    AgentId, ChannelId, CheckId, DowntimeId, HostId, Id, InvitationId, NotificationId, SessionId, Tenant,
    TenantId, Timestamp, TokenId, UserId, ViewId,
};
use wk_engine::ports::rows::*;
use wk_engine::ports::store::{Result, Store};
use wk_engine::ports::tenants::{SecondWall, TenantCounts, TenantScope, TenantStore};

pub use db::Engine;
pub use lock::{DataDirLock, LockError};
pub use migrate::SCHEMA_VERSION;
pub use open::Access;
pub use url::{StoreUrl, StoreUrlError};

/// The store on SQLite or PostgreSQL.
#[derive(Clone)]
pub struct SqlStore {
    db: db::Db,
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("engine", &self.db.engine()).finish_non_exhaustive()
    }
}

impl SqlStore {
    /// How the database goes about [`Store::outbox_ready`], line by line: a test looks for the index.
    ///
    /// # Errors
    /// As every read.
    #[doc(hidden)]
    pub async fn explain_outbox(&self) -> Result<Vec<String>> {
        notify::explain_ready(&self.db).await
    }

    /// The tenants of the rows of each table that statements without any condition show to whoever has these eyes: a test
    /// takes the first wall away, and looks whether the second stands.
    ///
    /// # Errors
    /// As every read.
    #[doc(hidden)]
    pub async fn without_conditions(
        &self,
        scope: &TenantScope,
    ) -> Result<Vec<(&'static str, Vec<TenantId>)>> {
        tenants::without_conditions(&self.db, scope).await
    }
}

/// Rows of a page: 1 to 501, 100 when not said. One more than people are shown, to know whether there is a next page.
fn limit(page: &Page) -> u32 {
    match page.limit {
        0 => 100,
        n => n.min(501),
    }
}

/// A cursor that is an id.
fn parse_id<K: Kind>(raw: &str) -> Result<Id<K>> {
    raw.parse().map_err(|e| error::conflict(format!("the page's cursor is not one of this list: {e}")))
}

/// A cursor that is a number.
fn parse_cursor(raw: &str) -> Result<u64> {
    raw.parse().map_err(|_| error::conflict("the page's cursor is not a number of this list"))
}

#[async_trait]
impl Store for SqlStore {
    async fn commit_ingest(&self, commit: IngestCommit) -> Result<()> {
        ingest::commit(&self.db, commit).await
    }
    async fn revision(&self) -> Result<u64> {
        upkeep::revision(&self.db).await
    }

    async fn hosts(&self) -> Result<Vec<HostRow>> {
        hosts::all(&self.db).await
    }
    async fn host(&self, id: HostId) -> Result<Option<HostRow>> {
        hosts::one(&self.db, id).await
    }
    async fn host_by_name(&self, tenant: TenantId, name: &str) -> Result<Option<HostRow>> {
        hosts::by_name(&self.db, tenant, name).await
    }
    async fn put_host(&self, host: HostRow, audit: Draft) -> Result<HostRow> {
        hosts::put(&self.db, host, audit).await
    }
    async fn delete_host(&self, id: HostId, audit: Draft) -> Result<()> {
        hosts::delete(&self.db, id, audit).await
    }
    async fn checks(&self) -> Result<Vec<CheckRow>> {
        checks::all(&self.db).await
    }
    async fn check(&self, id: CheckId) -> Result<Option<CheckRow>> {
        checks::one(&self.db, id).await
    }
    async fn put_check(&self, check: CheckRow, audit: Draft) -> Result<CheckRow> {
        checks::put(&self.db, check, audit).await
    }
    async fn delete_check(&self, id: CheckId, audit: Draft) -> Result<()> {
        checks::delete(&self.db, id, audit).await
    }
    async fn check_states(&self) -> Result<Vec<CheckStateRow>> {
        states::all(&self.db).await
    }

    async fn acks(&self) -> Result<Vec<AckRow>> {
        problems::acks(&self.db).await
    }
    async fn put_ack(&self, ack: AckRow, state: CheckStateRow, event: EventRow, audit: Draft) -> Result<()> {
        problems::put_ack(&self.db, ack, state, event, audit).await
    }
    async fn remove_ack(
        &self,
        check: CheckId,
        state: CheckStateRow,
        event: EventRow,
        audit: Draft,
    ) -> Result<()> {
        problems::remove_ack(&self.db, check, state, event, audit).await
    }
    async fn downtimes(&self, now: Timestamp) -> Result<Vec<DowntimeRow>> {
        problems::downtimes(&self.db, now).await
    }
    async fn put_downtime(&self, downtime: DowntimeRow, event: EventRow, audit: Draft) -> Result<()> {
        problems::put_downtime(&self.db, downtime, event, audit).await
    }
    async fn cancel_downtime(
        &self,
        id: DowntimeId,
        at: Timestamp,
        by: &str,
        event: EventRow,
        audit: Draft,
    ) -> Result<()> {
        problems::cancel_downtime(&self.db, id, at, by, event, audit).await
    }
    async fn events(&self, scope: &TenantScope, filter: EventFilter, page: Page) -> Result<Vec<EventRow>> {
        events::list(&self.db, scope, filter, page).await
    }
    async fn put_event(&self, event: EventRow, audit: Option<Draft>) -> Result<()> {
        events::put(&self.db, event, audit).await
    }

    async fn agents(&self) -> Result<Vec<AgentRow>> {
        agents::all(&self.db).await
    }
    async fn agent(&self, id: AgentId) -> Result<Option<AgentRow>> {
        agents::one(&self.db, id).await
    }
    async fn tokens(&self, scope: &TenantScope) -> Result<Vec<TokenRow>> {
        tokens::all(&self.db, scope).await
    }
    async fn token(&self, id: TokenId) -> Result<Option<TokenRow>> {
        tokens::one(&self.db, id).await
    }
    async fn put_token(&self, token: TokenRow, audit: Draft) -> Result<()> {
        tokens::put(&self.db, token, audit).await
    }
    async fn withdraw_token(&self, id: TokenId, at: Timestamp, audit: Draft) -> Result<()> {
        tokens::withdraw(&self.db, id, at, audit).await
    }
    async fn enrol(
        &self,
        token: TokenId,
        now: Timestamp,
        host: HostRow,
        agent: AgentRow,
        cert: AgentCertRow,
        audit: Draft,
    ) -> Result<()> {
        tokens::enrol(&self.db, token, now, host, agent, cert, audit).await
    }
    async fn agent_seen(&self, agent: AgentRow, audit: Option<Draft>) -> Result<()> {
        agents::seen(&self.db, agent, audit).await
    }
    async fn set_standing(
        &self,
        id: AgentId,
        standing: Standing,
        event: EventRow,
        audit: Draft,
    ) -> Result<()> {
        agents::set_standing(&self.db, id, standing, event, audit).await
    }
    async fn set_read_only(&self, id: AgentId, read_only: bool, event: EventRow, audit: Draft) -> Result<()> {
        agents::set_read_only(&self.db, id, read_only, event, audit).await
    }
    async fn agent_certs(&self, id: AgentId) -> Result<Vec<AgentCertRow>> {
        agents::certs(&self.db, id).await
    }
    async fn renew(
        &self,
        cert: AgentCertRow,
        now: Timestamp,
        audit: Draft,
        clone_event: EventRow,
        clone_audit: Draft,
    ) -> Result<RenewOutcome> {
        agents::renew(&self.db, cert, now, audit, clone_event, clone_audit).await
    }
    async fn deny_list(&self, now: Timestamp) -> Result<(Vec<String>, Vec<AgentId>)> {
        agents::deny_list(&self.db, now).await
    }
    async fn executions(
        &self,
        scope: &TenantScope,
        agent: Option<AgentId>,
        check: Option<CheckId>,
        page: Page,
    ) -> Result<Vec<ExecutionRow>> {
        agents::executions(&self.db, scope, agent, check, page).await
    }

    async fn inventory(
        &self,
        scope: &TenantScope,
        host: HostId,
        section: Option<&str>,
        page: Page,
    ) -> Result<Vec<InventoryRow>> {
        inventory::list(&self.db, scope, host, section, page).await
    }
    async fn inventory_counts(&self, scope: &TenantScope, host: HostId) -> Result<Vec<(String, u64)>> {
        inventory::counts(&self.db, scope, host).await
    }

    async fn channels(&self) -> Result<Vec<ChannelRow>> {
        notify::channels(&self.db).await
    }
    async fn put_channel(&self, channel: ChannelRow, audit: Draft) -> Result<ChannelRow> {
        notify::put_channel(&self.db, channel, audit).await
    }
    async fn delete_channel(&self, id: ChannelId, audit: Draft) -> Result<()> {
        notify::delete_channel(&self.db, id, audit).await
    }
    async fn outbox_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
        notify::due(&self.db, now, limit).await
    }
    async fn outbox_ready(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
        notify::ready(&self.db, now, limit).await
    }
    async fn outbox_recent(&self, scope: &TenantScope, page: Page) -> Result<Vec<OutboxRow>> {
        notify::recent(&self.db, scope, page).await
    }
    async fn put_outbox(&self, row: OutboxRow, audit: Option<Draft>) -> Result<()> {
        notify::put(&self.db, row, audit).await
    }
    async fn outbox_delivered(&self, id: NotificationId, at: Timestamp, event: EventRow) -> Result<()> {
        notify::delivered(&self.db, id, at, event).await
    }
    async fn outbox_failed(
        &self,
        id: NotificationId,
        next: Timestamp,
        error: &str,
        give_up: bool,
    ) -> Result<()> {
        notify::failed(&self.db, id, next, error, give_up).await
    }

    async fn users(&self) -> Result<Vec<UserRow>> {
        people::all(&self.db).await
    }
    async fn user(&self, id: UserId) -> Result<Option<UserRow>> {
        people::one(&self.db, id).await
    }
    async fn user_by_name(&self, name: &str) -> Result<Option<UserRow>> {
        people::by_name(&self.db, name).await
    }
    async fn create_user(&self, user: UserRow, recovery_sha256: Vec<Vec<u8>>, audit: Draft) -> Result<()> {
        people::create(&self.db, user, recovery_sha256, audit).await
    }
    async fn update_user(&self, user: UserRow, audit: Draft) -> Result<()> {
        people::update(&self.db, user, audit).await
    }
    async fn change_user(&self, change: UserChange, audit: Vec<Draft>) -> Result<()> {
        people::change(&self.db, change, audit).await
    }
    async fn join(
        &self,
        invitation: InvitationId,
        user: UserRow,
        recovery_sha256: Vec<Vec<u8>>,
        audit: Draft,
    ) -> Result<()> {
        people::join(&self.db, invitation, user, recovery_sha256, audit).await
    }
    async fn user_facts(&self) -> Result<Vec<UserFacts>> {
        people::facts(&self.db).await
    }
    async fn put_invitation(&self, row: InvitationRow, audit: Draft) -> Result<()> {
        invitations::put(&self.db, row, audit).await
    }
    async fn invitation_by_secret(&self, secret_sha256: &[u8]) -> Result<Option<InvitationRow>> {
        invitations::by_secret(&self.db, secret_sha256).await
    }
    async fn invitations(&self, scope: &TenantScope) -> Result<Vec<InvitationRow>> {
        invitations::open(&self.db, scope).await
    }
    async fn withdraw_invitation(&self, id: InvitationId, at: Timestamp, audit: Draft) -> Result<()> {
        invitations::withdraw(&self.db, id, at, audit).await
    }
    async fn elevate_session(
        &self,
        id: SessionId,
        token_sha256: Vec<u8>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()> {
        sessions::elevate(&self.db, id, token_sha256, at, audit).await
    }
    async fn views(&self, scope: &TenantScope, user: UserId) -> Result<Vec<ViewRow>> {
        views::of(&self.db, scope, user).await
    }
    async fn view(&self, id: ViewId) -> Result<Option<ViewRow>> {
        views::one(&self.db, id).await
    }
    async fn put_view(&self, view: ViewRow, audit: Draft) -> Result<ViewRow> {
        views::put(&self.db, view, audit).await
    }
    async fn delete_view(&self, id: ViewId, audit: Draft) -> Result<()> {
        views::delete(&self.db, id, audit).await
    }
    async fn burn_totp_step(&self, id: UserId, step: i64) -> Result<bool> {
        people::burn_totp_step(&self.db, id, step).await
    }
    async fn replace_recovery(&self, id: UserId, recovery_sha256: Vec<Vec<u8>>, audit: Draft) -> Result<()> {
        people::replace_recovery(&self.db, id, recovery_sha256, audit).await
    }
    async fn burn_recovery(&self, id: UserId, code_sha256: &[u8]) -> Result<bool> {
        people::burn_recovery(&self.db, id, code_sha256).await
    }
    async fn set_failures(&self, id: UserId, failures: i64, audit: Draft) -> Result<()> {
        people::set_failures(&self.db, id, failures, audit).await
    }
    async fn put_session(&self, session: SessionRow, audit: Draft) -> Result<()> {
        sessions::put(&self.db, session, audit).await
    }
    async fn session_by_token(&self, token_sha256: &[u8]) -> Result<Option<(SessionRow, UserRow)>> {
        sessions::by_token(&self.db, token_sha256).await
    }
    async fn touch_session(&self, id: SessionId, at: Timestamp) -> Result<()> {
        sessions::touch(&self.db, id, at).await
    }
    async fn sessions(&self, user: UserId) -> Result<Vec<SessionRow>> {
        sessions::of(&self.db, user).await
    }
    async fn end_session(&self, id: SessionId, at: Timestamp, audit: Draft) -> Result<()> {
        sessions::end(&self.db, id, at, audit).await
    }
    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()> {
        sessions::end_all(&self.db, user, keep, at, audit).await
    }

    async fn append_audit(&self, audit: Vec<Draft>) -> Result<()> {
        let mut tx = self.db.begin().await?;
        audit_log::append(&mut tx, audit).await?;
        tx.commit().await
    }
    async fn audit(&self, scope: &TenantScope, filter: AuditFilter, page: Page) -> Result<Vec<AuditRow>> {
        audit_log::list(&self.db, scope, filter, page).await
    }
    async fn audit_from(&self, seq: u64, limit: u32) -> Result<Vec<AuditRow>> {
        audit_log::from(&self.db, seq, limit).await
    }
    async fn setting(&self, key: &str) -> Result<Option<String>> {
        upkeep::setting(&self.db, key).await
    }
    async fn put_setting(&self, key: &str, value: &str, audit: Option<Draft>) -> Result<()> {
        upkeep::put_setting(&self.db, key, value, audit).await
    }
    async fn claim_setting(&self, key: &str, value: &str, audit: Option<Draft>) -> Result<bool> {
        upkeep::claim_setting(&self.db, key, value, audit).await
    }
    async fn health(&self) -> Result<StoreHealth> {
        upkeep::health(&self.db).await
    }
    async fn prune(&self, events_before: Timestamp, executions_before: Timestamp) -> Result<u64> {
        upkeep::prune(&self.db, events_before, executions_before).await
    }
    async fn close(&self) {
        self.db.close().await;
    }
}

#[async_trait]
impl TenantStore for SqlStore {
    async fn tenants(&self) -> Result<Vec<Tenant>> {
        tenants::all(&self.db).await
    }
    async fn put_tenant(&self, tenant: Tenant, audit: Draft) -> Result<Tenant> {
        tenants::put(&self.db, tenant, audit).await
    }
    async fn delete_tenant(&self, id: TenantId, audit: Draft) -> Result<()> {
        tenants::delete(&self.db, id, audit).await
    }
    async fn tenant_counts(&self) -> Result<Vec<TenantCounts>> {
        tenants::counts(&self.db).await
    }
    async fn people(&self, scope: &TenantScope) -> Result<Vec<UserRow>> {
        people::seen(&self.db, scope).await
    }
    fn second_wall(&self) -> SecondWall {
        self.db.wall()
    }
}

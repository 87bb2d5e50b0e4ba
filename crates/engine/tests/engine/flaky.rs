//! A store that fails on order: everything else goes to the real one.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use wk_audit::Draft;
use wk_domain::{
    AgentId, ChannelId, CheckId, DowntimeId, HostId, InvitationId, NotificationId, SessionId, TenantId,
    Timestamp, TokenId, UserId, ViewId,
};
use wk_engine::ports::rows::*;
use wk_engine::ports::store::Result;
use wk_engine::ports::{Store, StoreError, TenantScope};

/// Looks at a commit and says how it fails, if it does.
type Judge = Box<dyn FnMut(&IngestCommit) -> Option<StoreError> + Send>;

/// What happens once the store has committed, before anybody hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// A fault of the program.
    Panic,
    /// The answer is lost on the way.
    Lost,
    /// It never comes.
    Hang,
}

/// The real store, with a finger on the commits of the first walk.
pub(crate) struct Flaky {
    pub(crate) real: Arc<dyn Store>,
    judge: Mutex<Option<Judge>>,
    after: Mutex<Option<After>>,
    /// Waited for twice after the next change of tenants: when it is made, and before anybody hears of it.
    pub(crate) paused: Mutex<Option<Arc<tokio::sync::Barrier>>>,
}

impl std::fmt::Debug for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Flaky")
    }
}

impl Flaky {
    pub(crate) fn new(real: Arc<dyn Store>) -> Self {
        Self { real, judge: Mutex::new(None), after: Mutex::new(None), paused: Mutex::new(None) }
    }

    /// From now on, asks `judge` before each commit of a round.
    pub(crate) fn judge(&self, judge: impl FnMut(&IngestCommit) -> Option<StoreError> + Send + 'static) {
        *self.judge.lock() = Some(Box::new(judge));
    }

    /// Works again.
    pub(crate) fn heal(&self) {
        *self.judge.lock() = None;
    }

    /// After the next batch or enrolment that is committed.
    pub(crate) fn after(&self, after: After) {
        *self.after.lock() = Some(after);
    }

    /// The next change of tenants stops once it is made, until both have waited twice.
    #[allow(dead_code)] // Of two crates that test with this, one needs it.
    pub(crate) fn pause_tenants(&self) -> Arc<tokio::sync::Barrier> {
        let pause = Arc::new(tokio::sync::Barrier::new(2));
        *self.paused.lock() = Some(Arc::clone(&pause));
        pause
    }

    async fn aftermath(&self) -> Result<()> {
        let after = self.after.lock().take();
        match after {
            None => Ok(()),
            Some(After::Panic) => panic!("injected: the program ends here"),
            Some(After::Lost) => Err(StoreError::Unavailable { detail: "the answer was lost".into() }),
            Some(After::Hang) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Store for Flaky {
    async fn commit_ingest(&self, commit: IngestCommit) -> Result<()> {
        let error = self.judge.lock().as_mut().and_then(|judge| judge(&commit));
        match error {
            Some(error) => Err(error),
            None => {
                let of_agents = !commit.cursors.is_empty();
                self.real.commit_ingest(commit).await?;
                if of_agents { self.aftermath().await } else { Ok(()) }
            }
        }
    }
    async fn revision(&self) -> Result<u64> {
        self.real.revision().await
    }
    async fn hosts(&self) -> Result<Vec<HostRow>> {
        self.real.hosts().await
    }
    async fn host(&self, id: HostId) -> Result<Option<HostRow>> {
        self.real.host(id).await
    }
    async fn host_by_name(&self, tenant: TenantId, name: &str) -> Result<Option<HostRow>> {
        self.real.host_by_name(tenant, name).await
    }
    async fn put_host(&self, host: HostRow, audit: Draft) -> Result<HostRow> {
        self.real.put_host(host, audit).await
    }
    async fn delete_host(&self, id: HostId, audit: Draft) -> Result<()> {
        self.real.delete_host(id, audit).await
    }
    async fn checks(&self) -> Result<Vec<CheckRow>> {
        self.real.checks().await
    }
    async fn check(&self, id: CheckId) -> Result<Option<CheckRow>> {
        self.real.check(id).await
    }
    async fn put_check(&self, check: CheckRow, audit: Draft) -> Result<CheckRow> {
        self.real.put_check(check, audit).await
    }
    async fn delete_check(&self, id: CheckId, audit: Draft) -> Result<()> {
        self.real.delete_check(id, audit).await
    }
    async fn check_states(&self) -> Result<Vec<CheckStateRow>> {
        self.real.check_states().await
    }
    async fn acks(&self) -> Result<Vec<AckRow>> {
        self.real.acks().await
    }
    async fn put_ack(&self, ack: AckRow, state: CheckStateRow, event: EventRow, audit: Draft) -> Result<()> {
        self.real.put_ack(ack, state, event, audit).await
    }
    async fn remove_ack(
        &self,
        check: CheckId,
        state: CheckStateRow,
        event: EventRow,
        audit: Draft,
    ) -> Result<()> {
        self.real.remove_ack(check, state, event, audit).await
    }
    async fn downtimes(&self, now: Timestamp) -> Result<Vec<DowntimeRow>> {
        self.real.downtimes(now).await
    }
    async fn put_downtime(&self, downtime: DowntimeRow, event: EventRow, audit: Draft) -> Result<()> {
        self.real.put_downtime(downtime, event, audit).await
    }
    async fn cancel_downtime(
        &self,
        id: DowntimeId,
        at: Timestamp,
        by: &str,
        event: EventRow,
        audit: Draft,
    ) -> Result<()> {
        self.real.cancel_downtime(id, at, by, event, audit).await
    }
    async fn events(&self, scope: &TenantScope, filter: EventFilter, page: Page) -> Result<Vec<EventRow>> {
        self.real.events(scope, filter, page).await
    }
    async fn put_event(&self, event: EventRow, audit: Option<Draft>) -> Result<()> {
        self.real.put_event(event, audit).await
    }
    async fn agents(&self) -> Result<Vec<AgentRow>> {
        self.real.agents().await
    }
    async fn agent(&self, id: AgentId) -> Result<Option<AgentRow>> {
        self.real.agent(id).await
    }
    async fn tokens(&self, scope: &TenantScope) -> Result<Vec<TokenRow>> {
        self.real.tokens(scope).await
    }
    async fn token(&self, id: TokenId) -> Result<Option<TokenRow>> {
        self.real.token(id).await
    }
    async fn put_token(&self, token: TokenRow, audit: Draft) -> Result<()> {
        self.real.put_token(token, audit).await
    }
    async fn withdraw_token(&self, id: TokenId, at: Timestamp, audit: Draft) -> Result<()> {
        self.real.withdraw_token(id, at, audit).await
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
        self.real.enrol(token, now, host, agent, cert, audit).await?;
        self.aftermath().await
    }
    async fn agent_seen(&self, agent: AgentRow, audit: Option<Draft>) -> Result<()> {
        self.real.agent_seen(agent, audit).await
    }
    async fn set_standing(
        &self,
        id: AgentId,
        standing: Standing,
        event: EventRow,
        audit: Draft,
    ) -> Result<()> {
        self.real.set_standing(id, standing, event, audit).await
    }
    async fn set_read_only(&self, id: AgentId, read_only: bool, event: EventRow, audit: Draft) -> Result<()> {
        self.real.set_read_only(id, read_only, event, audit).await
    }
    async fn agent_certs(&self, id: AgentId) -> Result<Vec<AgentCertRow>> {
        self.real.agent_certs(id).await
    }
    async fn renew(
        &self,
        cert: AgentCertRow,
        now: Timestamp,
        audit: Draft,
        clone_event: EventRow,
        clone_audit: Draft,
    ) -> Result<RenewOutcome> {
        self.real.renew(cert, now, audit, clone_event, clone_audit).await
    }
    async fn deny_list(&self, now: Timestamp) -> Result<(Vec<String>, Vec<AgentId>)> {
        self.real.deny_list(now).await
    }
    async fn executions(
        &self,
        scope: &TenantScope,
        agent: Option<AgentId>,
        check: Option<CheckId>,
        page: Page,
    ) -> Result<Vec<ExecutionRow>> {
        self.real.executions(scope, agent, check, page).await
    }
    async fn inventory(
        &self,
        scope: &TenantScope,
        host: HostId,
        section: Option<&str>,
        page: Page,
    ) -> Result<Vec<InventoryRow>> {
        self.real.inventory(scope, host, section, page).await
    }
    async fn inventory_counts(&self, scope: &TenantScope, host: HostId) -> Result<Vec<(String, u64)>> {
        self.real.inventory_counts(scope, host).await
    }
    async fn channels(&self) -> Result<Vec<ChannelRow>> {
        self.real.channels().await
    }
    async fn put_channel(&self, channel: ChannelRow, audit: Draft) -> Result<ChannelRow> {
        self.real.put_channel(channel, audit).await
    }
    async fn delete_channel(&self, id: ChannelId, audit: Draft) -> Result<()> {
        self.real.delete_channel(id, audit).await
    }
    async fn outbox_due(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
        self.real.outbox_due(now, limit).await
    }
    async fn outbox_recent(&self, scope: &TenantScope, page: Page) -> Result<Vec<OutboxRow>> {
        self.real.outbox_recent(scope, page).await
    }
    async fn put_outbox(&self, row: OutboxRow, audit: Option<Draft>) -> Result<()> {
        self.real.put_outbox(row, audit).await
    }
    async fn outbox_delivered(&self, id: NotificationId, at: Timestamp, event: EventRow) -> Result<()> {
        self.real.outbox_delivered(id, at, event).await
    }
    async fn outbox_failed(
        &self,
        id: NotificationId,
        next: Timestamp,
        error: &str,
        give_up: bool,
    ) -> Result<()> {
        self.real.outbox_failed(id, next, error, give_up).await
    }
    async fn users(&self) -> Result<Vec<UserRow>> {
        self.real.users().await
    }
    async fn user(&self, id: UserId) -> Result<Option<UserRow>> {
        self.real.user(id).await
    }
    async fn user_by_name(&self, name: &str) -> Result<Option<UserRow>> {
        self.real.user_by_name(name).await
    }
    async fn create_user(&self, user: UserRow, recovery_sha256: Vec<Vec<u8>>, audit: Draft) -> Result<()> {
        self.real.create_user(user, recovery_sha256, audit).await
    }
    async fn update_user(&self, user: UserRow, audit: Draft) -> Result<()> {
        self.real.update_user(user, audit).await
    }
    async fn change_user(&self, change: UserChange, audit: Vec<Draft>) -> Result<()> {
        self.real.change_user(change, audit).await
    }
    async fn join(
        &self,
        invitation: InvitationId,
        user: UserRow,
        recovery_sha256: Vec<Vec<u8>>,
        audit: Draft,
    ) -> Result<()> {
        self.real.join(invitation, user, recovery_sha256, audit).await
    }
    async fn user_facts(&self) -> Result<Vec<UserFacts>> {
        self.real.user_facts().await
    }
    async fn put_invitation(&self, row: InvitationRow, audit: Draft) -> Result<()> {
        self.real.put_invitation(row, audit).await
    }
    async fn invitation_by_secret(&self, secret_sha256: &[u8]) -> Result<Option<InvitationRow>> {
        self.real.invitation_by_secret(secret_sha256).await
    }
    async fn invitations(&self, scope: &TenantScope) -> Result<Vec<InvitationRow>> {
        self.real.invitations(scope).await
    }
    async fn withdraw_invitation(&self, id: InvitationId, at: Timestamp, audit: Draft) -> Result<()> {
        self.real.withdraw_invitation(id, at, audit).await
    }
    async fn elevate_session(
        &self,
        id: SessionId,
        token_sha256: Vec<u8>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()> {
        self.real.elevate_session(id, token_sha256, at, audit).await
    }
    async fn views(&self, scope: &TenantScope, user: UserId) -> Result<Vec<ViewRow>> {
        self.real.views(scope, user).await
    }
    async fn view(&self, id: ViewId) -> Result<Option<ViewRow>> {
        self.real.view(id).await
    }
    async fn put_view(&self, view: ViewRow, audit: Draft) -> Result<ViewRow> {
        self.real.put_view(view, audit).await
    }
    async fn delete_view(&self, id: ViewId, audit: Draft) -> Result<()> {
        self.real.delete_view(id, audit).await
    }
    async fn burn_totp_step(&self, id: UserId, step: i64) -> Result<bool> {
        self.real.burn_totp_step(id, step).await
    }
    async fn replace_recovery(&self, id: UserId, recovery_sha256: Vec<Vec<u8>>, audit: Draft) -> Result<()> {
        self.real.replace_recovery(id, recovery_sha256, audit).await
    }
    async fn burn_recovery(&self, id: UserId, code_sha256: &[u8]) -> Result<bool> {
        self.real.burn_recovery(id, code_sha256).await
    }
    async fn set_failures(&self, id: UserId, failures: i64, audit: Draft) -> Result<()> {
        self.real.set_failures(id, failures, audit).await
    }
    async fn put_session(&self, session: SessionRow, audit: Draft) -> Result<()> {
        self.real.put_session(session, audit).await
    }
    async fn session_by_token(&self, token_sha256: &[u8]) -> Result<Option<(SessionRow, UserRow)>> {
        self.real.session_by_token(token_sha256).await
    }
    async fn touch_session(&self, id: SessionId, at: Timestamp) -> Result<()> {
        self.real.touch_session(id, at).await
    }
    async fn sessions(&self, user: UserId) -> Result<Vec<SessionRow>> {
        self.real.sessions(user).await
    }
    async fn end_session(&self, id: SessionId, at: Timestamp, audit: Draft) -> Result<()> {
        self.real.end_session(id, at, audit).await
    }
    async fn end_sessions(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()> {
        self.real.end_sessions(user, keep, at, audit).await
    }
    async fn append_audit(&self, audit: Vec<Draft>) -> Result<()> {
        self.real.append_audit(audit).await
    }
    async fn audit(&self, scope: &TenantScope, filter: AuditFilter, page: Page) -> Result<Vec<AuditRow>> {
        self.real.audit(scope, filter, page).await
    }
    async fn audit_from(&self, seq: u64, limit: u32) -> Result<Vec<AuditRow>> {
        self.real.audit_from(seq, limit).await
    }
    async fn setting(&self, key: &str) -> Result<Option<String>> {
        self.real.setting(key).await
    }
    async fn put_setting(&self, key: &str, value: &str, audit: Option<Draft>) -> Result<()> {
        self.real.put_setting(key, value, audit).await
    }
    async fn claim_setting(&self, key: &str, value: &str, audit: Option<Draft>) -> Result<bool> {
        self.real.claim_setting(key, value, audit).await
    }
    async fn health(&self) -> Result<StoreHealth> {
        self.real.health().await
    }
    async fn prune(&self, events_before: Timestamp, executions_before: Timestamp) -> Result<u64> {
        self.real.prune(events_before, executions_before).await
    }
    async fn close(&self) {
        self.real.close().await
    }
    async fn outbox_ready(&self, now: Timestamp, limit: u32) -> Result<Vec<OutboxRow>> {
        self.real.outbox_ready(now, limit).await
    }
}

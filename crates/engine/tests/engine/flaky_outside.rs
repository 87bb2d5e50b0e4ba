//! The flaky store's part for outside identities: everything goes to the real one.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{ProviderId, SessionId, Timestamp, UserId};
use wk_engine::ports::outside::{LinkRow, OutsideEnd, OutsideSession, OutsideStore, ProviderRow};
use wk_engine::ports::rows::UserRow;
use wk_engine::ports::store::Result;

use crate::flaky::Flaky;

#[async_trait]
impl OutsideStore for Flaky {
    async fn providers(&self) -> Result<Vec<ProviderRow>> {
        self.real.providers().await
    }
    async fn provider(&self, id: ProviderId) -> Result<Option<ProviderRow>> {
        self.real.provider(id).await
    }
    async fn put_provider(
        &self,
        row: ProviderRow,
        end_sessions: Option<Timestamp>,
        audit: Vec<Draft>,
    ) -> Result<ProviderRow> {
        self.real.put_provider(row, end_sessions, audit).await
    }
    async fn delete_provider(&self, id: ProviderId, at: Timestamp, audit: Vec<Draft>) -> Result<()> {
        self.real.delete_provider(id, at, audit).await
    }
    async fn link_of(&self, provider: ProviderId, subject: &str) -> Result<Option<LinkRow>> {
        self.real.link_of(provider, subject).await
    }
    async fn links_of(&self, person: UserId) -> Result<Vec<LinkRow>> {
        self.real.links_of(person).await
    }
    async fn linked_to(&self, provider: ProviderId) -> Result<Vec<UserId>> {
        self.real.linked_to(provider).await
    }
    async fn link_counts(&self) -> Result<Vec<(ProviderId, u64)>> {
        self.real.link_counts().await
    }
    async fn put_link(&self, row: LinkRow, audit: Draft) -> Result<()> {
        self.real.put_link(row, audit).await
    }
    async fn create_linked(&self, user: UserRow, link: LinkRow, audit: Draft) -> Result<()> {
        self.real.create_linked(user, link, audit).await
    }
    async fn remove_link(&self, id: ProviderId, subject: &str, at: Timestamp, audit: Draft) -> Result<()> {
        self.real.remove_link(id, subject, at, audit).await
    }
    async fn announce_outside_session(&self, session: SessionId, outside: OutsideSession) -> Result<()> {
        self.real.announce_outside_session(session, outside).await
    }
    async fn outside_of(&self, session: SessionId) -> Result<Option<OutsideSession>> {
        self.real.outside_of(session).await
    }
    async fn outside_sessions(&self, which: OutsideEnd) -> Result<Vec<(SessionId, UserId)>> {
        self.real.outside_sessions(which).await
    }
    async fn claim_once(
        &self,
        provider: ProviderId,
        keys: Vec<(String, Timestamp)>,
        now: Timestamp,
    ) -> Result<bool> {
        self.real.claim_once(provider, keys, now).await
    }
    async fn break_glass(&self) -> Result<Vec<(UserId, Timestamp)>> {
        self.real.break_glass().await
    }
    async fn set_break_glass(&self, user: UserId, since: Option<Timestamp>, audit: Draft) -> Result<()> {
        self.real.set_break_glass(user, since, audit).await
    }
}

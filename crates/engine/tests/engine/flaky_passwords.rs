//! The flaky store's part for passwords: everything goes to the real one.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{BrowserId, UserId};
use wk_engine::ports::passwords::{BrowserRow, PasswordFactRow, PasswordStore, PolicyRow};
use wk_engine::ports::store::Result;

use crate::flaky::Flaky;

#[async_trait]
impl PasswordStore for Flaky {
    async fn password_policies(&self) -> Result<Vec<PolicyRow>> {
        self.real.password_policies().await
    }
    async fn put_password_policy(&self, row: PolicyRow, audit: Draft) -> Result<()> {
        self.real.put_password_policy(row, audit).await
    }
    async fn delete_password_policy(&self, scope: &str, audit: Draft) -> Result<()> {
        self.real.delete_password_policy(scope, audit).await
    }
    async fn password_fact(&self, user: UserId) -> Result<Option<PasswordFactRow>> {
        self.real.password_fact(user).await
    }
    async fn password_facts(&self) -> Result<Vec<PasswordFactRow>> {
        self.real.password_facts().await
    }
    async fn set_must_change(&self, fact: PasswordFactRow, audit: Draft) -> Result<()> {
        self.real.set_must_change(fact, audit).await
    }
    async fn password_history(&self, user: UserId, most: u16) -> Result<Vec<String>> {
        self.real.password_history(user, most).await
    }
    async fn upgrade_password(&self, user: UserId, old: &str, new: &str, audit: Draft) -> Result<bool> {
        self.real.upgrade_password(user, old, new, audit).await
    }
    async fn browsers(&self, user: UserId) -> Result<Vec<BrowserRow>> {
        self.real.browsers(user).await
    }
    async fn browser_by_nonce(&self, nonce_sha256: &[u8]) -> Result<Option<BrowserRow>> {
        self.real.browser_by_nonce(nonce_sha256).await
    }
    async fn put_browser(&self, row: BrowserRow) -> Result<()> {
        self.real.put_browser(row).await
    }
    async fn forget_browser(&self, user: UserId, id: BrowserId, audit: Draft) -> Result<()> {
        self.real.forget_browser(user, id, audit).await
    }
    async fn forget_browsers(&self, user: UserId, keep: Option<BrowserId>) -> Result<()> {
        self.real.forget_browsers(user, keep).await
    }
}

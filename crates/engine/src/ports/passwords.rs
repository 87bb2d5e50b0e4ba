//! The store's part for passwords: the rules, what is known of each password beside its hash, former hashes, and the
//! browsers that a person has signed in from before.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{BrowserId, Timestamp, UserId};

use super::store::Result;

/// Rules for passwords of everybody, of a role, or of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// `default`, `role:` and a role's name, or `group:` and a group's id.
    pub scope: String,
    /// JSON: profile and knobs.
    pub body: String,
    pub changed: Timestamp,
    pub changed_by: String,
}

/// What is known of a password beside its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordFactRow {
    pub user: UserId,
    pub set_at: Timestamp,
    /// Why it must be changed before anything else, if so.
    pub must_change: Option<String>,
    /// The rules it was set under.
    pub under: SetUnder,
}

/// What the rules asked for when a password was set. Nothing of the password itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetUnder {
    pub least_chars: u16,
    pub classes: u16,
    pub letters_and_digits: bool,
}

/// That a change of an account sets or takes away its password. The former hash goes into the history in the same
/// transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordSet {
    pub at: Timestamp,
    pub under: SetUnder,
    /// Former hashes that are kept.
    pub keep: u16,
}

/// A browser that a person has signed in from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserRow {
    pub id: BrowserId,
    pub user: UserId,
    /// SHA-256 of the nonce in its cookie. Unique; a new one at each sign-in.
    pub nonce_sha256: Vec<u8>,
    pub first_seen: Timestamp,
    pub last_used: Timestamp,
    pub address: String,
    pub user_agent: String,
}

/// Known browsers of one person; the one that was used longest ago is forgotten for a new one.
pub const BROWSERS_MAX: u32 = 50;

/// Rules, passwords, browsers.
#[async_trait]
pub trait PasswordStore: Send + Sync {
    /// By scope.
    async fn password_policies(&self) -> Result<Vec<PolicyRow>>;
    /// Puts or replaces.
    async fn put_password_policy(&self, row: PolicyRow, audit: Draft) -> Result<()>;
    /// Not found when there is none for the scope.
    async fn delete_password_policy(&self, scope: &str, audit: Draft) -> Result<()>;

    /// None for a password that was set with the account and never changed.
    async fn password_fact(&self, user: UserId) -> Result<Option<PasswordFactRow>>;
    async fn password_facts(&self) -> Result<Vec<PasswordFactRow>>;
    /// Notes why a password must be changed, or that it need not be any more.
    async fn set_must_change(&self, fact: PasswordFactRow, audit: Draft) -> Result<()>;
    /// PHC strings of former passwords, newest first.
    async fn password_history(&self, user: UserId, most: u16) -> Result<Vec<String>>;
    /// The same password under another cost or pepper; false when it was changed meanwhile.
    async fn upgrade_password(&self, user: UserId, old: &str, new: &str, audit: Draft) -> Result<bool>;

    /// The person's, used last first.
    async fn browsers(&self, user: UserId) -> Result<Vec<BrowserRow>>;
    async fn browser_by_nonce(&self, nonce_sha256: &[u8]) -> Result<Option<BrowserRow>>;
    /// Puts a browser, or a known one (by id) with its new nonce. At most [`BROWSERS_MAX`] of a person stay.
    async fn put_browser(&self, row: BrowserRow) -> Result<()>;
    /// The browser is a stranger from now on. Not found when it is not the person's.
    async fn forget_browser(&self, user: UserId, id: BrowserId, audit: Draft) -> Result<()>;
    /// All of a person's but one.
    async fn forget_browsers(&self, user: UserId, keep: Option<BrowserId>) -> Result<()>;
}

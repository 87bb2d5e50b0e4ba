//! The store's part for identities that others vouch for.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{ProviderId, SessionId, Timestamp, UserId};

use super::rows::UserRow;
use super::store::Result;

/// Somebody who vouches for people: an identity provider, a directory.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderRow {
    pub id: ProviderId,
    /// `oidc`, `saml`, `ldap` or `radius`.
    pub kind: String,
    /// Unique.
    pub name: String,
    pub enabled: bool,
    /// JSON without secrets.
    pub config_json: String,
    /// Sealed under the row's revision; never readable through the API.
    pub secret_sealed: Vec<u8>,
    /// Which groups there mean what here, as JSON.
    pub mapping_json: String,
    /// Whether whoever comes for the first time gets an account.
    pub create_accounts: bool,
    /// Whether a second factor given there counts here.
    pub trusts_factor: bool,
    pub created: Timestamp,
    pub revision: i64,
}

/// Who somebody is over there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRow {
    pub provider: ProviderId,
    /// The provider's unchanging name for them. Unique with the provider.
    pub subject: String,
    pub person: UserId,
    /// How the provider calls them, for people.
    pub name: String,
    pub linked: Timestamp,
    /// Made with the account, at the first sign-in; otherwise by the person, from inside.
    pub made_account: bool,
    pub last_used: Timestamp,
}

/// Over whom a session came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideSession {
    pub provider: ProviderId,
    pub subject: String,
    /// The provider's name for its own session; empty when it gives none.
    pub outside_session: String,
}

/// Which sessions a provider's word ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideEnd {
    pub provider: ProviderId,
    pub subject: Option<String>,
    pub outside_session: Option<String>,
}

/// Identity providers, who is whom there, and which sessions hang on them.
#[async_trait]
pub trait OutsideStore: Send + Sync {
    /// By name.
    async fn providers(&self) -> Result<Vec<ProviderRow>>;
    async fn provider(&self, id: ProviderId) -> Result<Option<ProviderRow>>;
    /// Inserts (revision 0) or replaces (at the revision that was read). Conflict when another has the name, or the
    /// revision moved on. `end_sessions`: all sessions that came in over it end with it.
    async fn put_provider(
        &self,
        row: ProviderRow,
        end_sessions: Option<Timestamp>,
        audit: Vec<Draft>,
    ) -> Result<ProviderRow>;
    /// With its links; sessions that came in over it end. The accounts stay, and have no way in but what else they have.
    async fn delete_provider(&self, id: ProviderId, at: Timestamp, audit: Vec<Draft>) -> Result<()>;

    async fn link_of(&self, provider: ProviderId, subject: &str) -> Result<Option<LinkRow>>;
    async fn links_of(&self, person: UserId) -> Result<Vec<LinkRow>>;
    /// Whom a provider lets in: each once.
    async fn linked_to(&self, provider: ProviderId) -> Result<Vec<UserId>>;
    /// How many people each provider knows here.
    async fn link_counts(&self) -> Result<Vec<(ProviderId, u64)>>;
    /// Conflict when the subject is somebody's already.
    async fn put_link(&self, row: LinkRow, audit: Draft) -> Result<()>;
    /// Makes the account and the link, or neither. Conflict when the name is taken, or the subject is somebody's.
    async fn create_linked(&self, user: UserRow, link: LinkRow, audit: Draft) -> Result<()>;
    /// Ends the sessions that came in by it, too.
    async fn remove_link(
        &self,
        provider: ProviderId,
        subject: &str,
        at: Timestamp,
        audit: Draft,
    ) -> Result<()>;

    /// Says over whom a session is about to come in. Whatever puts the session afterwards meets a conflict when the link
    /// is gone by then, or the provider is gone or disabled.
    async fn announce_outside_session(&self, session: SessionId, outside: OutsideSession) -> Result<()>;
    async fn outside_of(&self, session: SessionId) -> Result<Option<OutsideSession>>;
    /// Sessions that have not ended and that the provider's word is about.
    async fn outside_sessions(&self, which: OutsideEnd) -> Result<Vec<(SessionId, UserId)>>;
    /// Remembers what counts once; false when one of them was seen before, and then none is remembered. Forgets what
    /// ended before `now`.
    async fn claim_once(
        &self,
        provider: ProviderId,
        keys: Vec<(String, Timestamp)>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Accounts kept for the day the providers are down: since when.
    async fn break_glass(&self) -> Result<Vec<(UserId, Timestamp)>>;
    /// Conflict when the account came from a provider, or is linked to one.
    async fn set_break_glass(&self, user: UserId, since: Option<Timestamp>, audit: Draft) -> Result<()>;
}

//! The store's part for passkeys, for factors that are used up in the transaction they open something in, and for
//! browsers from which administration is allowed.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{DeviceId, InvitationId, PasskeyId, SessionId, Timestamp, UserId};

use super::rows::{EndSessions, SessionRow, UserRow};
use super::store::Result;

/// A passkey of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRow {
    pub id: PasskeyId,
    pub user: UserId,
    /// The authenticator's name for it. Unique.
    pub credential: Vec<u8>,
    /// The host name it was made for; it works under no other.
    pub rp_id: String,
    /// COSE.
    pub public_key: Vec<u8>,
    pub sign_count: i64,
    /// It can be copied to the owner's other devices by its maker's service.
    pub backup_eligible: bool,
    pub backed_up: bool,
    /// The model that it says it is; 16 bytes.
    pub aaguid: Vec<u8>,
    /// How the browser said it is reached: `internal`, `usb`, ...
    pub transports: Vec<String>,
    /// What the person calls it.
    pub name: String,
    pub created: Timestamp,
    pub last_used: Option<Timestamp>,
    /// Over whose it is, its id, name of the host and key, under a key that the database does not hold.
    pub tag: Vec<u8>,
}

/// A second factor that is used up: in the same transaction in which it opens something, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactorUse {
    /// None was needed, or one that nothing is kept of.
    Nothing,
    /// A step of the authenticator; none is good twice, and none before the last.
    TotpStep { user: UserId, step: i64 },
    /// A recovery code; it is gone then.
    Recovery { user: UserId, code_sha256: Vec<u8> },
    /// A passkey whose counter was `was`: of two uses of one counter, one is refused.
    Passkey { id: PasskeyId, was: i64, sign_count: i64, backed_up: bool, at: Timestamp },
}

/// A session that begins with a factor.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionStart {
    pub session: SessionRow,
    pub factor: FactorUse,
    /// The durable count of failures begins anew.
    pub reset_failures: bool,
}

/// A session that goes on under another token, since a fresh factor was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRaise {
    pub session: SessionId,
    pub token_sha256: Vec<u8>,
    pub at: Timestamp,
    pub factor: FactorUse,
    /// Another method, when a factor was enrolled in it.
    pub method: Option<String>,
}

/// Somebody who comes in for the first time with a passkey.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    pub user: UserRow,
    pub recovery_sha256: Vec<Vec<u8>>,
    /// Used up by it; none for the claim of a new server.
    pub invitation: Option<InvitationId>,
    pub passkey: PasskeyRow,
}

/// The last second factor of an account, on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRemovalRow {
    pub user: UserId,
    /// `totp`, or the passkey's id.
    pub factor: String,
    pub asked: Timestamp,
    pub asked_by: String,
    /// Not before; until then anybody of the person's sessions, and every administrator, can stop it.
    pub due: Timestamp,
}

/// A browser from which its owner may administer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    pub id: DeviceId,
    pub user: UserId,
    pub token_sha256: Vec<u8>,
    pub name: String,
    pub user_agent: String,
    pub address: String,
    pub created: Timestamp,
    pub last_used: Timestamp,
    /// Not after.
    pub expires: Timestamp,
}

/// Passkeys, factors, browsers.
#[async_trait]
pub trait PasskeyStore: Send + Sync {
    /// The person's, oldest first.
    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRow>>;
    async fn passkey_by_credential(&self, credential: &[u8]) -> Result<Option<PasskeyRow>>;
    /// Adds one. Conflict when the authenticator's name for it is known, or the person has [`PASSKEYS_MAX`]. Ends what
    /// `end` says and stops the removal of a last factor, since it is none any more.
    async fn add_passkey(&self, row: PasskeyRow, end: Option<EndSessions>, audit: Vec<Draft>) -> Result<()>;
    /// Not found when it is not the person's.
    async fn rename_passkey(&self, user: UserId, id: PasskeyId, name: &str, audit: Draft) -> Result<()>;
    /// Not found when it is not the person's.
    async fn delete_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        end: EndSessions,
        audit: Vec<Draft>,
    ) -> Result<()>;
    /// Makes the account with its passkey, and burns the invitation. Conflict as [`super::Store::join`].
    async fn admit(&self, admission: Admission, audit: Draft) -> Result<()>;

    /// Uses the factor up and opens the session, or, when the factor was used already, neither: false.
    async fn start_session(&self, start: SessionStart, audit: Vec<Draft>) -> Result<bool>;
    /// Uses the factor up and gives the session its new token, or neither: false.
    async fn raise_session(&self, raise: SessionRaise, audit: Draft) -> Result<bool>;
    /// The session goes on without its fresh factor, under another token.
    async fn lower_session(&self, id: SessionId, token_sha256: Vec<u8>, audit: Draft) -> Result<()>;

    async fn factor_removal(&self, user: UserId) -> Result<Option<FactorRemovalRow>>;
    async fn factor_removals(&self) -> Result<Vec<FactorRemovalRow>>;
    /// Conflict when one is asked for already.
    async fn ask_factor_removal(&self, row: FactorRemovalRow, audit: Vec<Draft>) -> Result<()>;
    /// Not found when none is asked for.
    async fn stop_factor_removal(&self, user: UserId, audit: Vec<Draft>) -> Result<()>;
    /// Takes the factor away if its removal is asked for and due at `now`, and ends the person's sessions; false when it
    /// is not (any more).
    async fn take_factor(&self, user: UserId, now: Timestamp, audit: Vec<Draft>) -> Result<bool>;

    async fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>>;
    async fn device_by_token(&self, token_sha256: &[u8]) -> Result<Option<DeviceRow>>;
    /// Conflict when the person has [`DEVICES_MAX`].
    async fn put_device(&self, row: DeviceRow, audit: Draft) -> Result<()>;
    async fn touch_device(&self, id: DeviceId, at: Timestamp) -> Result<()>;
    /// Not found when it is not the person's.
    async fn delete_device(&self, user: UserId, id: DeviceId, audit: Draft) -> Result<()>;
}

/// Passkeys of one person.
pub const PASSKEYS_MAX: usize = 20;
/// Enrolled browsers of one person.
pub const DEVICES_MAX: usize = 20;

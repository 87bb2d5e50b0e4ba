//! Typed, prefixed, sortable ids: TypeID, a UUIDv7 in Crockford base32 after a prefix that names the kind.
//!
//! `host_01h455vb4pex5vsknk084sn02q` does not parse as a user's id, and an `Id<HostKind>` does not fit where an
//! `Id<UserKind>` is asked for. Format: TypeID specification 0.3, github.com/jetify-com/typeid.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use uuid::Uuid;

/// What an id names.
pub trait Kind: 'static {
    /// The prefix: lower-case letters and underscores.
    const PREFIX: &'static str;
}

/// The id of one thing of kind `K`.
pub struct Id<K> {
    uuid: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is not an id of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Another kind's prefix, or none.
    #[error("expected an id that starts with `{expected}_`")]
    Prefix { expected: &'static str },
    /// Not 26 characters of Crockford base32 that make 128 bits.
    #[error("the part after `{prefix}_` is not 26 characters of base32")]
    Suffix { prefix: &'static str },
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl<K: Kind> Id<K> {
    /// A new id that sorts after those made before it. `unix_ms` and `random` come from the caller.
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        Self {
            uuid: uuid::Builder::from_unix_timestamp_millis(unix_ms, &random).into_uuid(),
            kind: PhantomData,
        }
    }

    /// The id around 16 bytes from a store.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self { uuid, kind: PhantomData }
    }

    /// The bare UUID.
    pub const fn uuid(&self) -> Uuid {
        self.uuid
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        let value = self.uuid.as_u128();
        let mut out = [0u8; 26];
        for (i, slot) in out.iter_mut().enumerate() {
            let shift = 125 - 5 * i;
            let index = usize::try_from((value >> shift) & 31).unwrap_or(0);
            *slot = ALPHABET[index];
        }
        f.write_str(std::str::from_utf8(&out).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(raw: &str) -> Result<Self, IdError> {
        let suffix = raw
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or(IdError::Prefix { expected: K::PREFIX })?;
        let bad = || IdError::Suffix { prefix: K::PREFIX };
        if suffix.len() != 26 {
            return Err(bad());
        }
        let mut value: u128 = 0;
        for (i, byte) in suffix.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|&c| c == byte).ok_or_else(bad)? as u128;
            if i == 0 && digit > 7 {
                return Err(bad());
            }
            value = (value << 5) | digit;
        }
        Ok(Self::from_uuid(Uuid::from_u128(value)))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.uuid == other.uuid
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.uuid.cmp(&other.uuid)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.uuid.hash(state);
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $alias:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $kind {}
        impl Kind for $kind {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// A machine or device that is watched.
    HostKind HostId "host";
    /// An enrolled agent.
    AgentKind AgentId "agent";
    /// A check of a host.
    CheckKindTag CheckId "check";
    /// An entry of a host's timeline.
    EventKind EventId "event";
    /// A planned span without notifications.
    DowntimeKind DowntimeId "downtime";
    /// A notification in the outbox.
    NotificationKind NotificationId "notif";
    /// A way to reach people.
    ChannelKind ChannelId "channel";
    /// A person's account.
    UserKind UserId "user";
    /// A signed-in session.
    SessionKind SessionId "session";
    /// An enrolment token.
    TokenKind TokenId "token";
    /// The record of one execution on an agent.
    ExecutionKind ExecutionId "exec";
    /// A one-time link for a person.
    InvitationKind InvitationId "invite";
    /// A filter somebody gave a name.
    ViewKind ViewId "view";
    /// A token by which a program uses the API.
    ApiTokenKind ApiTokenId "apitoken";
    /// A request that another person must agree to.
    ApprovalKind ApprovalId "approval";
    /// A review of who has access.
    ReviewKind ReviewId "review";
    /// Somebody who vouches for people: an identity provider, a directory.
    ProviderKindTag ProviderId "idp";
    /// A passkey of a person.
    PasskeyKind PasskeyId "passkey";
    /// A browser from which its owner may administer.
    DeviceKind DeviceId "device";
    /// A browser that a person has signed in from before.
    BrowserKind BrowserId "browser";
    /// One request to the API.
    RequestKind RequestId "req";
    /// A group of people.
    GroupKind GroupId "group";
    /// A role that somebody put together.
    RoleKind RoleId "role";
    /// A role given to somebody somewhere, or denied.
    GrantKind GrantId "grant";
    /// A part of the organisation, or a customer, in a tree.
    TenantKind TenantId "tenant";
}

impl Id<TenantKind> {
    /// The tenant that holds all others. Every installation has it from its first step on, and what belongs to the whole
    /// server lives here.
    pub const ROOT: Self = Self::from_uuid(Uuid::nil());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_the_specification_says() {
        let id = HostId::from_uuid("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap());
        assert_eq!(id.to_string(), "host_01h455vb4pex5vsknk084sn02q");
        assert_eq!("host_01h455vb4pex5vsknk084sn02q".parse::<HostId>().unwrap(), id);
    }

    #[test]
    fn refuses_other_kinds_and_overflow() {
        assert_eq!(
            "user_01h455vb4pex5vsknk084sn02q".parse::<HostId>(),
            Err(IdError::Prefix { expected: "host" })
        );
        assert!("host_81h455vb4pex5vsknk084sn02q".parse::<HostId>().is_err());
        assert!("host_01H455VB4PEX5VSKNK084SN02Q".parse::<HostId>().is_err());
        assert!("host_01h455vb4pex5vsknk084sn02".parse::<HostId>().is_err());
    }

    #[test]
    fn later_ids_sort_later() {
        assert!(HostId::new(2, [0; 10]).to_string() > HostId::new(1, [0xff; 10]).to_string());
    }
}

//! Random tokens: the session's, the claim link's, and the cookie by which a device is known again.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wk_domain::{Timestamp, UserId};
use wk_seal::{MacKey, RandomError, Secret, SecretString, random_array, sha256};
use zeroize::Zeroizing;

const LEN: usize = 32;
const TEXT_LEN: usize = 43;

/// Not a token's form. Says nothing about what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a token of this system")]
pub struct TokenError;

macro_rules! tokens {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Secret<[u8; LEN]>);

        impl $name {
            /// A fresh one: 256 random bits.
            ///
            /// # Errors
            /// [`RandomError`].
            pub fn generate() -> Result<Self, RandomError> {
                Ok(Self(Secret::new(random_array()?)))
            }

            /// 43 characters that need no escaping in a cookie or an address.
            pub fn text(&self) -> SecretString {
                SecretString::new(URL_SAFE_NO_PAD.encode(self.0.expose()))
            }

            /// Reads what the browser sent.
            ///
            /// # Errors
            /// [`TokenError`].
            pub fn parse(raw: &str) -> Result<Self, TokenError> {
                if raw.len() != TEXT_LEN {
                    return Err(TokenError);
                }
                let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(raw).map_err(|_| TokenError)?);
                Ok(Self(Secret::new(bytes.as_slice().try_into().map_err(|_| TokenError)?)))
            }

            /// What the store keeps and looks up.
            pub fn sha256(&self) -> [u8; 32] {
                sha256(self.0.expose())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

tokens! {
    /// Names a session. Lives in the cookie `__Host-sid` and nowhere else; a new one at every sign-in and elevation.
    SessionToken;
    /// Lets the first administrator in, once.
    ClaimToken;
}

impl ClaimToken {
    /// How long a claim link works. A server that was not claimed prints a new one at its next start.
    pub const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

    /// The link for a console at `origin` (`https://127.0.0.1:8443`). The token is in the fragment, which browsers send
    /// to no server and no log.
    pub fn link(&self, origin: &str) -> SecretString {
        SecretString::new(format!("{}/claim#{}", origin.trim_end_matches('/'), self.text().expose()))
    }
}

/// Why a device cookie is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not one of ours, or changed.
    #[error("this is not a device cookie of this system")]
    Refused,
    /// Older than ninety days, or from the future.
    #[error("the device cookie has ended")]
    Ended,
}

/// Shows that a person has signed in from this browser before, with the second factor. Opens nothing by itself: it only
/// keeps the person's tries apart from everybody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCookie {
    /// Whose.
    pub user: UserId,
    /// Tells devices apart; kept by the store for the list of devices and for revocation.
    pub nonce: [u8; 16],
    /// When it was set.
    pub issued: Timestamp,
}

const DEVICE_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const DEVICE_BODY: usize = 16 + 16 + 8;

impl DeviceCookie {
    /// A cookie for a person who has just signed in with the second factor.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn issue(user: UserId, now: Timestamp) -> Result<Self, RandomError> {
        Ok(Self { user, nonce: random_array()?, issued: now })
    }

    /// The cookie's value. `key`: from [`wk_seal::DataKeys::mac_key`] with a purpose of its own.
    pub fn text(&self, key: &MacKey) -> SecretString {
        let mut bytes = self.body().to_vec();
        bytes.extend_from_slice(&key.sign(&self.body()));
        SecretString::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn body(&self) -> [u8; DEVICE_BODY] {
        let mut body = [0u8; DEVICE_BODY];
        body[..16].copy_from_slice(self.user.uuid().as_bytes());
        body[16..32].copy_from_slice(&self.nonce);
        body[32..].copy_from_slice(&self.issued.as_ms().to_be_bytes());
        body
    }

    /// Reads a cookie's value. The caller still asks the store whether it was revoked.
    ///
    /// # Errors
    /// [`DeviceError`].
    pub fn verify(raw: &str, key: &MacKey, now: Timestamp) -> Result<Self, DeviceError> {
        // 72 bytes in base64.
        if raw.len() != 96 {
            return Err(DeviceError::Refused);
        }
        let bytes = URL_SAFE_NO_PAD.decode(raw).map_err(|_| DeviceError::Refused)?;
        let (body, tag) = bytes.split_first_chunk::<DEVICE_BODY>().ok_or(DeviceError::Refused)?;
        if !key.verify(body, tag) {
            return Err(DeviceError::Refused);
        }
        let (user, rest) = body.split_first_chunk::<16>().ok_or(DeviceError::Refused)?;
        let (nonce, issued) = rest.split_first_chunk::<16>().ok_or(DeviceError::Refused)?;
        let issued = <[u8; 8]>::try_from(issued).map_err(|_| DeviceError::Refused)?;
        let cookie = Self {
            user: UserId::from_uuid(uuid::Uuid::from_bytes(*user)),
            nonce: *nonce,
            issued: Timestamp::from_ms(i64::from_be_bytes(issued)),
        };
        match now.checked_since(cookie.issued) {
            Some(age) if age < DEVICE_LIFE => Ok(cookie),
            _ => Err(DeviceError::Ended),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);

    #[test]
    fn tokens_come_back_and_show_nothing() {
        let token = SessionToken::generate().unwrap();
        let text = token.text();
        assert_eq!(text.expose().len(), 43);
        assert_eq!(SessionToken::parse(text.expose()).unwrap(), token);
        assert_eq!(format!("{token:?}"), "SessionToken(..)");
        assert_ne!(token.sha256(), SessionToken::generate().unwrap().sha256());
        for bad in ["", "abc", &"!".repeat(43), &"A".repeat(44), &"A".repeat(100_000)] {
            assert_eq!(SessionToken::parse(bad), Err(TokenError));
        }
    }

    #[test]
    fn the_claim_link_keeps_its_secret_in_the_fragment() {
        let token = ClaimToken::generate().unwrap();
        let link = token.link("https://127.0.0.1:8443/");
        let (page, fragment) = link.expose().split_once('#').unwrap();
        assert_eq!(page, "https://127.0.0.1:8443/claim");
        assert_eq!(ClaimToken::parse(fragment).unwrap(), token);
    }

    #[test]
    fn a_device_cookie_is_ours_for_ninety_days() {
        let key = MacKey::random().unwrap();
        let cookie = DeviceCookie::issue(UserId::new(1, [1; 10]), NOW).unwrap();
        let text = cookie.text(&key);
        let day = Duration::from_secs(86_400);
        assert_eq!(DeviceCookie::verify(text.expose(), &key, NOW + day * 89), Ok(cookie.clone()));
        assert_eq!(DeviceCookie::verify(text.expose(), &key, NOW + day * 90), Err(DeviceError::Ended));
        assert_eq!(DeviceCookie::verify(text.expose(), &key, NOW - day), Err(DeviceError::Ended));
        let other = MacKey::random().unwrap();
        assert_eq!(DeviceCookie::verify(text.expose(), &other, NOW), Err(DeviceError::Refused));
        for at in 0..text.expose().len() {
            let mut bent = text.expose().clone().into_bytes();
            bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
            let bent = String::from_utf8(bent).unwrap();
            assert_eq!(DeviceCookie::verify(&bent, &key, NOW), Err(DeviceError::Refused), "{at}");
        }
    }

    proptest! {
        #[test]
        fn hostile_cookies_never_pass(raw in "[A-Za-z0-9_-]{0,120}") {
            let key = MacKey::random().unwrap();
            prop_assert!(DeviceCookie::verify(&raw, &key, NOW).is_err());
        }
    }
}

//! Challenges that need no memory until they are answered right: a stranger who asks for many fills nothing.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use wk_domain::Timestamp;
use wk_seal::{RandomError, random_array};
use zeroize::Zeroizing;

use super::read_client_data;

/// How long one may take to touch a key.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// Answered challenges that are remembered: each cost a right signature, so that many sign-ins in five minutes.
const USED_MAX: usize = 100_000;

/// What a passkey signs to show that it is there now: when it was asked, a nonce, and a tag over both and over what it
/// was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasskeyChallenge([u8; 32]);

impl PasskeyChallenge {
    /// As it is sent to the browser, and as the browser names it.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Which challenge a browser says it answered, if its answer can be read.
    pub fn named_in(client_data: &[u8]) -> Option<Self> {
        let text = read_client_data(client_data).ok()?.challenge;
        // 43 characters are 32 bytes: no more is decoded.
        if text.len() != 43 {
            return None;
        }
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// Makes challenges, knows its own again, and takes each once.
#[derive(Default)]
pub struct PasskeyChallenges {
    /// Of this start of the program alone, made at the first question: none outlives it, since what was answered is
    /// forgotten then.
    key: OnceLock<hmac::Key>,
    used: Mutex<HashMap<PasskeyChallenge, Timestamp>>,
}

impl std::fmt::Debug for PasskeyChallenges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasskeyChallenges(..)")
    }
}

impl PasskeyChallenges {
    fn key(&self) -> Result<&hmac::Key, RandomError> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = Zeroizing::new(random_array::<32>()?);
        Ok(self.key.get_or_init(|| hmac::Key::new(hmac::HMAC_SHA256, key.as_slice())))
    }

    fn tag(key: &hmac::Key, stamp: &[u8], what_for: &[u8]) -> [u8; 16] {
        let mut context = hmac::Context::with_key(key);
        context.update(b"passkey challenge 1\0");
        context.update(stamp);
        context.update(what_for);
        let mut tag = [0; 16];
        tag.copy_from_slice(&context.sign().as_ref()[..16]);
        tag
    }

    /// A fresh one. `what_for`: the purpose, and the session, sign-in or link it belongs to; it counts for nothing else.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn ask(&self, what_for: &[u8], now: Timestamp) -> Result<PasskeyChallenge, RandomError> {
        let mut bytes = [0; 32];
        // Six bytes of milliseconds last until the year 10889.
        bytes[..6].copy_from_slice(&now.as_ms().to_be_bytes()[2..]);
        bytes[6..16].copy_from_slice(&random_array::<10>()?);
        let tag = Self::tag(self.key()?, &bytes[..16], what_for);
        bytes[16..].copy_from_slice(&tag);
        Ok(PasskeyChallenge(bytes))
    }

    /// Whether it is one of ours, for this, not older than five minutes, and not answered yet.
    pub fn is_open(&self, challenge: &PasskeyChallenge, what_for: &[u8], now: Timestamp) -> bool {
        let (stamp, tag) = challenge.0.split_at(16);
        let Some(key) = self.key.get() else { return false };
        let ours = constant_time::verify_slices_are_equal(tag, &Self::tag(key, stamp, what_for)).is_ok();
        let mut ms = [0; 8];
        ms[2..].copy_from_slice(&stamp[..6]);
        let age = now.checked_since(Timestamp::from_ms(i64::from_be_bytes(ms)));
        ours && age.is_some_and(|age| age < LIFE) && !self.used.lock().contains_key(challenge)
    }

    /// Takes it, after everything else was right; false for whoever comes second with it.
    pub fn take(&self, challenge: PasskeyChallenge, now: Timestamp) -> bool {
        let mut used = self.used.lock();
        if used.len() >= USED_MAX {
            used.retain(|_, at| now.since(*at) < LIFE);
        }
        // Full of right answers within five minutes: nobody else until some are over.
        used.len() < USED_MAX && used.insert(challenge, now).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);

    #[test]
    fn a_challenge_counts_for_one_thing_for_five_minutes_and_once() {
        let ours = PasskeyChallenges::default();
        let challenge = ours.ask(b"elevate session_1", NOW).unwrap();
        assert!(ours.is_open(&challenge, b"elevate session_1", NOW + LIFE - Duration::from_millis(1)));
        for (what_for, at) in [
            (&b"elevate session_2"[..], NOW),
            (b"register session_1", NOW),
            (b"elevate session_1", NOW + LIFE),
            (b"elevate session_1", NOW - Duration::from_secs(1)),
        ] {
            assert!(!ours.is_open(&challenge, what_for, at));
        }
        let another = PasskeyChallenges::default();
        assert!(!another.is_open(&challenge, b"elevate session_1", NOW), "another start of the program");
        assert!(ours.take(challenge, NOW) && !ours.take(challenge, NOW));
        assert!(!ours.is_open(&challenge, b"elevate session_1", NOW));
        let named = format!(r#"{{"type":"webauthn.get","challenge":"{}","origin":"x"}}"#, challenge.text());
        assert_eq!(PasskeyChallenge::named_in(named.as_bytes()), Some(challenge));
        assert_eq!(PasskeyChallenge::named_in(b"{}"), None);
    }
}

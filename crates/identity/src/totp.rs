//! Time-based one-time passwords: RFC 6238 with SHA-1, six digits, thirty seconds, as every authenticator app knows it.
//!
//! A step is accepted once: [`Totp::check`] names the step, and the store moves the account's last step forward in the
//! same transaction that signs in.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use wk_domain::Timestamp;
use wk_seal::{RandomError, Secret, SecretString, random_array};
use zeroize::Zeroizing;

use crate::base32;

const STEP_MS: i64 = 30_000;
/// Steps accepted before and after the present one: clocks of telephones differ, and people type slowly.
const WINDOW: i64 = 1;
const SEED_LEN: usize = 20;

/// Why a seed cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a TOTP seed has {SEED_LEN} bytes")]
pub struct TotpError;

/// The seed of one account's second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct Totp {
    seed: Secret<[u8; SEED_LEN]>,
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Totp(..)")
    }
}

impl Totp {
    /// A fresh seed of 160 bits.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate() -> Result<Self, RandomError> {
        Ok(Self { seed: Secret::new(random_array()?) })
    }

    /// The seed that the store kept, sealed.
    ///
    /// # Errors
    /// [`TotpError`].
    pub fn from_seed(bytes: &[u8]) -> Result<Self, TotpError> {
        Ok(Self { seed: Secret::new(bytes.try_into().map_err(|_| TotpError)?) })
    }

    /// The seed, to be sealed and stored.
    pub const fn seed(&self) -> &Secret<[u8; SEED_LEN]> {
        &self.seed
    }

    /// The seed as people type it into an app that cannot read the QR code.
    pub fn seed_text(&self) -> SecretString {
        SecretString::new(base32::encode(base32::RFC4648, self.seed.expose()))
    }

    /// The `otpauth://` address for the QR code. Holds the seed: show it once, over TLS, and log it never.
    pub fn uri(&self, issuer: &str, account: &str) -> SecretString {
        let (issuer, account) = (percent(issuer), percent(account));
        SecretString::new(format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            self.seed_text().expose()
        ))
    }

    /// The code of one step, for tests and tools.
    pub fn code_at(&self, step: i64) -> SecretString {
        SecretString::new(format!("{:06}", self.number_at(step)))
    }

    /// The step that an instant lies in.
    pub const fn step_of(now: Timestamp) -> i64 {
        now.as_ms().div_euclid(STEP_MS)
    }

    /// The step whose code this is, if it is one of the present window and later than `last_step` (0 before the first).
    /// Burn the step before you let anybody in.
    pub fn check(&self, typed: &str, now: Timestamp, last_step: i64) -> Option<i64> {
        let typed: Zeroizing<Vec<u8>> =
            Zeroizing::new(typed.bytes().filter(|byte| *byte != b' ').take(7).collect());
        let present = Self::step_of(now);
        // All steps are compared whatever matches, so that time tells nothing about which.
        let mut found = None;
        for step in (present - WINDOW..=present + WINDOW).rev() {
            let code = Zeroizing::new(format!("{:06}", self.number_at(step)).into_bytes());
            let fits = constant_time::verify_slices_are_equal(&code, &typed).is_ok();
            if fits && step > last_step {
                found = Some(step);
            }
        }
        found
    }

    fn number_at(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.seed.expose());
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        // RFC 4226 section 5.3. The tag has 20 bytes, the offset at most 15 and three more.
        let at = usize::from(tag[tag.len() - 1] & 0x0f);
        (u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff) % 1_000_000
    }
}

/// RFC 3986 percent-encoding of everything but unreserved characters; at most 100 characters go in.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.chars().take(100).collect::<String>().bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rfc() -> Totp {
        Totp::from_seed(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    #[test]
    fn the_codes_of_rfc_6238_appendix_b() {
        // The RFC prints eight digits; six-digit codes are their last six.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().code_at(Totp::step_of(at(seconds))).expose(), code);
            assert_eq!(rfc().check(code, at(seconds), 0), Some(seconds / 30));
        }
    }

    #[test]
    fn one_step_before_and_after_and_no_further() {
        let now = at(1_763_700_000);
        let step = Totp::step_of(now);
        let code = |n: i64| rfc().code_at(step + n);
        for n in -1..=1 {
            assert_eq!(rfc().check(code(n).expose(), now, 0), Some(step + n));
        }
        for n in [-2, 2] {
            assert_eq!(rfc().check(code(n).expose(), now, 0), None);
        }
    }

    #[test]
    fn a_step_is_accepted_once_and_an_older_one_never_after_it() {
        let now = at(1_763_700_000);
        let step = Totp::step_of(now);
        let code = rfc().code_at(step);
        let burnt = rfc().check(code.expose(), now, 0).unwrap();
        assert_eq!(rfc().check(code.expose(), now, burnt), None);
        assert_eq!(rfc().check(rfc().code_at(step - 1).expose(), now, burnt), None);
        assert_eq!(rfc().check(rfc().code_at(step + 1).expose(), now, burnt), Some(step + 1));
    }

    #[test]
    fn spaces_are_forgiven_and_nothing_else() {
        assert!(rfc().check("287 082", at(59), 0).is_some());
        for bad in ["", "28708", "2870820", "28708a", "287082\n", "２８７０８２"] {
            assert_eq!(rfc().check(bad, at(59), 0), None, "{bad:?}");
        }
    }

    #[test]
    fn the_address_for_the_qr_code_is_escaped() {
        let uri = rfc().uri("Watchkeep Café", "maria@acme.example?x&secret=");
        assert_eq!(
            uri.expose(),
            "otpauth://totp/Watchkeep%20Caf%C3%A9:maria%40acme.example%3Fx%26secret%3D?secret=\
             GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Watchkeep%20Caf%C3%A9&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(format!("{:?} {uri:?}", rfc()), "Totp(..) Secret(..)");
        assert_eq!(Totp::from_seed(b"short"), Err(TotpError));
    }

    proptest! {
        /// Whatever is typed, an accepted step lies in the window and after the last.
        #[test]
        fn accepted_steps_only_move_forward(seconds in 0i64..4_000_000_000, last in 0i64..140_000_000, offset in -3i64..=3) {
            let now = at(seconds);
            let typed = rfc().code_at(Totp::step_of(now) + offset);
            if let Some(step) = rfc().check(typed.expose(), now, last) {
                prop_assert!(step > last && (step - Totp::step_of(now)).abs() <= 1);
            }
        }
    }
}

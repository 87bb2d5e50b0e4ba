//! Keeps the directory's own lock from closing because of failures that came through us.
//!
//! A directory locks an account after some wrong passwords in a row. Whoever knows a name could have it locked by typing
//! nonsense into our form. So failures are counted here by what the directory calls the account, below its threshold,
//! and beyond that it is not asked any more: strangers use up their share, and the rest is kept for the owner's own
//! browsers. In memory: a restart forgets, and nobody outside can make the server restart.

use std::collections::HashMap;

use aws_lc_rs::digest;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use wk_domain::Timestamp;

use crate::ConfigError;

/// Rows of each of two generations; a row is about 100 bytes.
const ROWS_MAX: usize = 32_768;

/// How many wrong passwords of one account may reach the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// Wrong passwords of one account within the window that reach the directory, all browsers together: 2 to 50.
    /// Less than the directory's own threshold.
    pub failures_max: u32,
    /// Of these, how many only browsers that the person has used before may spend: less than `failures_max`.
    pub for_known_browsers: u32,
    /// The window in minutes: 1 to 1440. At least the directory's own.
    pub window_minutes: u32,
}

impl Default for GuardConfig {
    /// Below the strictest threshold that is common (5 failures in 30 minutes).
    fn default() -> Self {
        Self { failures_max: 4, for_known_browsers: 2, window_minutes: 30 }
    }
}

impl GuardConfig {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(2..=50).contains(&self.failures_max) {
            return Err(ConfigError::at("/protection/failures_max", "choose 2 to 50"));
        }
        if self.for_known_browsers >= self.failures_max {
            let detail =
                "leave at least one failure for browsers that are not known yet: fewer than failures_max";
            return Err(ConfigError::at("/protection/for_known_browsers", detail));
        }
        if !(1..=1440).contains(&self.window_minutes) {
            return Err(ConfigError::at("/protection/window_minutes", "choose 1 to 1440"));
        }
        Ok(())
    }
}

/// Instants of failures of one account, oldest first; at most `failures_max` of them.
type Row = Vec<Timestamp>;

#[derive(Debug, Default)]
struct Rows {
    young: HashMap<[u8; 32], Row>,
    old: HashMap<[u8; 32], Row>,
}

/// The counts of one provider.
#[derive(Debug, Default)]
pub(crate) struct LockoutGuard {
    rows: Mutex<Rows>,
}

fn key(account: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest::digest(&digest::SHA256, account.as_bytes()).as_ref());
    key
}

impl LockoutGuard {
    /// Whether the directory may be asked about `account`; counts it as failed at once if so.
    pub(crate) fn admit(&self, limits: &GuardConfig, account: &str, known: bool, now: Timestamp) -> bool {
        let key = key(account);
        let window_ms = i64::from(limits.window_minutes) * 60_000;
        let mut rows = self.rows.lock();
        let mut row = rows.young.get(&key).or_else(|| rows.old.get(&key)).cloned().unwrap_or_default();
        // A clock that stepped back leaves instants that are yet to come: they count until it has caught up.
        row.retain(|at| now.as_ms().saturating_sub(at.as_ms()) < window_ms);
        let max = if known { limits.failures_max } else { limits.failures_max - limits.for_known_browsers };
        if row.len() >= max as usize {
            return false;
        }
        row.push(now);
        if rows.young.len() >= ROWS_MAX && !rows.young.contains_key(&key) {
            rows.old = std::mem::take(&mut rows.young);
        }
        rows.old.remove(&key);
        rows.young.insert(key, row);
        true
    }

    /// The password was right: the directory begins anew, too.
    pub(crate) fn succeeded(&self, account: &str) {
        let key = key(account);
        let mut rows = self.rows.lock();
        rows.young.remove(&key);
        rows.old.remove(&key);
    }

    /// The directory did not judge the password.
    pub(crate) fn withdrawn(&self, account: &str) {
        let key = key(account);
        if let Some(row) = self.rows.lock().young.get_mut(&key) {
            row.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GuardConfig = GuardConfig { failures_max: 4, for_known_browsers: 2, window_minutes: 30 };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000 + minutes * 60_000)
    }

    #[test]
    fn strangers_spend_their_share_and_the_owner_has_the_rest() {
        let guard = LockoutGuard::default();
        let tries = |known: bool| guard.admit(&LIMITS, "uuid-1", known, at(0));
        assert_eq!([tries(false), tries(false), tries(false)], [true, true, false]);
        assert_eq!(
            [tries(true), tries(true), tries(true)],
            [true, true, false],
            "the directory has seen four"
        );
        assert!(guard.admit(&LIMITS, "uuid-2", false, at(0)), "another account is not concerned");
    }

    #[test]
    fn the_window_passes_and_success_begins_anew() {
        let guard = LockoutGuard::default();
        for _ in 0..2 {
            assert!(guard.admit(&LIMITS, "a", false, at(0)));
        }
        assert!(!guard.admit(&LIMITS, "a", false, at(29)));
        assert!(guard.admit(&LIMITS, "a", false, at(30)));
        assert!(guard.admit(&LIMITS, "a", true, at(30)));
        guard.succeeded("a");
        assert!(guard.admit(&LIMITS, "a", false, at(31)));
    }

    #[test]
    fn a_try_that_was_not_judged_does_not_count() {
        let guard = LockoutGuard::default();
        for _ in 0..20 {
            assert!(guard.admit(&LIMITS, "a", false, at(0)));
            guard.withdrawn("a");
        }
    }

    #[test]
    fn limits_that_protect_nobody_are_refused() {
        assert!(GuardConfig::default().check().is_ok());
        for bad in [(1, 0, 30), (4, 4, 30), (51, 2, 30), (4, 2, 0), (4, 2, 1441)] {
            let limits =
                GuardConfig { failures_max: bad.0, for_known_browsers: bad.1, window_minutes: bad.2 };
            assert!(limits.check().is_err(), "{bad:?}");
        }
    }
}

//! How long a session lives: pure arithmetic on the instants the store keeps.

use std::time::Duration;

use wk_domain::Timestamp;

/// A session whose `created` or `last_used` lies further ahead than this was made by a clock that has since been put
/// right: it ends rather than live for ever.
const CLOCK_SLACK: Duration = Duration::from_secs(5 * 60);
/// How stale `last_used` may get before it is written again: once a minute is enough for a limit of many minutes.
const TOUCH_EVERY: Duration = Duration::from_secs(60);
/// How long an elevation lasts.
const ELEVATED: Duration = Duration::from_secs(10 * 60);

/// The limits of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without any request.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl SessionLimits {
    /// Viewers and operators: 30 minutes idle, 12 hours in all.
    pub const DEFAULT: Self =
        Self { idle: Duration::from_secs(30 * 60), absolute: Duration::from_secs(12 * 60 * 60) };
    /// Administrators: 15 minutes idle.
    pub const ADMIN: Self = Self { idle: Duration::from_secs(15 * 60), ..Self::DEFAULT };
}

/// Why a session no longer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionEnd {
    /// Signed out, or ended by the person, an administrator or a changed password.
    #[error("the session was ended")]
    Ended,
    /// No request for too long.
    #[error("the session ended after a time without use")]
    Idle,
    /// Old enough to sign in again.
    #[error("the session has reached its longest life")]
    Absolute,
    /// Its instants lie in the future.
    #[error("the session was made by another clock")]
    Clock,
}

/// The instants of a session as the store keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionTimes {
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, as written (see [`SessionTimes::wants_touch`]).
    pub last_used: Timestamp,
    /// When it was ended, if so.
    pub ended: Option<Timestamp>,
    /// Last fresh second factor, if any.
    pub elevated: Option<Timestamp>,
}

impl SessionTimes {
    /// A session made now.
    pub const fn new(now: Timestamp) -> Self {
        Self { created: now, last_used: now, ended: None, elevated: None }
    }

    /// Whether the session still counts at `now`.
    ///
    /// # Errors
    /// [`SessionEnd`].
    pub fn check(&self, limits: &SessionLimits, now: Timestamp) -> Result<(), SessionEnd> {
        if self.ended.is_some() {
            return Err(SessionEnd::Ended);
        }
        if self.created > now + CLOCK_SLACK || self.last_used > now + CLOCK_SLACK {
            return Err(SessionEnd::Clock);
        }
        if now.since(self.created) >= limits.absolute {
            return Err(SessionEnd::Absolute);
        }
        if now.since(self.last_used) >= limits.idle {
            return Err(SessionEnd::Idle);
        }
        Ok(())
    }

    /// Whether `last_used` should be written again: at most once a minute.
    pub fn wants_touch(&self, now: Timestamp) -> bool {
        now.since(self.last_used) >= TOUCH_EVERY
    }

    /// Whether a fresh second factor was given in the last ten minutes: asked for by dangerous acts.
    pub fn is_elevated(&self, now: Timestamp) -> bool {
        self.elevated.and_then(|at| now.checked_since(at)).is_some_and(|age| age < ELEVATED)
    }

    /// Until when [`SessionTimes::is_elevated`] holds, if it ever did.
    pub fn elevated_until(&self) -> Option<Timestamp> {
        self.elevated.map(|at| at + ELEVATED)
    }

    /// When the session ends if nothing happens any more: for the console's countdown.
    pub fn ends_at(&self, limits: &SessionLimits) -> Timestamp {
        (self.last_used + limits.idle).min(self.created + limits.absolute)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(n * 60)
    }

    #[test]
    fn idle_and_absolute_limits_end_it() {
        let session = SessionTimes::new(NOW);
        let used = SessionTimes { last_used: NOW + minutes(719), ..session };
        assert_eq!(session.check(&SessionLimits::DEFAULT, NOW + minutes(29)), Ok(()));
        assert_eq!(session.check(&SessionLimits::DEFAULT, NOW + minutes(30)), Err(SessionEnd::Idle));
        assert_eq!(session.check(&SessionLimits::ADMIN, NOW + minutes(15)), Err(SessionEnd::Idle));
        assert_eq!(used.check(&SessionLimits::DEFAULT, NOW + minutes(719)), Ok(()));
        assert_eq!(used.check(&SessionLimits::DEFAULT, NOW + minutes(720)), Err(SessionEnd::Absolute));
        let ended = SessionTimes { ended: Some(NOW), ..session };
        assert_eq!(ended.check(&SessionLimits::DEFAULT, NOW), Err(SessionEnd::Ended));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_lengthen_it() {
        let session = SessionTimes::new(NOW);
        assert_eq!(session.check(&SessionLimits::DEFAULT, NOW - minutes(4)), Ok(()));
        assert_eq!(session.check(&SessionLimits::DEFAULT, NOW - minutes(6)), Err(SessionEnd::Clock));
    }

    #[test]
    fn elevation_lasts_ten_minutes() {
        let session = SessionTimes { elevated: Some(NOW), ..SessionTimes::new(NOW) };
        assert!(session.is_elevated(NOW + minutes(9)) && !session.is_elevated(NOW + minutes(10)));
        assert_eq!(session.elevated_until(), Some(NOW + minutes(10)));
        assert!(!session.is_elevated(NOW - minutes(1)) && !SessionTimes::new(NOW).is_elevated(NOW));
        assert!(!session.wants_touch(NOW + Duration::from_secs(59)) && session.wants_touch(NOW + minutes(1)));
    }

    proptest! {
        /// A session counts exactly until the instant the countdown names.
        #[test]
        fn the_countdown_is_true(used in 0i64..50_000_000, ahead in 0i64..60_000_000) {
            let session = SessionTimes { last_used: Timestamp::from_ms(NOW.as_ms() + used), ..SessionTimes::new(NOW) };
            let now = Timestamp::from_ms(session.last_used.as_ms() + ahead);
            let counts = session.check(&SessionLimits::DEFAULT, now).is_ok();
            prop_assert_eq!(counts, now < session.ends_at(&SessionLimits::DEFAULT));
        }
    }
}

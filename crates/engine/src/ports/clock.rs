//! Time and randomness, so that tests can hold both still.

use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use wk_domain::Timestamp;

/// The wall clock.
pub trait Clock: Send + Sync + Debug {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Time since some instant that stands, whatever is done to the wall clock: the two together tell a clock that was
    /// set from time that passed. A clock that is never set needs no other.
    fn steady(&self) -> Duration {
        self.now().since(Timestamp::from_ms(0))
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Duration {
        START.elapsed()
    }
}

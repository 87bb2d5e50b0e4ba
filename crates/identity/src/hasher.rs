//! The queue before the hashing: at most so many hashes at once, at most so many waiting, first come first served, and
//! no single source may fill the waiting room.
//!
//! A hash costs 64 MiB and a fifth of a second of one core. Without a bound, a few hundred tries a second would take the
//! whole machine, and monitoring with it.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::hash::{HashCost, HashError, Peppers, StoredHash, hash_password, verify_password};
use crate::password::Password;
use crate::throttle::site_of;

/// Bounds of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasherLimits {
    /// Hashes at once: the number of cores, each hash keeping one busy.
    pub running_max: usize,
    /// Tries waiting. With 64, two cores and a fifth of a second each, the last one waits about six seconds.
    pub waiting_max: usize,
    /// Tries waiting or running from one source (/32, /64).
    pub per_source_max: usize,
    /// Longest wait before [`QueueError::Busy`].
    pub wait_max: Duration,
}

impl HasherLimits {
    /// For a machine with `cores` cores.
    pub fn for_cores(cores: usize) -> Self {
        Self {
            running_max: cores.max(1),
            waiting_max: 64,
            per_source_max: 8,
            wait_max: Duration::from_secs(10),
        }
    }
}

/// Why no hash was computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// Too many sign-ins at this moment: answer 503 with Retry-After.
    #[error("too many sign-ins at this moment")]
    Busy,
    /// The hash itself.
    #[error(transparent)]
    Hash(HashError),
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password was right. Always false for an unknown account.
    pub ok: bool,
    /// Right, and worth hashing anew at today's cost.
    pub upgrade: bool,
}

/// Hashes and verifies passwords, so many at a time.
pub struct PasswordHasher {
    peppers: Peppers,
    cost: HashCost,
    limits: HasherLimits,
    /// What an unknown account is checked against: the same work, and no password fits.
    dummy: StoredHash,
    running: Arc<Semaphore>,
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    inside: usize,
    per_source: HashMap<[u8; 16], usize>,
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher")
            .field("cost", &self.cost)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// A place in the queue: left when dropped, also when the caller gives up half way.
struct Place {
    queue: Arc<Mutex<Queue>>,
    source: [u8; 16],
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.queue.lock();
        queue.inside = queue.inside.saturating_sub(1);
        if let Some(count) = queue.per_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                queue.per_source.remove(&self.source);
            }
        }
    }
}

impl PasswordHasher {
    /// A hasher with one dummy hash made at `cost`. Computes one hash.
    ///
    /// # Errors
    /// [`HashError`].
    pub fn new(peppers: Peppers, cost: HashCost, limits: HasherLimits) -> Result<Self, HashError> {
        let random = wk_seal::random_array::<32>().map_err(HashError::Random)?;
        let text = crate::base32::encode(crate::base32::CROCKFORD, &random);
        let password = Password::parse(&text).map_err(|_| HashError::Compute)?;
        let dummy = StoredHash::parse(&hash_password(&password, &peppers, cost)?)?;
        Ok(Self {
            peppers,
            cost,
            limits,
            dummy,
            running: Arc::new(Semaphore::new(limits.running_max.max(1))),
            queue: Arc::new(Mutex::new(Queue::default())),
        })
    }

    /// Tries waiting or running now.
    pub fn inside(&self) -> usize {
        self.queue.lock().inside
    }

    async fn enter(&self, source: IpAddr) -> Result<(Place, OwnedSemaphorePermit), QueueError> {
        let source = site_of(source, false);
        let place = {
            let mut queue = self.queue.lock();
            let of_source = queue.per_source.get(&source).copied().unwrap_or(0);
            let inside_max = self.limits.waiting_max.saturating_add(self.limits.running_max);
            if queue.inside >= inside_max || of_source >= self.limits.per_source_max {
                return Err(QueueError::Busy);
            }
            queue.inside += 1;
            queue.per_source.insert(source, of_source + 1);
            Place { queue: Arc::clone(&self.queue), source }
        };
        // tokio's semaphore serves in the order of asking.
        let permit = tokio::time::timeout(self.limits.wait_max, Arc::clone(&self.running).acquire_owned());
        match permit.await {
            Ok(Ok(permit)) => Ok((place, permit)),
            Ok(Err(_)) | Err(_) => Err(QueueError::Busy),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        source: IpAddr,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let entered = self.enter(source).await?;
        // The place travels with the work: a caller that goes away does not free a core that is still busy.
        let job = tokio::task::spawn_blocking(move || {
            let _entered = entered;
            work()
        });
        match job.await {
            Ok(result) => result.map_err(QueueError::Hash),
            Err(_) => Err(QueueError::Hash(HashError::Compute)),
        }
    }

    /// Hashes a new password; returns the PHC string to store. Dropping the future half way is fine.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn hash(&self, source: IpAddr, password: Password) -> Result<String, QueueError> {
        let (peppers, cost) = (self.peppers.clone(), self.cost);
        self.run(source, move || hash_password(&password, &peppers, cost)).await
    }

    /// Checks a password against the account's PHC string; `None` (unknown or disabled account) does the same work and
    /// fails. A string that cannot be read does the work, too, and is an error afterwards.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn verify(
        &self,
        source: IpAddr,
        password: Password,
        phc: Option<&str>,
    ) -> Result<Verified, QueueError> {
        let stored = phc.map(StoredHash::parse).transpose();
        let (known, subject, fault) = match stored {
            Ok(Some(stored)) => (true, stored, None),
            Ok(None) => (false, self.dummy.clone(), None),
            Err(error) => (false, self.dummy.clone(), Some(error)),
        };
        let (peppers, cost) = (self.peppers.clone(), self.cost);
        let ran = self
            .run(source, move || {
                let ok = verify_password(&password, &subject, &peppers)? && known;
                Ok(Verified { ok, upgrade: ok && subject.wants_upgrade(cost, &peppers) })
            })
            .await?;
        fault.map_or(Ok(ran), |error| Err(QueueError::Hash(error)))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use wk_seal::MacKey;

    use super::*;

    fn ip(n: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))
    }

    fn hasher(limits: HasherLimits) -> Arc<PasswordHasher> {
        let peppers = Peppers::new(MacKey::random().unwrap(), Vec::new());
        Arc::new(PasswordHasher::new(peppers, HashCost::FLOOR, limits).unwrap())
    }

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn right_wrong_unknown_and_damaged() {
        let hasher = hasher(HasherLimits::for_cores(2));
        let phc = hasher.hash(ip(1), password("vifoqumaridope")).await.unwrap();
        let check = |text: &str, phc| {
            let (hasher, password) = (Arc::clone(&hasher), password(text));
            async move { hasher.verify(ip(1), password, phc).await }
        };
        assert_eq!(
            check("vifoqumaridope", Some(phc.as_str())).await,
            Ok(Verified { ok: true, upgrade: false })
        );
        assert_eq!(check("wrong", Some(phc.as_str())).await, Ok(Verified { ok: false, upgrade: false }));
        assert_eq!(check("vifoqumaridope", None).await, Ok(Verified { ok: false, upgrade: false }));
        assert_eq!(check("vifoqumaridope", Some("rubbish")).await, Err(QueueError::Hash(HashError::Stored)));
        assert_eq!(hasher.inside(), 0);
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_frees_its_places() {
        let limits = HasherLimits {
            running_max: 1,
            waiting_max: 2,
            per_source_max: 8,
            wait_max: Duration::from_secs(60),
        };
        let hasher = hasher(limits);
        // Hold the only running place, so that what follows must wait.
        let held = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        let mut tries: Vec<_> = (0..3)
            .map(|n| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.verify(ip(n), password("x"), None).await })
            })
            .collect();
        while hasher.inside() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hasher.verify(ip(9), password("x"), None).await, Err(QueueError::Busy));
        // One who waits gives up: the place is free at once.
        tries.remove(2).abort();
        while hasher.inside() > 2 {
            tokio::task::yield_now().await;
        }
        drop(held);
        for attempt in tries {
            assert!(attempt.await.unwrap().is_ok());
        }
        assert_eq!(hasher.inside(), 0);
        assert!(hasher.queue.lock().per_source.is_empty());
    }

    #[tokio::test]
    async fn one_source_cannot_fill_the_waiting_room() {
        let limits = HasherLimits {
            running_max: 1,
            waiting_max: 10,
            per_source_max: 2,
            wait_max: Duration::from_secs(60),
        };
        let hasher = hasher(limits);
        let held = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        let tries: Vec<_> = (0..2)
            .map(|_| {
                let hasher = Arc::clone(&hasher);
                tokio::spawn(async move { hasher.verify(ip(1), password("x"), None).await })
            })
            .collect();
        while hasher.inside() < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hasher.verify(ip(1), password("x"), None).await, Err(QueueError::Busy));
        let other = tokio::spawn({
            let hasher = Arc::clone(&hasher);
            async move { hasher.verify(ip(2), password("x"), None).await }
        });
        drop(held);
        assert!(other.await.unwrap().is_ok());
        for attempt in tries {
            assert!(attempt.await.unwrap().is_ok());
        }
    }

    #[tokio::test]
    async fn waiting_has_an_end() {
        let limits = HasherLimits {
            running_max: 1,
            waiting_max: 2,
            per_source_max: 2,
            wait_max: Duration::from_millis(5),
        };
        let hasher = hasher(limits);
        let _held = Arc::clone(&hasher.running).acquire_owned().await.unwrap();
        assert_eq!(hasher.verify(ip(1), password("x"), None).await, Err(QueueError::Busy));
        assert_eq!(hasher.inside(), 0);
    }
}

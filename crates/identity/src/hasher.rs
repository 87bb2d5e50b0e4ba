//! The queue before the hashing: so many hashes at once, so many waiting. Browsers known from before go first; strangers
//! take turns by source, and never take every core.
//!
//! A hash costs 64 MiB and a fifth of a second of one core. Without a bound, a few hundred tries a second would take the
//! whole machine, and monitoring with it. With one queue for all, they would make the owner wait behind them: so there
//! are two lanes, and a flood of strangers delays a known browser by the one hash that is running at most.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::hash::{HashCost, HashError, Peppers, StoredHash, hash_password, verify_password};
use crate::password::Password;
use crate::throttle::site_of;

/// Who wants a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A session, or a browser known from before.
    Known,
    /// Anybody else, from there.
    Stranger(IpAddr),
}

impl From<IpAddr> for Lane {
    fn from(source: IpAddr) -> Self {
        Self::Stranger(source)
    }
}

/// Bounds of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasherLimits {
    /// Hashes at once: the number of cores, each hash keeping one busy.
    pub running_max: usize,
    /// Hashes of strangers at once: a core less, so that the rest of the program and known browsers have one.
    pub strangers_max: usize,
    /// Strangers' tries waiting, and as many of known browsers. With 64 and a fifth of a second each, the last one waits
    /// about ten seconds.
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
            strangers_max: cores.saturating_sub(1).max(1),
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
    queue: Arc<Mutex<Queue>>,
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHasher")
            .field("cost", &self.cost)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

type Source = [u8; 16];

/// One who waits. Dropping it sends the one who waits away.
struct Ticket {
    id: u64,
    go: oneshot::Sender<()>,
}

struct Queue {
    limits: HasherLimits,
    next_id: u64,
    running: usize,
    running_strangers: usize,
    known: VecDeque<Ticket>,
    strangers: HashMap<Source, VecDeque<Ticket>>,
    /// Sources that wait, whose turn is next in front.
    turns: VecDeque<Source>,
    waiting_strangers: usize,
    /// Waiting or running.
    per_source: HashMap<Source, usize>,
}

impl Queue {
    fn new(limits: HasherLimits) -> Self {
        Self {
            limits,
            next_id: 0,
            running: 0,
            running_strangers: 0,
            known: VecDeque::new(),
            strangers: HashMap::new(),
            turns: VecDeque::new(),
            waiting_strangers: 0,
            per_source: HashMap::new(),
        }
    }

    fn inside(&self) -> usize {
        self.running + self.known.len() + self.waiting_strangers
    }

    fn join(&mut self, source: Option<Source>) -> Result<(u64, oneshot::Receiver<()>), QueueError> {
        let (go, went) = oneshot::channel();
        self.next_id += 1;
        let ticket = Ticket { id: self.next_id, go };
        match source {
            None if self.known.len() >= self.limits.waiting_max => return Err(QueueError::Busy),
            None => self.known.push_back(ticket),
            Some(source) => {
                let of_source = self.per_source.get(&source).copied().unwrap_or(0);
                let full = self.waiting_strangers >= self.limits.waiting_max;
                if of_source >= self.limits.per_source_max || (full && !self.make_room(of_source)) {
                    return Err(QueueError::Busy);
                }
                *self.per_source.entry(source).or_default() += 1;
                let waiting = self.strangers.entry(source).or_default();
                if waiting.is_empty() {
                    self.turns.push_back(source);
                }
                waiting.push_back(ticket);
                self.waiting_strangers += 1;
            }
        }
        self.start();
        Ok((self.next_id, went))
    }

    /// In a full waiting room, the source with the most tries gives one up to a source with fewer.
    fn make_room(&mut self, newcomer_has: usize) -> bool {
        let most = self.strangers.iter().max_by_key(|(_, waiting)| waiting.len());
        let Some((source, _)) = most.filter(|(_, waiting)| waiting.len() > newcomer_has + 1) else {
            return false;
        };
        let source = *source;
        let Some(waiting) = self.strangers.get_mut(&source) else { return false };
        // Its place counts it out of its source when it hears of it.
        drop(waiting.pop_back());
        self.waiting_strangers -= 1;
        true
    }

    /// Lets go whoever may: known ones first, then strangers in turn.
    fn start(&mut self) {
        while self.running < self.limits.running_max.max(1) {
            if let Some(ticket) = self.known.pop_front() {
                self.running += 1;
                let _ = ticket.go.send(());
                continue;
            }
            if self.running_strangers >= self.limits.strangers_max.max(1) {
                return;
            }
            let Some(source) = self.turns.pop_front() else { return };
            let Some(waiting) = self.strangers.get_mut(&source) else { continue };
            let ticket = waiting.pop_front();
            if waiting.is_empty() {
                self.strangers.remove(&source);
            } else {
                self.turns.push_back(source);
            }
            if let Some(ticket) = ticket {
                self.waiting_strangers -= 1;
                self.running += 1;
                self.running_strangers += 1;
                let _ = ticket.go.send(());
            }
        }
    }

    /// Takes a ticket out that has not been called; whether it was there.
    fn withdraw(&mut self, id: u64, source: Option<Source>) -> bool {
        let take = |waiting: &mut VecDeque<Ticket>| {
            let at = waiting.iter().position(|ticket| ticket.id == id);
            at.and_then(|at| waiting.remove(at)).is_some()
        };
        let Some(source) = source else { return take(&mut self.known) };
        let Some(waiting) = self.strangers.get_mut(&source) else { return false };
        let was_there = take(waiting);
        if was_there {
            self.waiting_strangers -= 1;
            if waiting.is_empty() {
                self.strangers.remove(&source);
                self.turns.retain(|turn| *turn != source);
            }
        }
        was_there
    }
}

/// A place in the queue: left when dropped, also when the caller gives up half way.
struct Place {
    queue: Arc<Mutex<Queue>>,
    id: u64,
    source: Option<Source>,
    /// It was sent away to make room, and neither waits nor runs.
    displaced: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.queue.lock();
        if let Some(source) = self.source
            && let Some(count) = queue.per_source.get_mut(&source)
        {
            *count -= 1;
            if *count == 0 {
                queue.per_source.remove(&source);
            }
        }
        if !self.displaced && !queue.withdraw(self.id, self.source) {
            queue.running = queue.running.saturating_sub(1);
            if self.source.is_some() {
                queue.running_strangers = queue.running_strangers.saturating_sub(1);
            }
        }
        queue.start();
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
        Ok(Self { peppers, cost, limits, dummy, queue: Arc::new(Mutex::new(Queue::new(limits))) })
    }

    /// Tries waiting or running now.
    pub fn inside(&self) -> usize {
        self.queue.lock().inside()
    }

    async fn enter(&self, lane: Lane) -> Result<Place, QueueError> {
        let source = match lane {
            Lane::Known => None,
            Lane::Stranger(source) => Some(site_of(source, false)),
        };
        let (id, went) = self.queue.lock().join(source)?;
        let mut place = Place { queue: Arc::clone(&self.queue), id, source, displaced: false };
        match tokio::time::timeout(self.limits.wait_max, went).await {
            Ok(Ok(())) => Ok(place),
            Ok(Err(_)) => {
                place.displaced = true;
                Err(QueueError::Busy)
            }
            Err(_) => Err(QueueError::Busy),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let entered = self.enter(lane).await?;
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
    pub async fn hash(&self, lane: impl Into<Lane>, password: Password) -> Result<String, QueueError> {
        let (peppers, cost) = (self.peppers.clone(), self.cost);
        self.run(lane.into(), move || hash_password(&password, &peppers, cost)).await
    }

    /// Checks a password against the account's PHC string; `None` (unknown or disabled account) does the same work and
    /// fails. A string that cannot be read does the work, too, and is an error afterwards.
    ///
    /// # Errors
    /// [`QueueError`].
    pub async fn verify(
        &self,
        lane: impl Into<Lane>,
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
            .run(lane.into(), move || {
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

    fn limits(strangers_max: usize, waiting_max: usize, per_source_max: usize) -> HasherLimits {
        let wait_max = Duration::from_secs(60);
        HasherLimits { running_max: 1, strangers_max, waiting_max, per_source_max, wait_max }
    }

    fn hasher(limits: HasherLimits) -> Arc<PasswordHasher> {
        let peppers = Peppers::new(MacKey::random().unwrap(), Vec::new());
        Arc::new(PasswordHasher::new(peppers, HashCost::FLOOR, limits).unwrap())
    }

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    /// One who wants a place and writes the name down when it runs.
    fn waits(
        hasher: &Arc<PasswordHasher>,
        lane: Lane,
        name: &'static str,
        ran: &Arc<Mutex<Vec<&'static str>>>,
    ) -> tokio::task::JoinHandle<Result<(), QueueError>> {
        let (hasher, ran) = (Arc::clone(hasher), Arc::clone(ran));
        tokio::spawn(async move {
            let _place = hasher.enter(lane).await?;
            ran.lock().push(name);
            Ok(())
        })
    }

    async fn until_inside(hasher: &PasswordHasher, n: usize) {
        while hasher.inside() != n {
            tokio::task::yield_now().await;
        }
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

    /// The hash that stands in for an account's makes the difference between an unknown name and a wrong password
    /// invisible. The kinds take turns, and the middle of each counts.
    #[tokio::test]
    async fn an_unknown_account_costs_the_work_of_a_known_one() {
        let hasher = hasher(HasherLimits::for_cores(1));
        let phc = hasher.hash(ip(1), password("vifoqumaridope")).await.unwrap();
        let mut taken = [Vec::new(), Vec::new()];
        for _ in 0..15 {
            for (kind, stored) in [Some(phc.as_str()), None].into_iter().enumerate() {
                let began = std::time::Instant::now();
                assert!(!hasher.verify(ip(1), password("wrong"), stored).await.unwrap().ok);
                taken[kind].push(began.elapsed().as_secs_f64());
            }
        }
        let middle = |times: &mut Vec<f64>| {
            times.sort_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let [known, unknown] = taken.each_mut().map(middle);
        assert!((0.5..2.0).contains(&(unknown / known)), "{unknown} s and {known} s");
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_frees_its_places() {
        let hasher = hasher(limits(1, 2, 8));
        let ran = Arc::default();
        // Holds the only running place, so that what follows must wait.
        let held = hasher.enter(Lane::Known).await.unwrap();
        let mut tries: Vec<_> = (0..2).map(|n| waits(&hasher, Lane::Stranger(ip(n)), "x", &ran)).collect();
        until_inside(&hasher, 3).await;
        assert_eq!(hasher.verify(ip(9), password("x"), None).await, Err(QueueError::Busy));
        // One who waits gives up: the place is free at once.
        tries.remove(1).abort();
        until_inside(&hasher, 2).await;
        drop(held);
        for attempt in tries {
            attempt.await.unwrap().unwrap();
        }
        assert_eq!(hasher.inside(), 0);
        let queue = hasher.queue.lock();
        assert!(queue.per_source.is_empty() && queue.strangers.is_empty() && queue.turns.is_empty());
        assert_eq!((queue.running, queue.running_strangers), (0, 0));
    }

    #[tokio::test]
    async fn one_source_cannot_fill_the_waiting_room() {
        let hasher = hasher(limits(1, 10, 2));
        let ran = Arc::default();
        let held = hasher.enter(Lane::Known).await.unwrap();
        let tries: Vec<_> = (0..2).map(|_| waits(&hasher, Lane::Stranger(ip(1)), "x", &ran)).collect();
        until_inside(&hasher, 3).await;
        assert_eq!(hasher.verify(ip(1), password("x"), None).await, Err(QueueError::Busy));
        let other = waits(&hasher, Lane::Stranger(ip(2)), "other", &ran);
        until_inside(&hasher, 4).await;
        drop(held);
        other.await.unwrap().unwrap();
        for attempt in tries {
            attempt.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn a_known_browser_goes_before_every_stranger() {
        let hasher = hasher(limits(1, 64, 8));
        let ran: Arc<Mutex<Vec<_>>> = Arc::default();
        let held = hasher.enter(Lane::Stranger(ip(0))).await.unwrap();
        let strangers: Vec<_> =
            (1..60).map(|n| waits(&hasher, Lane::Stranger(ip(n)), "stranger", &ran)).collect();
        until_inside(&hasher, 60).await;
        let owner = waits(&hasher, Lane::Known, "owner", &ran);
        until_inside(&hasher, 61).await;
        drop(held);
        owner.await.unwrap().unwrap();
        for stranger in strangers {
            stranger.await.unwrap().unwrap();
        }
        assert_eq!(ran.lock()[0], "owner");
    }

    #[tokio::test]
    async fn strangers_leave_a_core_free() {
        let hasher = hasher(HasherLimits { running_max: 2, ..limits(1, 64, 8) });
        let ran = Arc::default();
        let _one = hasher.enter(Lane::Stranger(ip(1))).await.unwrap();
        let second = waits(&hasher, Lane::Stranger(ip(2)), "stranger", &ran);
        until_inside(&hasher, 2).await;
        let owner = hasher.enter(Lane::Known).await.unwrap();
        assert!(ran.lock().is_empty());
        drop(owner);
        second.abort();
    }

    #[tokio::test]
    async fn sources_take_turns_and_a_full_room_favours_those_with_fewer() {
        let hasher = hasher(limits(1, 6, 6));
        let ran: Arc<Mutex<Vec<_>>> = Arc::default();
        let held = hasher.enter(Lane::Known).await.unwrap();
        let mut loud = Vec::new();
        for n in 0..6 {
            loud.push(waits(&hasher, Lane::Stranger(ip(1)), "loud", &ran));
            until_inside(&hasher, 2 + n).await;
        }
        // The room is full of one source: another still gets in, and is served second.
        let quiet = waits(&hasher, Lane::Stranger(ip(2)), "quiet", &ran);
        while hasher.queue.lock().strangers.len() < 2 {
            tokio::task::yield_now().await;
        }
        drop(held);
        quiet.await.unwrap().unwrap();
        let mut sent_away = 0;
        for attempt in loud {
            sent_away += usize::from(attempt.await.unwrap() == Err(QueueError::Busy));
        }
        assert_eq!(sent_away, 1);
        assert_eq!(ran.lock()[..3], ["loud", "quiet", "loud"]);
        let queue = hasher.queue.lock();
        assert!(queue.per_source.is_empty());
        assert_eq!((queue.running, queue.running_strangers, queue.waiting_strangers), (0, 0, 0));
    }

    #[tokio::test]
    async fn waiting_has_an_end() {
        let hasher = hasher(HasherLimits { wait_max: Duration::from_millis(5), ..limits(1, 2, 2) });
        let _held = hasher.enter(Lane::Known).await.unwrap();
        assert_eq!(hasher.verify(ip(1), password("x"), None).await, Err(QueueError::Busy));
        assert_eq!(hasher.verify(Lane::Known, password("x"), None).await, Err(QueueError::Busy));
        assert_eq!(hasher.inside(), 1);
    }
}

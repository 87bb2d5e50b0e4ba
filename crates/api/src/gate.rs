//! How much anybody may ask for at once: requests a second, requests open, live streams, bodies in memory, entries in
//! the audit log. In memory, bounded, and refilled by the machine's monotonic clock.
//!
//! | counted | a second | at once | open |
//! |---|---|---|---|
//! | session | 100 | 200 | 64, live streams 16 |
//! | source (/32 or /64) without a session | 50 | 300 | 128 |
//!
//! A request counts as its session's only when the session was good a moment ago: whoever makes cookies up is a source.
//! What is shed is counted as `api.shed` and answered with 429 before a task is started or the store is asked.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wk_domain::SessionId;

use crate::error::ApiError;

/// Rows of each table: beyond, those who are not refilled yet keep theirs, and newcomers wait a second.
const ROWS_MAX: usize = 65_536;
/// A table is looked through for rows that say nothing any more at most this often.
const SWEEP_EVERY: Duration = Duration::from_millis(100);
/// Denials of one session and action are written down at most this often; in between they are counted.
const DENIAL_EVERY: Duration = Duration::from_secs(60);
/// Sessions and actions whose last denial is remembered. Sessions are people: there are not that many.
const DENIALS_MAX: usize = 4096;
/// A browser's report of a content violation is logged at most this often.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// Bodies of strangers in memory at once, in KiB: one of [`crate::body::STRANGER_BODY_MAX`] for each of four thousand.
const STRANGERS_KIB: usize = 64 * 1024;
/// Bodies of people who are signed in, in KiB: twice what one session may have open.
const MEMBERS_KIB: usize = 128 * 1024;
/// Passwords judged at once. It is work of milliseconds, on threads that other work waits for as well.
const JUDGING_MAX: usize = 2;
/// One who wants a password judged waits this long at most.
const JUDGING_WAIT: Duration = Duration::from_secs(2);

/// What one row may spend.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub per_second: f64,
    pub burst: f64,
    pub open_max: u32,
}

/// Wrong tokens and passkeys of one source, and of its network: twenty, and two hundred, in ten minutes. 256 bits are not
/// guessed; this keeps whoever tries from making the store look, and from filling the audit log.
const WRONG_SOURCE: Budget = Budget { per_second: 1.0 / 30.0, burst: 20.0, open_max: u32::MAX };
const WRONG_NETWORK: Budget = Budget { per_second: 1.0 / 3.0, burst: 200.0, open_max: u32::MAX };

/// The limits; see the table above.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub session: Budget,
    pub source: Budget,
    pub streams_max: u32,
}

impl Limits {
    /// The default.
    pub const DEFAULT: Self = Self {
        session: Budget { per_second: 100.0, burst: 200.0, open_max: 64 },
        source: Budget { per_second: 50.0, burst: 300.0, open_max: 128 },
        streams_max: 16,
    };
}

/// The /32 or /64 (`wide`: /24 or /48) of an address, in one form for both families.
pub(crate) fn site_of(ip: IpAddr, wide: bool) -> [u8; 16] {
    let (bits, kept) = match ip.to_canonical() {
        IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), if wide { 120 } else { 128 }),
        IpAddr::V6(v6) => (v6.to_bits(), if wide { 48 } else { 64 }),
    };
    (bits & (u128::MAX << (128 - kept))).to_be_bytes()
}

#[derive(Debug)]
struct Row {
    tokens: f64,
    at: Instant,
    open: u32,
}

/// Rows that are refilled with time, by key.
#[derive(Debug)]
pub(crate) struct Shelf<K> {
    budget: Budget,
    rows: HashMap<K, Row>,
    swept: Option<Instant>,
}

impl<K: Eq + Hash + Copy> Shelf<K> {
    pub(crate) fn new(budget: Budget) -> Self {
        Self { budget, rows: HashMap::new(), swept: None }
    }

    fn row(&mut self, key: K, now: Instant) -> Option<&mut Row> {
        let budget = self.budget;
        let refilled = move |row: &Row| {
            let since = now.saturating_duration_since(row.at).as_secs_f64();
            (row.tokens + since * budget.per_second).min(budget.burst)
        };
        if self.rows.len() >= ROWS_MAX && !self.rows.contains_key(&key) {
            if self.swept.is_none_or(|swept| now.saturating_duration_since(swept) >= SWEEP_EVERY) {
                self.swept = Some(now);
                self.rows.retain(|_, row| row.open > 0 || refilled(row) < budget.burst);
            }
            if self.rows.len() >= ROWS_MAX {
                return None;
            }
        }
        let row = self.rows.entry(key).or_insert(Row { tokens: budget.burst, at: now, open: 0 });
        row.tokens = refilled(row);
        row.at = now;
        Some(row)
    }

    /// Takes a place if there are `need` tokens, and spends `cost` of them; how long to wait otherwise.
    pub(crate) fn enter(&mut self, key: K, need: f64, cost: f64, now: Instant) -> Result<(), Duration> {
        let budget = self.budget;
        let Some(row) = self.row(key, now) else { return Err(Duration::from_secs(1)) };
        if row.open >= budget.open_max {
            return Err(Duration::from_secs(1));
        }
        let need = need.min(budget.burst);
        if row.tokens < need {
            return Err(Duration::from_secs_f64((need - row.tokens) / budget.per_second));
        }
        row.tokens -= cost;
        row.open += 1;
        Ok(())
    }

    /// Spends, whether there is something left or not.
    pub(crate) fn charge(&mut self, key: K, cost: f64, now: Instant) {
        if let Some(row) = self.row(key, now) {
            row.tokens = (row.tokens - cost).max(0.0);
        }
    }

    pub(crate) fn leave(&mut self, key: &K) {
        if let Some(row) = self.rows.get_mut(key) {
            row.open = row.open.saturating_sub(1);
        }
    }

    fn knows(&self, key: &K) -> bool {
        self.rows.contains_key(key)
    }
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Session([u8; 32]),
    Source([u8; 16]),
}

/// When a session's denial of an action was last written down, and how many were not since.
type Denials = HashMap<(SessionId, &'static str), (Instant, u32)>;

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct Gate {
    streams_max: u32,
    sessions: Mutex<Shelf<[u8; 32]>>,
    sources: Mutex<Shelf<[u8; 16]>>,
    streams: Mutex<HashMap<SessionId, u32>>,
    wrong_sources: Mutex<Shelf<[u8; 16]>>,
    wrong_networks: Mutex<Shelf<[u8; 16]>>,
    denials: Mutex<Denials>,
    reported: Mutex<Option<Instant>>,
    strangers: Arc<Semaphore>,
    members: Arc<Semaphore>,
    judging: Arc<Semaphore>,
}

/// A request's place; it is free again when the answer has been sent.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Arc<Gate>,
    key: Key,
}

impl Drop for Place {
    fn drop(&mut self) {
        match &self.key {
            Key::Session(key) => self.gate.sessions.lock().leave(key),
            Key::Source(key) => self.gate.sources.lock().leave(key),
        }
    }
}

/// Room that a body takes as it comes: what is only announced takes none.
#[derive(Debug)]
pub(crate) struct Room {
    of: Arc<Semaphore>,
    taken: Vec<OwnedSemaphorePermit>,
    kib: usize,
}

impl Room {
    /// Has room for `bytes` in all.
    ///
    /// # Errors
    /// 503: too many at once.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), ApiError> {
        let more = bytes.div_ceil(1024).saturating_sub(self.kib);
        if more == 0 {
            return Ok(());
        }
        // In pieces of 16 KiB, so that there are few of them.
        let more = more.next_multiple_of(16);
        let permits = u32::try_from(more).unwrap_or(u32::MAX);
        let piece = Arc::clone(&self.of).try_acquire_many_owned(permits).map_err(|_| {
            ApiError::Unavailable("too many requests with a body at once; try again in a moment".to_owned())
        })?;
        self.taken.push(piece);
        self.kib += more;
        Ok(())
    }
}

/// A live stream's place.
#[derive(Debug)]
pub(crate) struct StreamPlace {
    gate: Arc<Gate>,
    session: SessionId,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.gate.streams.lock();
        if let Some(open) = streams.get_mut(&self.session) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                streams.remove(&self.session);
            }
        }
    }
}

fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000).max(1)).unwrap_or(u64::MAX)
}

/// What a request weighs. One is a look at memory or a row, or being sent away for want of a session.
fn cost(path: &str, session: bool) -> f64 {
    match path.strip_prefix(crate::routes::BASE).unwrap_or_default() {
        // Milliseconds of guessing, a password hash, the whole log recomputed.
        "/password/check" => 10.0,
        "/session" | "/session/factor" | "/session/passkey" | "/claim/check" | "/claim/begin"
        | "/claim/finish" => 5.0,
        "/audit/verify" if session => 50.0,
        _ => 1.0,
    }
}

impl Gate {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            streams_max: limits.streams_max,
            sessions: Mutex::new(Shelf::new(limits.session)),
            sources: Mutex::new(Shelf::new(limits.source)),
            streams: Mutex::default(),
            wrong_sources: Mutex::new(Shelf::new(WRONG_SOURCE)),
            wrong_networks: Mutex::new(Shelf::new(WRONG_NETWORK)),
            denials: Mutex::default(),
            reported: Mutex::default(),
            strangers: Arc::new(Semaphore::new(STRANGERS_KIB)),
            members: Arc::new(Semaphore::new(MEMBERS_KIB)),
            judging: Arc::new(Semaphore::new(JUDGING_MAX)),
        }
    }

    /// A place for a request, with the digest of its session cookie if it has one.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn admit(
        self: &Arc<Self>,
        session: Option<[u8; 32]>,
        source: IpAddr,
        path: &str,
    ) -> Result<Place, ApiError> {
        let known = session.filter(|key| self.sessions.lock().knows(key));
        let (cost, now) = (cost(path, known.is_some()), Instant::now());
        let (key, entered) = match known {
            Some(key) => (Key::Session(key), self.sessions.lock().enter(key, cost, cost, now)),
            None => {
                let site = site_of(source, false);
                (Key::Source(site), self.sources.lock().enter(site, cost, cost, now))
            }
        };
        entered.map_err(|wait| ApiError::TooMany { retry_after_s: whole_seconds(wait) })?;
        Ok(Place { gate: Arc::clone(self), key })
    }

    /// The session was good: from now on its requests are its own.
    pub(crate) fn introduce(&self, session: [u8; 32]) {
        let mut sessions = self.sessions.lock();
        let _ = sessions.row(session, Instant::now());
    }

    /// Whether a source may bring a token to be looked up. One that was good a moment ago always may: a neighbour who
    /// guesses keeps nobody out.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn may_bring(&self, source: IpAddr, token: &[u8; 32]) -> Result<(), ApiError> {
        if self.sessions.lock().knows(token) {
            return Ok(());
        }
        let now = Instant::now();
        let shelves =
            [(&self.wrong_sources, site_of(source, false)), (&self.wrong_networks, site_of(source, true))];
        for (shelf, site) in shelves {
            let mut shelf = shelf.lock();
            let entered = shelf.enter(site, 1.0, 0.0, now);
            entered.map_err(|wait| ApiError::TooMany { retry_after_s: whole_seconds(wait) })?;
            shelf.leave(&site);
        }
        Ok(())
    }

    /// It was wrong.
    pub(crate) fn brought_wrong(&self, source: IpAddr) {
        let now = Instant::now();
        self.wrong_sources.lock().charge(site_of(source, false), 1.0, now);
        self.wrong_networks.lock().charge(site_of(source, true), 1.0, now);
    }

    /// A place for a live stream of a session.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn stream(self: &Arc<Self>, session: SessionId) -> Result<StreamPlace, ApiError> {
        let mut streams = self.streams.lock();
        let open = streams.entry(session).or_insert(0);
        if *open >= self.streams_max {
            return Err(ApiError::TooMany { retry_after_s: 10 });
        }
        *open += 1;
        Ok(StreamPlace { gate: Arc::clone(self), session })
    }

    /// Whether a denial is to be written down, and how many were not since the last one that was.
    pub(crate) fn denial(&self, session: SessionId, action: &'static str) -> Option<u32> {
        let now = Instant::now();
        let recent = |at: Instant| now.saturating_duration_since(at) < DENIAL_EVERY;
        let mut denials = self.denials.lock();
        if denials.len() >= DENIALS_MAX && !denials.contains_key(&(session, action)) {
            denials.retain(|_, (at, _)| recent(*at));
            if denials.len() >= DENIALS_MAX {
                return None;
            }
        }
        match denials.get_mut(&(session, action)) {
            Some((at, unwritten)) if recent(*at) => {
                *unwritten = unwritten.saturating_add(1);
                None
            }
            Some(row) => {
                let unwritten = row.1;
                *row = (now, 0);
                Some(unwritten)
            }
            None => {
                denials.insert((session, action), (now, 0));
                Some(0)
            }
        }
    }

    /// Whether a browser's report is to be logged.
    pub(crate) fn report(&self) -> bool {
        let now = Instant::now();
        let mut reported = self.reported.lock();
        if reported.is_some_and(|at| now.saturating_duration_since(at) < REPORT_EVERY) {
            return false;
        }
        *reported = Some(now);
        true
    }

    /// Room for a body, none of which is taken yet.
    pub(crate) fn room(&self, stranger: bool) -> Room {
        Room {
            of: Arc::clone(if stranger { &self.strangers } else { &self.members }),
            taken: Vec::new(),
            kib: 0,
        }
    }

    /// A turn to judge a password.
    ///
    /// # Errors
    /// 503: too many at once.
    pub(crate) async fn judging(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        match tokio::time::timeout(JUDGING_WAIT, Arc::clone(&self.judging).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(ApiError::Unavailable(
                "too many people choose a password at once; try again in a moment".to_owned(),
            )),
        }
    }
}

/// A body that keeps a place until it is sent or given up.
pub(crate) struct Held<T> {
    body: Body,
    _place: T,
}

impl<T: Send + Unpin + 'static> Held<T> {
    pub(crate) fn over(body: Body, place: T) -> Body {
        Body::new(Self { body, _place: place })
    }
}

impl<T: Send + Unpin + 'static> HttpBody for Held<T> {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const TEN: Budget = Budget { per_second: 10.0, burst: 20.0, open_max: 1000 };

    #[test]
    fn a_burst_passes_and_then_as_many_a_second_as_the_budget_says() {
        let mut shelf = Shelf::new(TEN);
        let began = Instant::now();
        let passed = (0..100).filter(|_| shelf.enter(1, 1.0, 1.0, began).is_ok()).count();
        assert_eq!(passed, 20);
        assert_eq!(shelf.enter(1, 1.0, 1.0, began), Err(Duration::from_millis(100)));
        assert!(shelf.enter(2, 1.0, 1.0, began).is_ok(), "others are not slowed");
        let later = began + Duration::from_secs(1);
        let passed = (0..100).filter(|_| shelf.enter(1, 1.0, 1.0, later).is_ok()).count();
        assert_eq!(passed, 10);
        // A clock that goes nowhere gives nothing, and what weighs more than a burst passes a full one.
        assert!(shelf.enter(1, 1.0, 1.0, began).is_err());
        assert!(shelf.enter(3, 500.0, 500.0, began).is_ok());
    }

    #[test]
    fn places_are_bounded_and_free_again() {
        let mut shelf = Shelf::new(Budget { open_max: 2, ..TEN });
        let now = Instant::now();
        assert!(shelf.enter(1, 1.0, 0.0, now).is_ok() && shelf.enter(1, 1.0, 0.0, now).is_ok());
        assert!(shelf.enter(1, 1.0, 0.0, now).is_err());
        shelf.leave(&1);
        assert!(shelf.enter(1, 1.0, 0.0, now).is_ok());
        shelf.charge(1, 1000.0, now);
        shelf.leave(&1);
        assert!(shelf.enter(1, 1.0, 0.0, now).is_err(), "failures count");
    }

    #[test]
    fn a_table_has_an_end_and_forgets_those_who_are_quiet_first() {
        let mut shelf = Shelf::new(TEN);
        let now = Instant::now();
        for source in 0..ROWS_MAX + 500 {
            let _ = shelf.enter(source, 1.0, 1.0, now);
            shelf.leave(&source);
        }
        assert_eq!(shelf.rows.len(), ROWS_MAX);
        assert!(shelf.enter(usize::MAX, 1.0, 1.0, now).is_err(), "all have asked this instant");
        let later = now + Duration::from_secs(1);
        assert!(shelf.enter(usize::MAX, 1.0, 1.0, later).is_ok());
        assert_eq!(shelf.rows.len(), 1, "the quiet ones are forgotten");
    }

    #[test]
    fn an_invented_cookie_is_its_sources_and_a_good_one_its_own() {
        let gate = Arc::new(Gate::new(Limits {
            source: Budget { per_second: 1.0, burst: 3.0, open_max: 10 },
            ..Limits::DEFAULT
        }));
        let source = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
        gate.introduce([7; 32]);
        let admitted = (0..20u8).filter(|n| gate.admit(Some([*n + 100; 32]), source, "/").is_ok()).count();
        assert_eq!(admitted, 3, "cookies nobody knows are all one source's");
        assert!(gate.admit(Some([7; 32]), source, "/").is_ok(), "a person beside the attacker goes on");
        assert!(matches!(gate.admit(None, source, "/"), Err(ApiError::TooMany { retry_after_s: 1 })));
        let next_door = IpAddr::V6(Ipv6Addr::LOCALHOST);
        assert!(gate.admit(None, next_door, "/").is_ok());
    }

    #[test]
    fn denials_are_written_once_a_minute_and_counted_between() {
        let gate = Gate::new(Limits::DEFAULT);
        let session = |n: u8| SessionId::new(1, [n; 10]);
        assert_eq!(gate.denial(session(1), "audit.read"), Some(0));
        assert_eq!(gate.denial(session(1), "audit.read"), None);
        assert_eq!(gate.denial(session(1), "user.read"), Some(0));
        assert_eq!(gate.denial(session(2), "audit.read"), Some(0));
        for n in 0..5000u64 {
            let _ = gate.denial(SessionId::new(n + 2, [0; 10]), "audit.read");
        }
        assert!(gate.denials.lock().len() <= DENIALS_MAX);
    }

    #[test]
    fn streams_and_bodies_have_their_bounds() {
        let gate = Arc::new(Gate::new(Limits { streams_max: 2, ..Limits::DEFAULT }));
        let session = SessionId::new(1, [1; 10]);
        let (one, _two) = (gate.stream(session).unwrap(), gate.stream(session).unwrap());
        assert!(gate.stream(session).is_err());
        drop(one);
        assert!(gate.stream(session).is_ok());
        let body = |stranger, bytes| {
            let mut room = gate.room(stranger);
            room.hold(1).and_then(|()| room.hold(bytes)).ok().map(|()| room)
        };
        let bodies: Vec<_> = std::iter::from_fn(|| body(true, 16 << 10)).collect();
        assert_eq!(bodies.len(), 4096);
        assert!(body(false, 1 << 20).is_some(), "strangers take no room of people who are signed in");
        drop(bodies);
        assert!(body(true, 16 << 10).is_some());
    }
}

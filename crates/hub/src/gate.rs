//! Who may knock how often: token buckets per source, in memory, bounded.
//!
//! A handshake pays when it begins and is paid back when the peer has proved itself, so unfinished handshakes count like
//! failed ones while ten thousand agents behind one address come back freely.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::HubConfig;

/// Sources remembered. When more come, those that have done nothing lately are forgotten, then all: the bounds on the
/// total still hold.
const SOURCES_MAX: usize = 50_000;

/// A source: an IPv4 address, or the /64 that one IPv6 customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source(IpAddr);

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into())
            }
            address => Self(address),
        }
    }
}

/// How fast a bucket fills, and how much it holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) burst: f64,
}

/// A token bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.burst, at: now }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * rate.per_second).min(rate.burst);
        self.at = now;
    }

    /// Takes one token, if there is one.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> bool {
        self.refill(rate, now);
        let there = self.tokens >= 1.0;
        if there {
            self.tokens -= 1.0;
        }
        there
    }

    /// Takes `tokens` whether they are there or not; returns the seconds until the debt is paid.
    pub(crate) fn owe(&mut self, tokens: f64, rate: Rate, now: Instant) -> f64 {
        self.refill(rate, now);
        self.tokens -= tokens;
        if self.tokens >= 0.0 { 0.0 } else { -self.tokens / rate.per_second.max(1e-9) }
    }

    pub(crate) fn is_full(&self, rate: Rate, now: Instant) -> bool {
        let mut copy = *self;
        copy.refill(rate, now);
        copy.tokens >= rate.burst
    }
}

/// What the hub lets in.
#[derive(Debug)]
pub(crate) struct Gate {
    handshakes: Sources,
    enrolments: Sources,
    enrolments_total: Mutex<Bucket>,
    enrolments_rate: Rate,
    /// Handshakes under way by source, and how many one may have.
    inside: Arc<Mutex<HashMap<Source, usize>>>,
    inside_max: usize,
}

/// A handshake under way, until dropped.
#[derive(Debug)]
pub(crate) struct Inside {
    all: Arc<Mutex<HashMap<Source, usize>>>,
    source: Source,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        if let Some(count) = all.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.source);
            }
        }
    }
}

impl Gate {
    pub(crate) fn new(config: &HubConfig) -> Self {
        let enrolments_rate =
            Rate { per_second: config.enrol_total_per_second, burst: config.enrol_total_per_second.max(1.0) };
        Self {
            handshakes: Sources::new(Rate {
                per_second: config.failures_per_second,
                burst: config.failures_burst,
            }),
            enrolments: Sources::new(Rate { per_second: config.enrol_per_second, burst: config.enrol_burst }),
            enrolments_total: Mutex::new(Bucket::full(enrolments_rate, Instant::now())),
            enrolments_rate,
            inside: Arc::default(),
            inside_max: config.half_open_per_source.max(1),
        }
    }

    /// Lets a handshake begin, unless its source has its share of them under way. The rate alone is no bound on that: at
    /// fifty a second, ten seconds each, one source would hold all places there are.
    pub(crate) fn enter(&self, source: Source) -> Option<Inside> {
        let mut all = self.inside.lock();
        let count = all.entry(source).or_insert(0);
        if *count >= self.inside_max {
            return None;
        }
        *count += 1;
        drop(all);
        Some(Inside { all: Arc::clone(&self.inside), source })
    }

    /// A connection came: may its handshake begin?
    pub(crate) fn knock(&self, source: Source, now: Instant) -> bool {
        self.handshakes.take(source, now)
    }

    /// The peer has shown who it is: its knock does not count.
    pub(crate) fn proved(&self, source: Source, now: Instant) {
        self.handshakes.give_back(source, now);
    }

    /// May an enrolment be tried? The source pays first: one source cannot use up what all share.
    pub(crate) fn enrol(&self, source: Source, now: Instant) -> bool {
        self.enrolments.take(source, now) && self.enrolments_total.lock().take(self.enrolments_rate, now)
    }
}

#[derive(Debug)]
struct Sources {
    rate: Rate,
    buckets: Mutex<HashMap<Source, Bucket>>,
}

impl Sources {
    fn new(rate: Rate) -> Self {
        Self { rate, buckets: Mutex::new(HashMap::new()) }
    }

    fn take(&self, source: Source, now: Instant) -> bool {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= SOURCES_MAX {
            buckets.retain(|_, bucket| !bucket.is_full(self.rate, now));
            if buckets.len() >= SOURCES_MAX {
                buckets.clear();
            }
        }
        buckets.entry(source).or_insert_with(|| Bucket::full(self.rate, now)).take(self.rate, now)
    }

    fn give_back(&self, source: Source, now: Instant) {
        let mut buckets = self.buckets.lock();
        if let Some(bucket) = buckets.get_mut(&source) {
            bucket.refill(self.rate, now);
            bucket.tokens = (bucket.tokens + 1.0).min(self.rate.burst);
            if bucket.tokens >= self.rate.burst {
                buckets.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn gate() -> Gate {
        Gate::new(&HubConfig::default())
    }

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn failures_are_let_through_at_fifty_a_second_and_source() {
        let (gate, now) = (gate(), Instant::now());
        let one = source("192.0.2.1");
        assert_eq!((0..2000).filter(|_| gate.knock(one, now)).count(), 1000);
        let later = now + Duration::from_secs(2);
        assert_eq!((0..1000).filter(|_| gate.knock(one, later)).count(), 100);
        assert!(gate.knock(source("192.0.2.2"), later), "another source is not touched");
    }

    #[test]
    fn peers_that_prove_themselves_do_not_count() {
        let (gate, now) = (gate(), Instant::now());
        let nat = source("192.0.2.1");
        for _ in 0..10_000 {
            assert!(gate.knock(nat, now));
            gate.proved(nat, now);
        }
    }

    #[test]
    fn enrolment_is_one_a_second_and_source_and_twenty_in_all() {
        let (gate, now) = (gate(), Instant::now());
        let one = source("192.0.2.1");
        assert_eq!((0..50).filter(|_| gate.enrol(one, now)).count(), 5);
        let many = (0..100_u8).filter(|n| gate.enrol(Source::of([198, 51, 100, *n].into()), now)).count();
        assert_eq!(many, 15);
    }

    #[test]
    fn a_source_is_a_64_of_ipv6() {
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:1"));
        assert_ne!(source("2001:db8::1"), source("2001:db8:0:1::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
    }

    #[test]
    fn a_flood_of_sources_takes_bounded_memory() {
        let (gate, now) = (gate(), Instant::now());
        for n in 0..120_000_u32 {
            gate.knock(Source::of(IpAddr::from(n.to_be_bytes())), now);
        }
        assert!(gate.handshakes.buckets.lock().len() <= SOURCES_MAX);
    }

    #[test]
    fn one_source_has_its_share_of_handshakes_under_way() {
        let gate = Gate::new(&HubConfig { half_open_per_source: 3, ..HubConfig::default() });
        let (one, two) = (source("192.0.2.1"), source("192.0.2.2"));
        let mut inside: Vec<_> = (0..9).filter_map(|_| gate.enter(one)).collect();
        assert_eq!(inside.len(), 3);
        assert!(gate.enter(two).is_some());
        inside.pop();
        assert!(gate.enter(one).is_some());
        drop(inside);
        assert!(gate.inside.lock().is_empty(), "nothing is remembered of who has left");
    }

    #[test]
    fn a_debt_tells_how_long_to_wait() {
        let rate = Rate { per_second: 10.0, burst: 100.0 };
        let now = Instant::now();
        let mut bucket = Bucket::full(rate, now);
        assert_eq!(bucket.owe(100.0, rate, now), 0.0);
        assert_eq!(bucket.owe(50.0, rate, now), 5.0);
        assert_eq!(bucket.owe(0.0, rate, now + Duration::from_secs(5)), 0.0);
    }
}

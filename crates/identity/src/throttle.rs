//! How often one may try to sign in. In memory and exact; the durable count of failures in a row is the store's.
//!
//! | counted | allowed | then |
//! |---|---|---|
//! | account and known device | 10 failures in a row | the device counts as unknown |
//! | account, all unknown devices | 5 in a row | wait 1, 2, 4 ... 900 s after each further one |
//! | source /32 or /64 | 20 failures in 10 min | wait for the window's end |
//! | source /24 or /48 | 200 failures in 10 min | wait for the window's end |
//! | account, where a policy says so | 10 failures in a row | wait 30 min ([`Lockout`]) |
//! | everybody | half of 1 000 tries in 10 min | unknown devices solve a puzzle first ([`Pulse`]) |
//! | links to join or to choose a password anew | 3 an hour for an account, 30 for a source | [`LinkBudget`] |
//!
//! A known device of the owner keeps working while strangers are slowed down, so nobody can lock an owner out: not even
//! from the same address, where many people may sit behind one router. Its own ten failures bound it.
//! [`LoginThrottle::admit`] counts the try as failed at once and [`LoginThrottle::succeeded`] takes it back: a hundred
//! tries at the same instant cannot all slip through before the first has failed.
//!
//! Tables are bounded: when one is full, its older half is forgotten. That takes more sources than the source rows let
//! through in the time, and the durable count stands behind it.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use wk_domain::{Timestamp, UserId};
use wk_seal::sha256;

use crate::policy::Lockout;

/// Failures in a row, over all unknown devices and restarts, after which the password opens nothing from an unknown
/// device until the owner signs in from a known one or an administrator opens it again (NIST SP 800-63B-4, 3.2.2).
pub const FAILURES_HARD_CAP: i64 = 100;

/// Whether the durable count of failures closes the account to unknown devices.
pub const fn is_closed(failures_in_a_row: i64) -> bool {
    failures_in_a_row >= FAILURES_HARD_CAP
}

/// The limits; see the table above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// Failures in a row of a known device.
    pub device_failures_max: u32,
    /// Failures in a row of unknown devices before any delay.
    pub free: u32,
    /// Longest delay.
    pub delay_max: Duration,
    /// Failures of a source (/32, /64) in a window.
    pub source_max: u32,
    /// Failures of a network (/24, /48) in a window.
    pub network_max: u32,
    /// The window.
    pub window: Duration,
    /// Rows in each half of each table: 64 Ki rows of about 50 bytes, six tables in all.
    pub rows_max: usize,
}

impl ThrottleLimits {
    /// The default.
    pub const DEFAULT: Self = Self {
        device_failures_max: 10,
        free: 5,
        delay_max: Duration::from_secs(900),
        source_max: 20,
        network_max: 200,
        window: Duration::from_secs(600),
        rows_max: 65_536,
    };
}

/// Which row refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedReason {
    /// This account has seen many failures from unknown devices.
    Account,
    /// This address has failed too often.
    Source,
    /// Its network has.
    Network,
}

/// No try now. Answer 429 with Retry-After, before any hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many failed sign-ins: try again in {} s", .retry_after.as_secs())]
pub struct Denied {
    /// For events and metrics; never tell the client which.
    pub reason: DeniedReason,
    /// Rounded up to whole seconds, at least one.
    pub retry_after: Duration,
}

/// A try that was let through and is counted as failed until [`LoginThrottle::succeeded`] hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Attempt {
    account: [u8; 16],
    device: Option<[u8; 16]>,
    source: [u8; 16],
    network: [u8; 16],
    at: Timestamp,
}

impl Attempt {
    /// Whether the try ran on the known device's own count. Otherwise its failure belongs to the durable count, too.
    pub const fn on_known_device(&self) -> bool {
        self.device.is_some()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct InARow {
    failures: u32,
    last: Timestamp,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    failures: u32,
    ends: Timestamp,
}

/// Two generations: a full young one becomes the old one, and the former old one is forgotten.
#[derive(Debug)]
struct Table<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    rows_max: usize,
}

impl<K: Eq + Hash + Copy, V: Copy + Default> Table<K, V> {
    fn new(rows_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), rows_max: rows_max.max(1) }
    }

    fn get(&self, key: &K) -> V {
        self.young.get(key).or_else(|| self.old.get(key)).copied().unwrap_or_default()
    }

    fn put(&mut self, key: K, value: V) {
        if self.young.len() >= self.rows_max && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    fn remove(&mut self, key: &K) {
        self.young.remove(key);
        self.old.remove(key);
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

/// The counters of one server.
#[derive(Debug)]
pub struct LoginThrottle {
    limits: ThrottleLimits,
    lockout: Lockout,
    accounts: Table<[u8; 16], InARow>,
    devices: Table<([u8; 16], [u8; 16]), InARow>,
    sources: Table<[u8; 16], Window>,
    networks: Table<[u8; 16], Window>,
}

/// The /32 or /64 (`wide`: /24 or /48) of an address, in one form for both families.
pub(crate) fn site_of(ip: IpAddr, wide: bool) -> [u8; 16] {
    let (bits, kept) = match ip.to_canonical() {
        IpAddr::V4(v4) => (v4.to_ipv6_mapped().to_bits(), if wide { 120 } else { 128 }),
        IpAddr::V6(v6) => (v6.to_bits(), if wide { 48 } else { 64 }),
    };
    (bits & (u128::MAX << (128 - kept))).to_be_bytes()
}

/// Rows are keyed by digest, so that the table holds no names and any length of name costs the same.
fn account_key(name: &str) -> [u8; 16] {
    let digest = sha256(name.to_lowercase().as_bytes());
    let mut key = [0u8; 16];
    key.copy_from_slice(&digest[..16]);
    key
}

fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_millis().div_ceil(1000).clamp(1, u128::from(u32::MAX)) as u64)
}

impl LoginThrottle {
    /// Empty counters.
    pub fn new(limits: ThrottleLimits) -> Self {
        let rows = limits.rows_max;
        Self {
            limits,
            lockout: Lockout { failures: None, minutes: 0, one_count: false },
            accounts: Table::new(rows),
            devices: Table::new(rows),
            sources: Table::new(rows),
            networks: Table::new(rows),
        }
    }

    /// What failures close beyond the delays: the strictest of all policies. One for everybody, accounts that do not
    /// exist included, so that how long one waits tells nothing of whom one asked for.
    pub fn set_lockout(&mut self, lockout: Lockout) {
        self.lockout = lockout;
    }

    /// Whether a known device has used its failures up and is a stranger from now on.
    pub fn is_worn_out(&self, attempt: &Attempt) -> bool {
        attempt.device.is_some_and(|device| {
            self.devices.get(&(attempt.account, device)).failures >= self.limits.device_failures_max
        })
    }

    /// Rows held, of all tables.
    pub fn rows(&self) -> usize {
        self.accounts.len() + self.devices.len() + self.sources.len() + self.networks.len()
    }

    /// Asks whether a try may run, and counts it as failed if so. `account` is the name as typed, whether it exists or
    /// not; `device` the nonce of a device cookie that was verified for this account.
    ///
    /// # Errors
    /// [`Denied`]; the try is then not counted.
    pub fn admit(
        &mut self,
        account: &str,
        device: Option<[u8; 16]>,
        source: IpAddr,
        now: Timestamp,
    ) -> Result<Attempt, Denied> {
        let (site, network) = (site_of(source, false), site_of(source, true));
        let mut by_site = fresh(self.sources.get(&site), now, self.limits.window);
        let mut by_network = fresh(self.networks.get(&network), now, self.limits.window);
        let account = account_key(account);
        let device = device.filter(|&device| {
            !self.lockout.one_count
                && self.devices.get(&(account, device)).failures < self.limits.device_failures_max
        });
        for (window, max, reason) in [
            (by_site, self.limits.source_max, DeniedReason::Source),
            (by_network, self.limits.network_max, DeniedReason::Network),
        ] {
            if window.failures >= max && device.is_none() {
                return Err(Denied { reason, retry_after: whole_seconds(window.ends.since(now)) });
            }
        }
        match device {
            Some(device) => {
                let row = self.devices.get(&(account, device));
                self.devices.put((account, device), InARow { failures: row.failures + 1, last: now });
            }
            None => {
                let mut row = self.accounts.get(&account);
                if now < row.last {
                    // The clock stepped back: wait the delay from now, not from an instant that is yet to come.
                    row.last = now;
                    self.accounts.put(account, row);
                }
                let wait = (row.last + self.delay(row.failures)).since(now);
                if !wait.is_zero() {
                    return Err(Denied { reason: DeniedReason::Account, retry_after: whole_seconds(wait) });
                }
                let failures = row.failures.saturating_add(1);
                self.accounts.put(account, InARow { failures, last: now });
            }
        }
        by_site.failures += 1;
        by_network.failures += 1;
        self.sources.put(site, by_site);
        self.networks.put(network, by_network);
        Ok(Attempt { account, device, source: site, network, at: now })
    }

    fn delay(&self, failures: u32) -> Duration {
        let locks = self.lockout.failures.is_some_and(|most| failures >= u32::from(most));
        let locked = Duration::from_secs(if locks { u64::from(self.lockout.minutes) * 60 } else { 0 });
        self.growing_delay(failures).max(locked)
    }

    fn growing_delay(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.limits.free) {
            None => Duration::ZERO,
            Some(beyond) => {
                Duration::from_secs(1u64.checked_shl(beyond).unwrap_or(u64::MAX)).min(self.limits.delay_max)
            }
        }
    }

    /// The try was right: its counts are taken back, and the account starts anew. Call it after the last factor.
    pub fn succeeded(&mut self, attempt: &Attempt) {
        self.taken_back(attempt);
        match attempt.device {
            Some(device) => self.devices.remove(&(attempt.account, device)),
            None => self.accounts.remove(&attempt.account),
        }
    }

    /// The try was neither right nor wrong (the server was too busy to look): only its count is taken back.
    pub fn withdrawn(&mut self, attempt: &Attempt) {
        self.taken_back(attempt);
        let less = |row: InARow| InARow { failures: row.failures.saturating_sub(1), ..row };
        match attempt.device {
            Some(device) => {
                let key = (attempt.account, device);
                self.devices.put(key, less(self.devices.get(&key)));
            }
            None => self.accounts.put(attempt.account, less(self.accounts.get(&attempt.account))),
        }
    }

    fn taken_back(&mut self, attempt: &Attempt) {
        for (table, key) in [(&mut self.sources, attempt.source), (&mut self.networks, attempt.network)] {
            let window = table.get(&key);
            // Only if it is still the window that counted it.
            if window.failures > 0 && window.ends > attempt.at {
                table.put(key, Window { failures: window.failures - 1, ..window });
            }
        }
    }

    /// An administrator, or the owner from a known device, opens the account to unknown devices again.
    pub fn reopen(&mut self, account: &str) {
        self.accounts.remove(&account_key(account));
    }
}

/// Account and device in one. The device's nonce is random and signed by us, so nobody can steer two into one.
fn factor_key(user: UserId, device: Option<[u8; 16]>) -> [u8; 16] {
    let mut key = *user.uuid().as_bytes();
    for (byte, mixed) in key.iter_mut().zip(device.unwrap_or_default()) {
        *byte ^= mixed;
    }
    key
}

/// Tries of the second factor: few per step, so that guessing six digits is hopeless, and few per day.
#[derive(Debug)]
pub struct FactorThrottle {
    steps: Table<[u8; 16], Window>,
    days: Table<[u8; 16], Window>,
}

impl FactorThrottle {
    const PER_STEP: u32 = 3;
    const STEP: Duration = Duration::from_secs(30);
    /// A guess has three codes in a million for it: thirty a day make one account fall in some thirty years.
    const PER_DAY: u32 = 30;
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Empty counters of at most `rows_max` accounts in each half of a table.
    pub fn new(rows_max: usize) -> Self {
        Self { steps: Table::new(rows_max), days: Table::new(rows_max) }
    }

    /// Asks whether `user` may try a code, and counts the try. `device` is the nonce of a verified device cookie: it has
    /// a count of its own, so that strangers with the password cannot use the owner's tries up.
    ///
    /// # Errors
    /// [`Denied`] with [`DeniedReason::Account`].
    pub fn admit(&mut self, user: UserId, device: Option<[u8; 16]>, now: Timestamp) -> Result<(), Denied> {
        let key = factor_key(user, device);
        let mut step = fresh(self.steps.get(&key), now, Self::STEP);
        let mut day = fresh(self.days.get(&key), now, Self::DAY);
        for (window, max) in [(day, Self::PER_DAY), (step, Self::PER_STEP)] {
            if window.failures >= max {
                let retry_after = whole_seconds(window.ends.since(now));
                return Err(Denied { reason: DeniedReason::Account, retry_after });
            }
        }
        step.failures += 1;
        day.failures += 1;
        self.steps.put(key, step);
        self.days.put(key, day);
        Ok(())
    }

    /// The code was right: the counts start anew.
    pub fn succeeded(&mut self, user: UserId, device: Option<[u8; 16]>) {
        let key = factor_key(user, device);
        self.steps.remove(&key);
        self.days.remove(&key);
    }
}

/// Whether many sign-ins fail: more than half of a thousand tries in ten minutes. Then unknown devices must work for
/// each try, until ten minutes have passed in which it was not so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pulse {
    /// Two halves of the window: the present five minutes, and the five before.
    halves: [Half; 2],
    turn: Timestamp,
    until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Half {
    tries: u64,
    failures: u64,
}

impl Pulse {
    const HALF: Duration = Duration::from_secs(300);
    const TRIES: u64 = 1000;
    const LASTS: Duration = Duration::from_secs(600);
    /// No try takes this long from its beginning until it is counted.
    const SLACK: Duration = Duration::from_secs(120);

    fn turn(&mut self, now: Timestamp) {
        let age = now.since(self.turn);
        // Tries side by side come a little out of order; only a clock that was put back is far behind.
        if age >= Self::HALF * 2 || now + Self::SLACK < self.turn {
            self.halves = [Half::default(); 2];
            self.turn = now;
        } else if age >= Self::HALF {
            self.halves = [Half::default(), self.halves[0]];
            self.turn = now;
        }
    }

    /// Counts a try; whether an attack begins with it.
    pub fn count(&mut self, failed: bool, now: Timestamp) -> bool {
        self.turn(now);
        self.halves[0].tries += 1;
        self.halves[0].failures += u64::from(failed);
        let tries = self.halves[0].tries + self.halves[1].tries;
        let failures = self.halves[0].failures + self.halves[1].failures;
        let was = self.is_attack(now);
        if tries >= Self::TRIES && failures * 2 > tries {
            self.until = Some(now + Self::LASTS);
        }
        !was && self.is_attack(now)
    }

    /// Whether unknown devices must solve a puzzle now.
    pub fn is_attack(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until && until.since(now) <= Self::LASTS + Self::SLACK)
    }

    /// Until when, if nothing more happens.
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|_| self.is_attack(now))
    }
}

/// How many one-time links are made for an account, and from a source, in an hour.
#[derive(Debug)]
pub struct LinkBudget {
    accounts: Table<[u8; 16], Window>,
    sources: Table<[u8; 16], Window>,
}

impl LinkBudget {
    const PER_ACCOUNT: u32 = 3;
    const PER_SOURCE: u32 = 30;
    const HOUR: Duration = Duration::from_secs(3600);

    /// Empty counters of at most `rows_max` rows in each half of a table.
    pub fn new(rows_max: usize) -> Self {
        Self { accounts: Table::new(rows_max), sources: Table::new(rows_max) }
    }

    /// Takes one for `account`, where one is meant, and for `source`, where it is known.
    ///
    /// # Errors
    /// [`Denied`]; nothing is counted then.
    pub fn take(
        &mut self,
        account: Option<&str>,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let account = account.map(account_key);
        let source = source.map(|source| site_of(source, false));
        let of_account = account.map(|key| (key, fresh(self.accounts.get(&key), now, Self::HOUR)));
        let of_source = source.map(|key| (key, fresh(self.sources.get(&key), now, Self::HOUR)));
        for (row, max, reason) in [
            (of_account, Self::PER_ACCOUNT, DeniedReason::Account),
            (of_source, Self::PER_SOURCE, DeniedReason::Source),
        ] {
            if let Some((_, window)) = row.filter(|(_, window)| window.failures >= max) {
                return Err(Denied { reason, retry_after: whole_seconds(window.ends.since(now)) });
            }
        }
        for (table, row) in [(&mut self.accounts, of_account), (&mut self.sources, of_source)] {
            if let Some((key, window)) = row {
                table.put(key, Window { failures: window.failures + 1, ..window });
            }
        }
        Ok(())
    }
}

fn fresh(window: Window, now: Timestamp, span: Duration) -> Window {
    // Over, or so far ahead that only a clock that stepped back explains it.
    if now >= window.ends || window.ends > now + span {
        Window { failures: 0, ends: now + span }
    } else {
        window
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_700_000_000);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn v4(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(0xc633_6400 + n))
    }

    /// A source of its own network for each try.
    fn far(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(n << 8))
    }

    fn throttle() -> LoginThrottle {
        LoginThrottle::new(ThrottleLimits::DEFAULT)
    }

    #[test]
    fn five_are_free_and_then_the_delay_doubles_to_fifteen_minutes() {
        let mut throttle = throttle();
        let mut now = NOW;
        for n in 0..5 {
            let _failed = throttle.admit("maria", None, far(n), now).unwrap();
        }
        for (n, delay) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900].into_iter().enumerate() {
            let source = far(100 + u32::try_from(n).unwrap());
            let denied = throttle.admit("maria", None, source, now).unwrap_err();
            assert_eq!(denied, Denied { reason: DeniedReason::Account, retry_after: secs(delay) });
            assert!(
                throttle.admit("maria", None, source, now + secs(delay) - Duration::from_millis(1)).is_err()
            );
            now = now + secs(delay);
            let _failed = throttle.admit("maria", None, source, now).unwrap();
        }
        assert!(throttle.admit("peter", None, far(999), now).is_ok(), "others are not slowed");
    }

    #[test]
    fn many_tries_at_the_same_instant_do_not_slip_through() {
        let mut throttle = throttle();
        let admitted = (0..100).filter(|&n| throttle.admit("maria", None, far(n), NOW).is_ok()).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn success_starts_anew_and_unknown_names_count_the_same() {
        let mut throttle = throttle();
        for n in 0..4 {
            let _failed = throttle.admit("Maria", None, far(n), NOW).unwrap();
        }
        let right = throttle.admit("maria", None, far(4), NOW).unwrap();
        throttle.succeeded(&right);
        for n in 0..5 {
            assert!(throttle.admit("MARIA", None, far(10 + n), NOW).is_ok());
            assert!(throttle.admit("nobody of that name", None, far(20 + n), NOW).is_ok());
        }
        assert!(throttle.admit("maria", None, far(30), NOW).is_err());
        assert!(throttle.admit("nobody of that name", None, far(31), NOW).is_err());
        throttle.reopen("maria");
        assert!(throttle.admit("maria", None, far(32), NOW).is_ok());
    }

    #[test]
    fn strangers_cannot_lock_out_a_known_device() {
        let mut throttle = throttle();
        for n in 0..50 {
            let _ = throttle.admit("maria", None, far(n), NOW);
        }
        let attempt = throttle.admit("maria", Some([7; 16]), far(60), NOW).unwrap();
        assert!(attempt.on_known_device());
        throttle.succeeded(&attempt);
        // A stolen device cookie gives ten tries, and is a stranger after them.
        for n in 0..10 {
            assert!(throttle.admit("maria", Some([8; 16]), far(70 + n), NOW).is_ok());
        }
        let denied = throttle.admit("maria", Some([8; 16]), far(90), NOW).unwrap_err();
        assert_eq!(denied.reason, DeniedReason::Account);
    }

    #[test]
    fn a_source_has_twenty_failures_in_ten_minutes_over_all_accounts() {
        let mut throttle = throttle();
        for n in 0..20 {
            let _failed = throttle.admit(&format!("user{n}"), None, v4(1), NOW + secs(n)).unwrap();
        }
        let denied = throttle.admit("someone", None, v4(1), NOW + secs(20)).unwrap_err();
        assert_eq!(denied, Denied { reason: DeniedReason::Source, retry_after: secs(580) });
        assert!(
            throttle.admit("someone", None, v4(2), NOW + secs(20)).is_ok(),
            "the neighbour is another source"
        );
        assert!(throttle.admit("someone", None, v4(1), NOW + secs(600)).is_ok());
    }

    #[test]
    fn a_guesser_behind_the_same_router_locks_no_known_device_out() {
        let mut throttle = throttle();
        for n in 0..20 {
            let _failed = throttle.admit(&format!("user{n}"), None, v4(1), NOW).unwrap();
        }
        assert_eq!(throttle.admit("maria", None, v4(1), NOW).unwrap_err().reason, DeniedReason::Source);
        for _ in 0..10 {
            let _failed = throttle.admit("maria", Some([7; 16]), v4(1), NOW).unwrap();
        }
        assert!(throttle.admit("maria", Some([7; 16]), v4(1), NOW).is_err(), "ten, as everywhere");
    }

    #[test]
    fn a_network_has_two_hundred() {
        let mut throttle = throttle();
        for n in 0..200 {
            let _failed = throttle.admit(&format!("user{n}"), None, v4(n % 100), NOW).unwrap();
        }
        let denied = throttle.admit("someone", None, v4(200), NOW).unwrap_err();
        assert_eq!(denied.reason, DeniedReason::Network);
        assert!(throttle.admit("someone", None, far(1), NOW).is_ok());
    }

    #[test]
    fn successes_do_not_count_against_a_source() {
        let mut throttle = throttle();
        for n in 0..100 {
            let attempt = throttle.admit(&format!("user{n}"), None, v4(1), NOW).unwrap();
            throttle.succeeded(&attempt);
        }
        let busy = throttle.admit("maria", None, v4(1), NOW).unwrap();
        throttle.withdrawn(&busy);
        for n in 0..5 {
            assert!(throttle.admit("maria", None, v4(n), NOW).is_ok());
        }
    }

    #[test]
    fn sources_are_32_and_64_bits_wide_and_mapped_addresses_are_the_same_source() {
        let v6 = |text: &str| text.parse::<Ipv6Addr>().map(IpAddr::V6).unwrap();
        assert_eq!(site_of(v6("2001:db8:1:2:3::4"), false), site_of(v6("2001:db8:1:2:ffff::"), false));
        assert_ne!(site_of(v6("2001:db8:1:2::1"), false), site_of(v6("2001:db8:1:3::1"), false));
        assert_eq!(site_of(v6("2001:db8:1:2::1"), true), site_of(v6("2001:db8:1:3::1"), true));
        assert_eq!(site_of(v6("::ffff:198.51.100.1"), false), site_of(v4(1), false));
        assert_ne!(site_of(v4(1), false), site_of(v4(2), false));
        assert_eq!(site_of(v4(1), true), site_of(v4(2), true));
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out_for_longer() {
        let mut throttle = throttle();
        for n in 0..30 {
            let _ = throttle.admit("maria", None, v4(n % 2), NOW);
        }
        let before = NOW - secs(86_400);
        let denied = throttle.admit("maria", None, far(1), before).unwrap_err();
        assert_eq!(denied.retry_after, secs(1));
        assert!(throttle.admit("maria", None, far(1), before + denied.retry_after).is_ok());
        for n in 0..20 {
            let _failed = throttle.admit(&format!("user{n}"), None, v4(9), NOW).unwrap();
        }
        assert!(throttle.admit("peter", None, v4(9), before).is_ok(), "a window of the future is no window");
    }

    #[test]
    fn the_second_factor_has_three_tries_a_step_and_thirty_a_day() {
        let mut throttle = FactorThrottle::new(100);
        let user = UserId::new(1, [1; 10]);
        let mut now = NOW;
        for round in 0..10 {
            for _ in 0..3 {
                throttle.admit(user, None, now).unwrap();
            }
            let wait = throttle.admit(user, None, now).unwrap_err().retry_after;
            assert_eq!(wait, if round < 9 { secs(30) } else { secs(86_400 - 270) });
            now = now + secs(30);
        }
        assert_eq!(throttle.admit(user, None, now).unwrap_err().retry_after, secs(86_400 - 300));
        assert!(throttle.admit(user, Some([9; 16]), now).is_ok(), "the owner's own device goes on");
        assert!(throttle.admit(UserId::new(1, [2; 10]), None, now).is_ok());
        assert!(throttle.admit(user, None, NOW + secs(86_400)).is_ok());
        throttle.succeeded(user, None);
        assert!(throttle.admit(user, None, now).is_ok());
    }

    #[test]
    fn the_durable_cap_is_one_hundred() {
        assert!(!is_closed(99) && is_closed(100) && is_closed(i64::MAX));
    }

    fn pci(one_count: bool) -> LoginThrottle {
        let mut throttle = throttle();
        throttle.set_lockout(Lockout { failures: Some(10), minutes: 30, one_count });
        throttle
    }

    #[test]
    fn a_pci_policy_closes_the_password_of_strangers_for_half_an_hour_after_ten() {
        let mut throttle = pci(false);
        let mut now = NOW;
        for n in 0..10 {
            let _failed = throttle.admit("maria", None, far(n), now).unwrap();
            now = now + secs(20);
        }
        let denied = throttle.admit("maria", None, far(99), now).unwrap_err();
        assert_eq!(denied.reason, DeniedReason::Account);
        assert!(denied.retry_after > secs(29 * 60), "{denied:?}");
        assert!(throttle.admit("nobody", None, far(98), now).is_ok());
        let known = throttle.admit("maria", Some([7; 16]), far(97), now).unwrap();
        assert!(known.on_known_device(), "the owner's browser has a count of its own");
        assert!(throttle.admit("maria", None, far(96), now + secs(30 * 60)).is_ok());
    }

    #[test]
    fn the_strict_one_counts_known_browsers_with_the_rest() {
        let mut throttle = pci(true);
        let mut now = NOW;
        for n in 0..10 {
            let attempt = throttle.admit("maria", Some([7; 16]), far(n), now).unwrap();
            assert!(!attempt.on_known_device());
            now = now + secs(20);
        }
        assert!(throttle.admit("maria", Some([7; 16]), far(99), now).is_err());
        throttle.reopen("maria");
        assert!(throttle.admit("maria", Some([7; 16]), far(99), now).is_ok());
    }

    #[test]
    fn ten_failures_wear_a_known_device_out() {
        let mut throttle = throttle();
        for n in 0..10 {
            let attempt = throttle.admit("maria", Some([7; 16]), v4(1), NOW).unwrap();
            assert_eq!(throttle.is_worn_out(&attempt), n == 9);
        }
        assert!(!throttle.admit("maria", Some([7; 16]), v4(2), NOW).unwrap().on_known_device());
    }

    #[test]
    fn many_failures_among_many_tries_are_an_attack_and_it_ends() {
        let mut pulse = Pulse::default();
        for n in 0..999 {
            assert!(!pulse.count(true, NOW), "{n}");
        }
        assert!(!pulse.is_attack(NOW));
        assert!(pulse.count(true, NOW) && pulse.is_attack(NOW));
        assert!(!pulse.count(true, NOW), "it begins once");
        let a_moment_before = NOW - Duration::from_millis(30);
        assert!(pulse.is_attack(a_moment_before), "tries side by side come out of order");
        assert!(!pulse.count(true, a_moment_before));
        assert!(pulse.is_attack(NOW + secs(599)) && !pulse.is_attack(NOW + secs(600)));
        assert!(!pulse.is_attack(NOW - secs(3600)), "a clock that was put back does not make it last");
        // Tries that are counted out of order are counted all the same.
        let mut pulse = Pulse::default();
        for n in 0..1000 {
            pulse.count(true, if n % 2 == 0 { NOW } else { NOW - Duration::from_millis(30) });
        }
        assert!(pulse.is_attack(NOW));
        // As many good ones: people come to work.
        let mut pulse = Pulse::default();
        for _ in 0..2000 {
            pulse.count(false, NOW);
            pulse.count(true, NOW);
            if pulse.is_attack(NOW) {
                break;
            }
        }
        assert!(!pulse.is_attack(NOW));
        // As many failures, spread over hours.
        let mut pulse = Pulse::default();
        for n in 0..3000 {
            pulse.count(true, NOW + secs(n * 2));
        }
        assert!(!pulse.is_attack(NOW + secs(6000)));
    }

    #[test]
    fn links_are_made_three_times_an_hour_for_an_account() {
        let mut budget = LinkBudget::new(1000);
        for _ in 0..3 {
            budget.take(Some("maria"), Some(v4(1)), NOW).unwrap();
        }
        assert_eq!(budget.take(Some("Maria"), Some(v4(2)), NOW).unwrap_err().reason, DeniedReason::Account);
        assert!(budget.take(Some("maria"), Some(v4(1)), NOW + secs(3600)).is_ok());
        let mut budget = LinkBudget::new(1000);
        for n in 0..30 {
            budget.take(Some(&format!("user{n}")), Some(v4(1)), NOW).unwrap();
        }
        assert_eq!(budget.take(Some("last"), Some(v4(1)), NOW).unwrap_err().reason, DeniedReason::Source);
        assert!(budget.take(Some("last"), Some(v4(2)), NOW).is_ok());
        assert!(budget.take(Some("last"), None, NOW).is_ok());
    }

    proptest! {
        /// Whatever is tried, tables stay bounded, and nobody gets more free tries than the limits say.
        #[test]
        fn bounded_in_rows_and_tries(tries in proptest::collection::vec((0u32..500, 0u32..1000, any::<bool>()), 1..600)) {
            let limits = ThrottleLimits { rows_max: 32, ..ThrottleLimits::DEFAULT };
            let mut throttle = LoginThrottle::new(limits);
            for (account, source, known) in tries {
                let device = known.then_some([1; 16]);
                let _ = throttle.admit(&format!("user{account}"), device, far(source), NOW);
                prop_assert!(throttle.rows() <= 32 * 2 * 4);
            }
        }

        #[test]
        fn an_account_admits_at_most_the_free_tries_in_a_second(sources in proptest::collection::vec(0u32..1000, 1..200)) {
            let mut throttle = throttle();
            let admitted = sources.iter().filter(|&&s| throttle.admit("maria", None, far(s), NOW).is_ok()).count();
            prop_assert!(admitted <= 5);
        }
    }
}

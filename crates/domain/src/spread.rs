//! When each check runs: a stable place inside its interval, so that thousands do not start together.
//!
//! The place depends on the check alone. A restart, of one server or of all of them, changes nothing and causes no
//! burst. Nothing here sleeps or knows the time.

use std::time::Duration;

use crate::Timestamp;

/// The check's place inside its interval, in whole milliseconds below `interval`. Stable across versions.
pub fn offset(key: &[u8], interval: Duration) -> Duration {
    Duration::from_millis(mix(key) % interval_ms(interval))
}

/// The first run strictly after `now`.
pub fn next_due(now: Timestamp, key: &[u8], interval: Duration) -> Timestamp {
    let interval = i128::from(interval_ms(interval));
    let offset = i128::from(mix(key)) % interval;
    let now = i128::from(now.as_ms());
    let next = now + interval - (now - offset).rem_euclid(interval);
    Timestamp::from_ms(i64::try_from(next).unwrap_or(i64::MAX))
}

/// At least one millisecond, so that a zero interval neither divides by zero nor spins.
fn interval_ms(interval: Duration) -> u64 {
    u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// FNV-1a, then the finaliser of SplitMix64: FNV alone leaves neighbours in the low bits of similar keys.
///
/// Not a defence: whoever chooses keys chooses places, which gains nothing.
fn mix(key: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_are_stable_and_even() {
        let minute = Duration::from_secs(60);
        // Written down: another value would move every check of every installation at once.
        assert_eq!(offset(b"check_01h455vb4pex5vsknk084sn02q", minute).as_millis(), 7_007);
        let mut per_second = [0u32; 60];
        for i in 0..6_000u32 {
            per_second[offset(format!("host-{i}/disk:/").as_bytes(), minute).as_secs() as usize] += 1;
        }
        assert!(per_second.iter().all(|n| (50..=150).contains(n)), "{per_second:?}");
    }

    proptest! {
        #[test]
        fn the_next_run_is_near_and_periodic(now in 0i64..4_000_000_000_000, key in any::<[u8; 8]>(), s in 1u64..100_000) {
            let interval = Duration::from_secs(s);
            let first = next_due(Timestamp::from_ms(now), &key, interval);
            prop_assert!(first > Timestamp::from_ms(now) && first.since(Timestamp::from_ms(now)) <= interval);
            prop_assert_eq!(next_due(first, &key, interval), first + interval);
        }

        #[test]
        fn any_numbers_are_survived(now in any::<i64>(), ms in any::<u64>()) {
            next_due(Timestamp::from_ms(now), b"k", Duration::from_millis(ms));
        }
    }
}

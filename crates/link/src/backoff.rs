//! How long to wait before the next try: a random part of a span that doubles ("full jitter", M. Brooker, AWS
//! Architecture Blog, 2015). Ten thousand agents that lost one server at once come back evenly spread.

use std::time::Duration;

use crate::Timing;

/// A link that lived this long was a good one: the next try begins at the first span again.
const GOOD: Duration = Duration::from_secs(60);

/// A random span below `limit`.
pub(crate) fn random_below(limit: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without entropy all wait half of it: still no worse than without jitter.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        bytes = [0, 0, 0, 0x80];
    }
    limit.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

#[derive(Debug)]
pub(crate) struct Backoff {
    timing: Timing,
    span: Duration,
}

impl Backoff {
    pub(crate) fn new(timing: Timing) -> Self {
        Self { timing, span: timing.retry_first }
    }

    /// The wait after a link that lived for `lived`.
    pub(crate) fn next(&mut self, lived: Duration) -> Duration {
        if lived >= GOOD {
            self.span = self.timing.retry_first;
        }
        let wait = random_below(self.span);
        self.span = (self.span * 2).min(self.timing.retry_max);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_are_spread() {
        let mut waits = vec![];
        for _ in 0..2000 {
            let mut backoff = Backoff::new(Timing::default());
            for _ in 0..5 {
                backoff.next(Duration::ZERO);
            }
            waits.push(backoff.next(Duration::ZERO).as_secs_f64());
        }
        let mean = waits.iter().sum::<f64>() / 2000.0;
        assert!(waits.iter().all(|wait| *wait <= 25.0));
        assert!((11.5..13.5).contains(&mean), "{mean}");
        // Evenly: no second of the span has twice its share of a crowd, and none is empty.
        let mut seconds = [0_u32; 26];
        waits.iter().for_each(|wait| seconds[*wait as usize] += 1);
        assert!(seconds[..25].iter().all(|count| (40..=160).contains(count)), "{seconds:?}");
    }

    #[test]
    fn a_good_link_starts_over() {
        let mut backoff = Backoff::new(Timing::default());
        for _ in 0..9 {
            backoff.next(Duration::ZERO);
        }
        assert!(backoff.next(GOOD) <= Duration::from_secs(10));
    }
}

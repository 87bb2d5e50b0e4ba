//! A provider's refusal comes at the same instants for all reasons: how long a directory took would tell which names it
//! knows.

use std::time::Duration;

use crate::outside::{Refusal, Why};
use tokio::time::{Instant, sleep_until};

/// No refusal comes before this.
const FIRST: Duration = Duration::from_millis(600);
/// A later one waits for the next of these.
const STEP: Duration = Duration::from_millis(300);

/// Waits until a refusal of what began at `begun` may be told. Whatever is bounded in number is better let go before.
pub async fn level(begun: Instant, refusal: &Refusal) {
    // These are told in the same words.
    if matches!(refusal.why, Why::Wrong | Why::Closed | Why::Refused) {
        sleep_until(begun + due(begun.elapsed())).await;
    }
}

fn due(taken: Duration) -> Duration {
    let Some(beyond) = taken.checked_sub(FIRST) else { return FIRST };
    let steps = beyond.as_millis() / STEP.as_millis() + 1;
    FIRST + STEP * u32::try_from(steps).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quick_and_slow_refusals_come_together() {
        let ms = |taken| due(Duration::from_millis(taken)).as_millis();
        assert_eq!([ms(0), ms(5), ms(599)], [600, 600, 600]);
        assert_eq!([ms(600), ms(750), ms(899), ms(900)], [900, 900, 900, 1200]);
    }
}

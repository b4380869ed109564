//! The delay before a retry, as a pure function of the settings, `Retry-After` and a random draw.

use std::time::Duration;

use mainstay_core::{Backoff, Jitter, Random};

use crate::Adaptive;

/// The delays of one request so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Series {
    /// The number of retries since the backoff started or restarted.
    retries: u32,
    /// The previous delay, for decorrelated jitter.
    previous: Duration,
}

/// The shortest wait after a rejection by another layer. Shorter waits would be a busy loop.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// The largest share of `retry_after` that is added to it, so that requests rejected together are not retried together.
const SPREAD: f64 = 0.5;

// === impl Series ===

impl Series {
    /// Returns the next delay. `retry_after` is a lower bound, and restarts the backoff.
    pub(crate) fn next(
        &mut self,
        retry_after: Option<Duration>,
        backoff: &Backoff,
        scale: Option<&Adaptive>,
        random: &Random,
    ) -> Duration {
        let retry = self.retries.saturating_add(1);
        let delay = match scale {
            Some(adaptive) => adaptive.delay(backoff, retry, self.previous, random),
            None => backoff.delay(retry, self.previous, random),
        };
        let Some(retry_after) = retry_after else {
            *self = Self { retries: retry, previous: delay };
            return delay;
        };
        *self = Self::default();
        // Up to a base delay is added, so that requests rejected together are not retried together.
        let spread = match backoff.jitter {
            Jitter::None => Duration::ZERO,
            _ => Jitter::Full.apply(backoff.base, Duration::ZERO, backoff.cap, random.unit()),
        };
        delay.max(retry_after.saturating_add(spread))
    }
}

/// Returns the wait after a rejection with this `retry_after`, if it fits into the time left.
pub(crate) fn wait_out(retry_after: Duration, time_left: Duration, random: &Random) -> Option<Duration> {
    let shortest = retry_after.max(SHORTEST_WAIT);
    let slack = time_left.checked_sub(shortest).filter(|slack| *slack > Duration::ZERO)?;
    let spread = shortest.mul_f64(SPREAD).min(slack / 2);
    Some(shortest + Jitter::Full.apply(spread, Duration::ZERO, Duration::MAX, random.unit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn series(backoff: &Backoff, retry_after: &[Option<Duration>]) -> Vec<u128> {
        let (mut series, random) = (Series::default(), Random::scripted(&[0.5]));
        retry_after.iter().map(|wait| series.next(*wait, backoff, None, &random).as_millis()).collect()
    }

    /// Defect of another library: its backoff sees only the attempt's number, so that `Retry-After` is impossible.
    #[test]
    fn retry_after_is_a_lower_bound_and_restarts_the_backoff() {
        let backoff = Backoff::exponential(100 * MS).with_jitter(Jitter::None);
        let retry_after = [None, None, Some(1_500 * MS), None, Some(MS)];
        assert_eq!(series(&backoff, &retry_after), [100, 200, 1_500, 100, 200]);
    }

    #[test]
    fn jitter_is_added_to_retry_after() {
        let backoff = Backoff::exponential(100 * MS).with_jitter(Jitter::Full);
        assert_eq!(series(&backoff, &[Some(1_000 * MS)]), [1_050]);
    }

    #[test]
    fn rejection_is_waited_out_only_if_it_fits_the_time_left() {
        let half = Random::scripted(&[0.5]);
        assert_eq!(wait_out(Duration::ZERO, 20 * MS, &half), Some(MS * 12 + MS / 2));
        assert_eq!(wait_out(100 * MS, 1_000 * MS, &half), Some(125 * MS));
        assert_eq!(wait_out(100 * MS, 110 * MS, &half), Some(MS * 102 + MS / 2));
        assert_eq!(wait_out(100 * MS, 100 * MS, &half), None);
        assert_eq!(wait_out(Duration::ZERO, 10 * MS, &half), None);
    }

    proptest! {
        #[test]
        fn delay_is_never_below_retry_after(retry_after: u32, base in 0_u64..30_000, draw in 0.0_f64..1.0, left: u32) {
            let random = Random::scripted(&[draw]);
            let backoff = Backoff::exponential(Duration::from_millis(base));
            let retry_after = Duration::from_millis(retry_after.into());
            prop_assert!(Series::default().next(Some(retry_after), &backoff, None, &random) >= retry_after);
            let left = Duration::from_millis(left.into());
            if let Some(wait) = wait_out(retry_after, left, &random) {
                prop_assert!(retry_after <= wait && wait < left && wait >= SHORTEST_WAIT);
            } else {
                prop_assert!(retry_after.max(SHORTEST_WAIT) >= left);
            }
        }
    }
}

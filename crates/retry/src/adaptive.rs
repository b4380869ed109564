//! A backoff that follows the dependency's success rate.

use std::{sync::Arc, time::Duration};

use mainstay_core::{Backoff, Jitter, Random, Window};
use tokio::time::Instant;

/// Scales a backoff by the success rate of the last 100 operations.
///
/// | success rate | factor |
/// |---|---|
/// | above 0.9 | 0.7 |
/// | above 0.7 | 1 |
/// | above 0.5 | 1.5 |
/// | below | 2 |
///
/// Without history, a rate of 0.8 is assumed, which leaves the backoff unchanged. The cap applies to the scaled delay
/// too, before the jitter. Clones share the history.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::{Backoff, Jitter, Random};
/// use mainstay_retry::Adaptive;
///
/// let backoff = Backoff::constant(Duration::from_secs(1)).with_jitter(Jitter::None);
/// let adaptive = Adaptive::new();
/// let delay = || adaptive.delay(&backoff, 1, Duration::ZERO, &Random::new());
/// assert_eq!(delay(), Duration::from_secs(1));
/// adaptive.record(false);
/// assert_eq!(delay(), Duration::from_secs(2));
/// ```
#[derive(Clone, Debug)]
pub struct Adaptive(Arc<Window>);

const OPERATIONS: u32 = 100;
const ASSUMED_RATE: f64 = 0.8;

// === impl Adaptive ===

impl Adaptive {
    /// Creates a scale without history.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Window::last_calls(OPERATIONS)))
    }

    /// Records the result of an operation, after all its attempts.
    pub fn record(&self, success: bool) {
        let _ = self.0.record(success, 0, Instant::now);
    }

    /// Returns the success rate, from 0 to 1.
    #[must_use]
    pub fn success_rate(&self) -> f64 {
        self.0.tally(Instant::now).rate(1).unwrap_or(ASSUMED_RATE)
    }

    /// Returns the factor by which the delay is multiplied.
    #[must_use]
    pub fn factor(&self) -> f64 {
        match self.success_rate() {
            rate if rate > 0.9 => 0.7,
            rate if rate > 0.7 => 1.0,
            rate if rate > 0.5 => 1.5,
            _ => 2.0,
        }
    }

    /// Returns the scaled delay before the n-th retry; the arguments are those of [`Backoff::delay`].
    #[must_use]
    pub fn delay(&self, backoff: &Backoff, retry: u32, previous: Duration, random: &Random) -> Duration {
        let factor = self.factor();
        let delay = match backoff.jitter {
            Jitter::Decorrelated => backoff.base,
            _ => backoff.upper(retry),
        };
        let scaled = Duration::try_from_secs_f64(delay.as_secs_f64() * factor).unwrap_or(Duration::MAX);
        backoff.jitter.apply(scaled.min(backoff.cap), previous, backoff.cap, random.unit())
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(successes: u32, failures: u32) -> Adaptive {
        let adaptive = Adaptive::new();
        (0..failures).for_each(|_| adaptive.record(false));
        (0..successes).for_each(|_| adaptive.record(true));
        adaptive
    }

    #[test]
    fn last_hundred_operations_scale_the_delay() {
        let factor = |successes, failures| after(successes, failures).factor();
        assert_eq!((factor(91, 9), factor(90, 10)), (0.7, 1.0));
        assert_eq!((factor(71, 29), factor(70, 30)), (1.0, 1.5));
        assert_eq!((factor(51, 49), factor(50, 50)), (1.5, 2.0));
        // The hundred failures before them have left the window.
        assert_eq!(factor(100, 100), 0.7);
    }

    #[test]
    fn missing_history_counts_as_a_rate_of_eight_in_ten() {
        assert_eq!(Adaptive::new().success_rate(), 0.8);
        assert_eq!(Adaptive::new().factor(), 1.0);
    }

    #[test]
    fn scaled_delay_stays_below_the_cap() {
        let second = Duration::from_secs(1);
        let failing = after(0, 1);
        for jitter in [Jitter::None, Jitter::Full, Jitter::Decorrelated] {
            let backoff = Backoff::exponential(second).with_cap(3 * second).with_jitter(jitter);
            assert!(failing.delay(&backoff, 30, 3 * second, &Random::scripted(&[0.999])) <= 3 * second);
        }
        let unlimited = Backoff::exponential(second).with_cap(Duration::MAX).with_jitter(Jitter::None);
        assert_eq!(failing.delay(&unlimited, u32::MAX, second, &Random::new()), Duration::MAX);
    }
}

//! How long to wait before the next attempt: pure functions of the settings, the server's word and chance.

use std::time::Duration;

use mainstay_core::{Backoff, Jitter, Random};

use crate::Adaptive;

/// What the delays before this one were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Series {
    /// Retries since the backoff began, or began anew.
    retries: u32,
    /// The delay before, for decorrelated jitter.
    previous: Duration,
}

/// The shortest wait for one of our own layers to admit the request: below it, a wait is a spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// How much longer than it asked a refusal is waited out at most, so that those it turned away do not come back in step.
const SPREAD: f64 = 0.5;

// === impl Series ===

impl Series {
    /// The next delay. What the server asked for is a lower bound, after which the backoff begins anew.
    pub(crate) fn next(
        &mut self,
        asked: Option<Duration>,
        backoff: &Backoff,
        scale: Option<&Adaptive>,
        random: &Random,
    ) -> Duration {
        let retry = self.retries.saturating_add(1);
        let delay = match scale {
            Some(adaptive) => adaptive.delay(backoff, retry, self.previous, random),
            None => backoff.delay(retry, self.previous, random),
        };
        let Some(asked) = asked else {
            *self = Self { retries: retry, previous: delay };
            return delay;
        };
        *self = Self::default();
        // Those the server turned away together must not return together: with jitter, up to a base delay is added.
        let spread = match backoff.jitter {
            Jitter::None => Duration::ZERO,
            _ => Jitter::Full.apply(backoff.base, Duration::ZERO, backoff.cap, random.unit()),
        };
        delay.max(asked.saturating_add(spread))
    }
}

/// The wait for a layer of ours that asked for `asked`, if that fits into `room`.
pub(crate) fn wait_out(asked: Duration, room: Duration, random: &Random) -> Option<Duration> {
    let least = asked.max(SHORTEST_WAIT);
    let spare = room.checked_sub(least).filter(|spare| *spare > Duration::ZERO)?;
    let spread = least.mul_f64(SPREAD).min(spare / 2);
    Some(least + Jitter::Full.apply(spread, Duration::ZERO, Duration::MAX, random.unit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn series(backoff: &Backoff, asked: &[Option<Duration>]) -> Vec<u128> {
        let (mut series, random) = (Series::default(), Random::scripted(&[0.5]));
        asked.iter().map(|asked| series.next(*asked, backoff, None, &random).as_millis()).collect()
    }

    /// A peer: `Retry-After` impossible because backoff sees only a number.
    #[test]
    fn the_servers_word_is_a_lower_bound_and_the_backoff_begins_anew_after_it() {
        let backoff = Backoff::exponential(100 * MS).with_jitter(Jitter::None);
        let asked = [None, None, Some(1_500 * MS), None, Some(MS)];
        assert_eq!(series(&backoff, &asked), [100, 200, 1_500, 100, 200]);
    }

    #[test]
    fn those_turned_away_together_do_not_return_together() {
        let backoff = Backoff::exponential(100 * MS).with_jitter(Jitter::Full);
        assert_eq!(series(&backoff, &[Some(1_000 * MS)]), [1_050]);
    }

    #[test]
    fn a_refusal_is_waited_out_only_where_it_fits() {
        let half = Random::scripted(&[0.5]);
        assert_eq!(wait_out(Duration::ZERO, 20 * MS, &half), Some(MS * 12 + MS / 2));
        assert_eq!(wait_out(100 * MS, 1_000 * MS, &half), Some(125 * MS));
        assert_eq!(wait_out(100 * MS, 110 * MS, &half), Some(MS * 102 + MS / 2));
        assert_eq!(wait_out(100 * MS, 100 * MS, &half), None);
        assert_eq!(wait_out(Duration::ZERO, 10 * MS, &half), None);
    }

    proptest! {
        #[test]
        fn never_below_what_was_asked(asked: u32, base in 0_u64..30_000, draw in 0.0_f64..1.0, room: u32) {
            let random = Random::scripted(&[draw]);
            let backoff = Backoff::exponential(Duration::from_millis(base));
            let asked = Duration::from_millis(asked.into());
            prop_assert!(Series::default().next(Some(asked), &backoff, None, &random) >= asked);
            let room = Duration::from_millis(room.into());
            if let Some(wait) = wait_out(asked, room, &random) {
                prop_assert!(asked <= wait && wait < room && wait >= SHORTEST_WAIT);
            } else {
                prop_assert!(asked.max(SHORTEST_WAIT) >= room);
            }
        }
    }
}

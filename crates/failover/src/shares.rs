//! The shares of requests that fail at two endpoints, and whether they differ by more than chance. Pure functions.

use mainstay_core::Tally;

/// The calls that each endpoint needs before the shares are compared.
const MINIMUM: u32 = 10;
/// The standard errors by which the shares differ. By chance alone they do so once in some million comparisons; and 13 calls
/// at each endpoint are enough where all fail at one and none at the other.
const STANDARD_ERRORS: f64 = 5.0;

/// Whether the first endpoint fails a larger share of its calls than the second one (a test of two proportions).
pub(crate) fn is_worse(first: Tally, second: Tally) -> bool {
    if first.calls.min(second.calls) < MINIMUM {
        return false;
    }
    let [n, m] = [first, second].map(|tally| f64::from(tally.calls));
    let pooled = f64::from(first.hits + second.hits) / (n + m);
    let standard_error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let difference = f64::from(first.hits) / n - f64::from(second.hits) / m;
    difference > 0.0 && difference >= STANDARD_ERRORS * standard_error
}

/// Returns how many calls of each endpoint tell this share from an endpoint without a failure.
pub(crate) fn calls_to_tell(share: f64) -> u32 {
    // The standard error of the difference is at most the square root of the share over the calls.
    (STANDARD_ERRORS * STANDARD_ERRORS / share).ceil().clamp(MINIMUM.into(), u32::MAX.into()) as u32
}

#[cfg(test)]
mod tests {
    use mainstay_core::Random;

    use super::*;

    fn tally(hits: u32, calls: u32) -> Tally {
        Tally { calls, hits }
    }

    #[test]
    fn share_is_worse_if_it_is_larger_by_more_than_chance() {
        let table = [
            ((13, 13), (0, 13), true),
            ((12, 12), (0, 12), false),
            ((9, 9), (0, 1_000), false),
            ((40, 80), (0, 80), true),
            ((20, 100), (0, 100), false),
            ((30, 100), (0, 100), true),
            ((54, 100), (54, 100), false),
            ((90, 100), (54, 100), true),
            ((0, 100), (100, 100), false),
            ((0, 0), (0, 0), false),
            ((100, 100), (100, 100), false),
        ];
        for ((hits, calls), (other_hits, other_calls), expected) in table {
            let (first, second) = (tally(hits, calls), tally(other_hits, other_calls));
            assert_eq!(is_worse(first, second), expected, "{first:?} {second:?}");
        }
    }

    #[test]
    fn few_failures_need_many_calls() {
        for share in [0.05, 0.1, 0.25, 0.54, 1.0] {
            let calls = calls_to_tell(share);
            let hits = (share * f64::from(calls)).ceil() as u32;
            assert!(is_worse(tally(hits, calls), tally(0, calls)), "{share}: {hits} of {calls}");
        }
        assert_eq!((calls_to_tell(0.25), calls_to_tell(0.0)), (100, u32::MAX));
    }

    /// The shares are looked at after each call.
    #[test]
    fn equal_endpoints_are_not_told_apart() {
        let random = Random::seeded(7);
        for share in [0.05, 0.2, 0.54, 0.9] {
            for _ in 0..2_000 {
                let mut tallies = [Tally::default(); 2];
                for _ in 0..400 {
                    let tally = &mut tallies[usize::from(random.unit() < 0.5)];
                    (tally.calls, tally.hits) = (tally.calls + 1, tally.hits + u32::from(random.unit() < share));
                    assert!(!is_worse(tallies[0], tallies[1]), "{share}: {tallies:?}");
                }
            }
        }
    }
}

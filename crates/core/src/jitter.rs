//! Jitter spreads delays, so that clients do not retry in step.

use std::time::Duration;

use crate::InvalidSetting;

/// How a delay is randomised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Jitter {
    /// Uniform in `0..=delay`. The default: it resolves contention fastest.
    #[default]
    Full,
    /// Uniform in `delay/2..=delay`: never near zero.
    Equal,
    /// Uniform in `base..=3 * previous`, capped. It grows with the previous delay instead of the attempt's number.
    Decorrelated,
    /// The delay, plus or minus up to this share of it.
    Proportional {
        /// The share, 0..=1.
        share: f64,
    },
    /// No jitter: clients that fail together retry together. For tests, or if something else spreads the clients.
    None,
}

impl Jitter {
    /// Returns the delay with jitter for one `draw` in `0.0..1.0`. A pure function.
    ///
    /// `delay` is the delay to spread (for `Decorrelated`, the base), `previous` the last delay (zero if there was none);
    /// `cap` bounds `Decorrelated`.
    #[must_use]
    pub fn apply(self, delay: Duration, previous: Duration, cap: Duration, draw: f64) -> Duration {
        match self {
            Self::Full => scale(delay, draw),
            Self::Equal => scale(delay, 0.5 + draw / 2.0),
            Self::Decorrelated => {
                let high = previous.max(delay).saturating_mul(3).max(delay);
                (delay + scale(high - delay, draw)).min(cap.max(delay))
            }
            Self::Proportional { share } => scale(delay, 1.0 - share + 2.0 * share * draw),
            Self::None => delay,
        }
    }

    /// Validates the share.
    ///
    /// # Errors
    /// A share outside 0..=1.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        match *self {
            Self::Proportional { share } if !(0.0..=1.0).contains(&share) => {
                Err(InvalidSetting::new("jitter.proportional.share", share, "must be 0 to 1"))
            }
            _ => Ok(()),
        }
    }
}

/// Returns `duration * factor`, saturating at both ends. A NaN factor counts as 0.
pub(crate) fn scale(duration: Duration, factor: f64) -> Duration {
    if duration.is_zero() {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor.max(0.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_kind_stays_in_its_range(ms in 0_u64..1_000_000, previous in 0_u64..1_000_000, draw in 0.0_f64..1.0) {
            let delay = Duration::from_millis(ms);
            let previous = Duration::from_millis(previous);
            let cap = Duration::MAX;
            prop_assert!(Jitter::Full.apply(delay, previous, cap, draw) <= delay);
            let equal = Jitter::Equal.apply(delay, previous, cap, draw);
            prop_assert!(delay / 2 <= equal && equal <= delay);
            let decorrelated = Jitter::Decorrelated.apply(delay, previous, cap, draw);
            prop_assert!(delay <= decorrelated && decorrelated <= previous.max(delay) * 3);
            let proportional = Jitter::Proportional { share: 0.1 }.apply(delay, previous, cap, draw);
            prop_assert!(scale(delay, 0.899) <= proportional && proportional <= scale(delay, 1.101));
        }
    }
}

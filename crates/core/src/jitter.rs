//! What chance does to a delay, so that clients do not come back in step.

use std::time::Duration;

use crate::{InvalidSetting, backoff::scale};

/// How a delay is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Jitter {
    /// Uniform in `0..=delay`: the default, the quickest to calm a contended resource.
    #[default]
    Full,
    /// Half of the delay, and up to half again: never near zero.
    Equal,
    /// Uniform in `base..=3 * previous`, capped: grows by chance rather than by the attempt's number.
    Decorrelated,
    /// The delay, up to this share more or less.
    Proportional {
        /// The share, 0..=1.
        share: f64,
    },
    /// None: clients that fail together come back together. For tests, and where something else spreads them.
    None,
}

impl Jitter {
    /// The jittered delay for one draw in `0.0..1.0`. Pure: the caller brings the chance.
    ///
    /// `delay` is the delay to spread (for `Decorrelated`, the base), `previous` the last delay (zero: none),
    /// `cap` bounds what `Decorrelated` grows to.
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

    /// Checks the share.
    ///
    /// # Errors
    /// A share outside 0..=1.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        match *self {
            Self::Proportional { share } if !(0.0..=1.0).contains(&share) => {
                Err(InvalidSetting::new("jitter.share", share, "must be 0 to 1"))
            }
            _ => Ok(()),
        }
    }
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

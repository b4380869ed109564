//! When the results of trial calls close a breaker or open it again.

use mainstay_core::{InvalidSetting, settings};

use crate::State;

/// What the trial calls of a half-open breaker must show.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TrialCriteria {
    /// Closes after this many successes; opens again at the first failure. The default, with 3.
    Successes(u32),
    /// Closes or opens by the failure rate of a number of calls, as early as the result is certain: for dependencies
    /// with some background errors.
    Rate {
        /// The number of trial calls.
        calls: u32,
        /// Opens again at this share of failures, 0..=1.
        failure_rate: f64,
    },
}

// === impl TrialCriteria ===

impl TrialCriteria {
    pub(crate) fn validate(self) -> Result<(), InvalidSetting> {
        match self {
            Self::Successes(n) => settings::count("successes", n.into(), 1..=1_000_000),
            Self::Rate { calls, failure_rate } => {
                settings::count("rate.calls", calls.into(), 1..=1_000_000)?;
                settings::rate("rate.failure_rate", failure_rate)
            }
        }
    }

    /// Returns the state that these results lead to, or `None` while they are not certain.
    pub(crate) fn result(self, successes: u32, failures: u32) -> Option<State> {
        let (enough, too_many) = match self {
            Self::Successes(enough) => (enough, 1),
            Self::Rate { calls, failure_rate } => {
                let too_many = (f64::from(calls) * failure_rate).ceil().max(1.0) as u32;
                // With this many successes, the calls that remain are fewer than `too_many`.
                ((calls + 1).saturating_sub(too_many), too_many)
            }
        };
        match (failures >= too_many, successes >= enough) {
            (true, _) => Some(State::Open),
            (_, true) => Some(State::Closed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_decided_as_early_as_it_is_certain() {
        let half = TrialCriteria::Rate { calls: 10, failure_rate: 0.5 };
        assert_eq!(half.result(5, 4), None);
        assert_eq!(half.result(6, 4), Some(State::Closed));
        assert_eq!(half.result(6, 0), Some(State::Closed));
        assert_eq!(half.result(5, 5), Some(State::Open));
        let all = TrialCriteria::Rate { calls: 3, failure_rate: 1.0 };
        assert_eq!((all.result(0, 2), all.result(0, 3)), (None, Some(State::Open)));
    }
}

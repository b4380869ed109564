//! The settings of second attempts.

use std::time::Duration;

use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// A second attempt at the next endpoint within one request: on an error, or after a delay without an answer. The first
/// success wins.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct SecondAttempt {
    /// The shortest delay. The delay is the 99th percentile of the endpoint's answers, between this and `max_delay`. If
    /// the second attempt answers first, the first endpoint is recorded as failing. `None`: only errors start a second
    /// attempt, and no answer within a delay is no evidence. Default 50 ms.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub delay: Option<Duration>,
    /// The longest delay. Until 20 answers were seen the delay is this or 1 s, the shorter. A value of `delay` or less
    /// makes the delay fixed. Default 10 s; the standard stack bounds it by half of the attempt timeout.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_delay: Duration,
    /// Whether a refusal by a layer below (a full bulkhead) starts a second attempt too. Default: no, because a local
    /// limit would move its load to the backup.
    pub on_rejected: bool,
    /// Whether an answer that the caller's limit is used up (429) starts a second attempt too. Default: no, because the
    /// limit is for the caller, and the backup would be asked for more than it is meant to give. An overload of the server
    /// (503) always starts one.
    pub on_rate_limited: bool,
    /// The budget of second attempts, for each endpoint that they go to. Default: earned by successes, with an allowance of
    /// two `consecutive_failures` + 1 that refills by one a second. A request that still waits when its endpoint is left
    /// or suspended needs none.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub budget: Option<BudgetSettings>,
}

// === impl SecondAttempt ===

impl SecondAttempt {
    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        if let Some(delay) = self.delay {
            settings::duration("delay", delay, SHORTEST..=LONGEST)?;
        }
        settings::duration("max_delay", self.max_delay, SHORTEST..=LONGEST)?;
        self.budget.as_ref().map_or(Ok(()), |budget| budget.validate().map_err(|error| error.within("budget")))
    }
}

impl Default for SecondAttempt {
    fn default() -> Self {
        Self {
            delay: Some(Duration::from_millis(50)),
            max_delay: Duration::from_secs(10),
            on_rejected: false,
            on_rate_limited: false,
            budget: None,
        }
    }
}

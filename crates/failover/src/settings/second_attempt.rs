//! The settings of second attempts.

use std::time::Duration;

use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// A second attempt at the next endpoint within one request: on an error, or after a delay without an answer. The first
/// success wins. If the second endpoint can't be connected to, the request goes on to the next one, until one takes it. A
/// request whose connection failed was not sent, so its next attempt needs no budget.
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
    /// or suspended needs none, and neither does one that was not sent. A table that is written in part has the rest of the default for three
    /// `consecutive_failures`.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "mainstay_core::settings::or_off::serialize", deserialize_with = "budget")
    )]
    pub budget: Option<BudgetSettings>,
}

/// The budget as a file has it: what is not given is that of second attempts, not that of a budget alone.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(remote = "BudgetSettings", default = "usual_budget", deny_unknown_fields)]
struct GivenBudget {
    earned_per_success: f64,
    cost: f64,
    cost_throttled: f64,
    #[serde(with = "humantime_serde")]
    expiry: Duration,
    cap: f64,
    allowance: f64,
    #[serde(with = "mainstay_core::settings::or_off::duration")]
    allowance_refill: Option<Duration>,
}

/// The default of `consecutive_failures`.
pub(super) const CONSECUTIVE_FAILURES: u32 = 3;

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

/// Returns the default budget of second attempts at one endpoint.
pub(super) fn default_budget(consecutive_failures: u32) -> BudgetSettings {
    BudgetSettings {
        allowance: 2.0 * f64::from(consecutive_failures.min(4_999)) + 1.0,
        allowance_refill: Some(Duration::from_secs(1)),
        ..BudgetSettings::default()
    }
}

#[cfg(feature = "serde")]
fn usual_budget() -> BudgetSettings {
    default_budget(CONSECUTIVE_FAILURES)
}

#[cfg(feature = "serde")]
fn budget<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<BudgetSettings>, D::Error> {
    #[derive(serde::Deserialize)]
    struct Given(#[serde(with = "GivenBudget")] BudgetSettings);

    let given = settings::or_off::deserialize::<Given, D>(deserializer)?;
    Ok(given.map(|Given(budget)| budget))
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

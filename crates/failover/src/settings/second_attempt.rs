//! When a request is tried at a second endpoint.

use std::time::Duration;

use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// A second attempt at the next endpoint within one request: on an error, or after a delay. The first success wins.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct SecondAttempt {
    /// An endpoint is silent when an answer takes longer than its own 99th percentile, but not before this much time.
    /// A delay that the next endpoint answered counts as a failure of the silent one. `None`: only errors bring a
    /// second attempt. Default 50 ms.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub delay: Option<Duration>,
    /// An endpoint is silent after this time in any case, and after no less while fewer than 20 of its answers were
    /// seen: what is merely slow must not be taken for dead. At most `delay` makes that a fixed time. Default 1 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_delay: Duration,
    /// Whether a refusal by the endpoint's own layers (a full bulkhead) brings a second attempt too. Default: no, or a
    /// local limit would push its load onto the backup.
    pub on_rejected: bool,
    /// What second attempts may be spent, for each endpoint they go to. Default: earned by successes; the reserve is
    /// one more than the failures that leave an endpoint, and comes back at one a second. A request
    /// that still waits when its endpoint is left goes on without one.
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
            max_delay: Duration::from_secs(1),
            on_rejected: false,
            budget: None,
        }
    }
}

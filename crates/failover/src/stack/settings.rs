//! The settings of the standard stack, and their contradictions.

use std::time::Duration;

use mainstay_bulkhead::LimitSettings;
use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{SHORTEST, below, human},
};
use mainstay_retry::RetrySettings;

use crate::FailoverSettings;

#[cfg(feature = "serde")]
use super::limit::GivenLimit;
use super::{common::Common, limit::default_limit, warning::Warnings};

/// Settings of a [`Standard`](super::Standard) stack.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct StandardSettings {
    /// The timeout of a whole call, with all attempts and their waits. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub total_timeout: Duration,
    /// The timeout of one attempt; below the total. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub attempt_timeout: Duration,
    /// The retries. Default: 3 attempts, full jitter from 100 ms, budget on. `max_attempts: 1` turns them off.
    pub retry: RetrySettings,
    /// The budget of the retries. Default: that of [`BudgetSettings`]; `None` turns it off, for background work with few
    /// and slow retries. For a budget that several stacks share see
    /// [`Standard::with_retry_budget`](super::Standard::with_retry_budget).
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub retry_budget: Option<BudgetSettings>,
    /// The failover: when an endpoint is left, how it is probed, when traffic returns.
    pub failover: FailoverSettings,
    /// The limit on concurrent calls of each endpoint. Default 256 and no queue: by Little's law, 2,560 calls a second that
    /// take 100 ms each.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "GivenLimit::deserialize"))]
    pub bulkhead: LimitSettings,
}

// === impl StandardSettings ===

impl StandardSettings {
    /// Checks every part, and the parts against each other. A stack with an endpoint without a probe also needs an attempt
    /// timeout below `failover.trial_lease`.
    ///
    /// # Errors
    /// A field out of its range, or in contradiction to another.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        self.validate_for(true)
    }

    pub(super) fn validate_for(&self, all_probed: bool) -> Result<(), InvalidSetting> {
        self.failover.validate().map_err(|error| error.within("failover"))?;
        self.common().validate()?;
        below("failover.ready_timeout", self.failover.ready_timeout, "total_timeout", self.total_timeout)?;
        match all_probed {
            true => Ok(()),
            // A trial request that runs longer than its lease is a failure whatever its outcome.
            false => below("attempt_timeout", self.attempt_timeout, "failover.trial_lease", self.failover.trial_lease),
        }
    }

    pub(super) fn common(&self) -> Common<'_> {
        Common {
            total_timeout: self.total_timeout,
            attempt_timeout: self.attempt_timeout,
            retry: &self.retry,
            retry_budget: self.retry_budget.as_ref(),
            bulkhead: &self.bulkhead,
        }
    }

    /// Returns the failover's settings, whose second attempt starts after half of the attempt timeout at the latest.
    pub(super) fn failover_in_stack(&self) -> FailoverSettings {
        let mut failover = self.failover.clone();
        if let Some(second) = &mut failover.second_attempt {
            second.max_delay = second.max_delay.min((self.attempt_timeout / 2).max(SHORTEST));
        }
        failover
    }

    pub(super) fn warnings(&self) -> Warnings {
        let mut warnings = Warnings::default();
        let attempt = self.attempt_timeout;
        let delay = self.failover.second_attempt.as_ref().and_then(|second| second.delay);
        warnings.add_if(delay.is_some_and(|delay| delay >= attempt), "failover.second_attempt.delay", || {
            let delay = delay.unwrap_or_default();
            format!("attempt_timeout, {}, ends the attempt before a delay of {}", human(attempt), human(delay))
        });
        self.common().warn(&mut warnings);
        let recovery = self.failover.probe.interval_counting.saturating_mul(self.failover.recovery_successes - 1);
        warnings.add_if(self.failover.hold.base < recovery, "failover.hold.base", || {
            format!("the probes of a recovery take {}: a shorter hold has no effect", human(recovery))
        });
        warnings
    }
}

impl Default for StandardSettings {
    fn default() -> Self {
        Self {
            total_timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            retry: RetrySettings::default(),
            retry_budget: Some(BudgetSettings::default()),
            failover: FailoverSettings::default(),
            bulkhead: default_limit(),
        }
    }
}

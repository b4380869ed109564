//! The settings of the stack around one dependency, and their contradictions.

use std::time::Duration;

use mainstay_bulkhead::LimitSettings;
use mainstay_circuit_breaker::{BreakerSettings, Recovery};
use mainstay_core::{
    BudgetSettings, InvalidSetting,
    settings::{below, human},
};
use mainstay_fallback::FallbackSettings;
use mainstay_retry::RetrySettings;

#[cfg(feature = "serde")]
use super::limit::GivenLimit;
use super::{common::Common, limit::default_limit, warning::Warnings};

/// Settings of a [`DependencyLayer`](super::DependencyLayer).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct DependencySettings {
    /// When the fallback's steps run. Used by a stack that has a fallback. Default: that of [`FallbackSettings`].
    pub fallback: FallbackSettings,
    /// The timeout of a whole call, with all attempts and their waits. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub total_timeout: Duration,
    /// The timeout of one attempt; below the total, and below the lease of the breaker's trial calls. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub attempt_timeout: Duration,
    /// The retries. Default: 3 attempts, full jitter from 100 ms. `max_attempts: 1` turns them off.
    pub retry: RetrySettings,
    /// The budget of the retries. Default: that of [`BudgetSettings`]; `None` turns it off, for background work with few
    /// and slow retries. For a budget that several stacks share see
    /// [`DependencyLayer::with_retry_budget`](super::DependencyLayer::with_retry_budget).
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub retry_budget: Option<BudgetSettings>,
    /// The breaker, which counts attempts. Default: that of [`BreakerSettings`], which opens after 10 consecutive failures
    /// or at 50 % failures of the last 100 attempts.
    pub breaker: BreakerSettings,
    /// The limit on concurrent calls. Default 256 and no queue: by Little's law, 2,560 calls a second that take 100 ms
    /// each.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "GivenLimit::deserialize"))]
    pub bulkhead: LimitSettings,
}

// === impl DependencySettings ===

impl DependencySettings {
    /// Checks every part, and the parts against each other.
    ///
    /// # Errors
    /// A field out of its range, or in contradiction to another.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        self.fallback.validate().map_err(|error| error.within("fallback"))?;
        self.breaker.validate().map_err(|error| error.within("breaker"))?;
        self.common().validate()?;
        match self.breaker.recovery {
            // A trial call that runs longer than its lease is a failure whatever its outcome.
            Recovery::Trials { lease, .. } => {
                below("attempt_timeout", self.attempt_timeout, "breaker.recovery.trials.lease", lease)
            }
            Recovery::Probes { .. } => Ok(()),
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

    pub(super) fn warnings(&self, has_fallback: bool) -> Warnings {
        let mut warnings = Warnings::default();
        warnings.add_if(!has_fallback && self.fallback != FallbackSettings::default(), "fallback", || {
            "the stack has no fallback: make it with `DependencyLayer::with_fallback`".to_owned()
        });
        self.common().warn(&mut warnings);
        let attempt = self.attempt_timeout;
        let slow = self.breaker.slow_calls.is_some_and(|slow| slow.duration > attempt);
        warnings
            .add_if(slow, "breaker.slow_calls.duration", || format!("attempt_timeout, {}, is earlier", human(attempt)));
        warnings
    }
}

impl Default for DependencySettings {
    fn default() -> Self {
        Self {
            fallback: FallbackSettings::default(),
            total_timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            retry: RetrySettings::default(),
            retry_budget: Some(BudgetSettings::default()),
            breaker: BreakerSettings::default(),
            bulkhead: default_limit(),
        }
    }
}

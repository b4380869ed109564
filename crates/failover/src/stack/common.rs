//! The settings that every stack has: the checks that concern several of them, and the handles of the retries.

use std::time::Duration;

use mainstay_bulkhead::LimitSettings;
use mainstay_core::{
    BudgetSettings, InvalidSetting, Name,
    settings::{self, LONGEST, SHORTEST},
};
use mainstay_retry::{Retrier, RetrySettings};

use super::warning::Warnings;

pub(super) struct Common<'a> {
    pub(super) total_timeout: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) retry: &'a RetrySettings,
    pub(super) retry_budget: Option<&'a BudgetSettings>,
    pub(super) bulkhead: &'a LimitSettings,
}

// === impl Common ===

impl Common<'_> {
    /// Checks each setting, and those against each other.
    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        let (attempt, total) = (self.attempt_timeout, self.total_timeout);
        for (field, time) in [("total_timeout", total), ("attempt_timeout", attempt)] {
            settings::duration(field, time, SHORTEST..=LONGEST)?;
        }
        self.retry.validate().map_err(|error| error.within("retry"))?;
        if let Some(budget) = self.retry_budget {
            budget.validate().map_err(|error| error.within("retry_budget"))?;
        }
        self.bulkhead.validate().map_err(|error| error.within("bulkhead"))?;
        below("attempt_timeout", attempt, "the total timeout", total)?;
        match self.bulkhead.max_wait.filter(|_| self.bulkhead.queue > 0) {
            Some(max_wait) => below("bulkhead.max_wait", max_wait, "the total timeout", total),
            None => Ok(()),
        }
    }

    pub(super) fn warn(&self, warnings: &mut Warnings) {
        let (attempt, total, retry) = (self.attempt_timeout, self.total_timeout, self.retry);
        warnings.add_if(retry.max_attempts > 1 && attempt.saturating_mul(2) > total, "retry.max_attempts", || {
            format!("two attempts of {attempt:?} do not fit into the total timeout, {total:?}")
        });
        warnings.add_if(retry.max_attempts > retry.attempt_quota, "retry.max_attempts", || {
            format!("retry.attempt_quota = {} permits fewer attempts than {}", retry.attempt_quota, retry.max_attempts)
        });
        warnings.add_if(retry.deadline.is_some_and(|deadline| deadline > total), "retry.deadline", || {
            format!("the total timeout, {total:?}, is earlier")
        });
        warnings.add_if(retry.max_attempts > 1 && retry.backoff.base >= total, "retry.backoff.base", || {
            format!("a wait of {:?} does not fit into the total timeout, {total:?}", retry.backoff.base)
        });
        let execution_timeout = self.bulkhead.execution_timeout;
        warnings.add_if(execution_timeout.is_some_and(|limit| limit > attempt), "bulkhead.execution_timeout", || {
            format!("the attempt timeout, {attempt:?}, is earlier")
        });
    }
}

/// Creates the handle of the retries, whose budget is on or off.
pub(super) fn retrier(
    name: &Name,
    settings: RetrySettings,
    budget: Option<BudgetSettings>,
) -> Result<Retrier, InvalidSetting> {
    let retrier = Retrier::with_settings(name, settings)?;
    retrier.reconfigure_budget(budget)?;
    Ok(retrier)
}

/// Checks that a time is below another one.
pub(super) fn below(field: &str, time: Duration, what: &str, limit: Duration) -> Result<(), InvalidSetting> {
    match time < limit {
        true => Ok(()),
        false => Err(InvalidSetting::new(field, format!("{time:?}"), format!("must be below {what}, {limit:?}"))),
    }
}

//! The settings that every stack has: the checks that concern several of them, and the handles of the retries.

use std::time::Duration;

use mainstay_bulkhead::LimitSettings;
use mainstay_core::{
    BudgetSettings, InvalidSetting, Name,
    settings::{self, LONGEST, SHORTEST, below, human},
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
        below("attempt_timeout", attempt, "total_timeout", total)?;
        match self.bulkhead.max_wait.filter(|_| self.bulkhead.queue > 0) {
            Some(max_wait) => below("bulkhead.max_wait", max_wait, "total_timeout", total),
            None => Ok(()),
        }
    }

    pub(super) fn warn(&self, warnings: &mut Warnings) {
        let retry = self.retry;
        let (attempt_time, total_time) = (self.attempt_timeout, self.total_timeout);
        let (attempt, total) = (human(attempt_time), human(total_time));
        warnings.add_if(
            retry.max_attempts > 1 && attempt_time.saturating_mul(2) > total_time,
            "retry.max_attempts",
            || format!("two attempts of {attempt} do not fit into total_timeout, {total}"),
        );
        warnings.add_if(retry.max_attempts > retry.attempt_quota, "retry.max_attempts", || {
            format!("retry.attempt_quota = {} permits fewer attempts than {}", retry.attempt_quota, retry.max_attempts)
        });
        warnings.add_if(retry.deadline.is_some_and(|deadline| deadline > total_time), "retry.deadline", || {
            format!("total_timeout, {total}, is earlier")
        });
        warnings.add_if(retry.max_attempts > 1 && retry.backoff.base >= total_time, "retry.backoff.base", || {
            format!("a wait of {} does not fit into total_timeout, {total}", human(retry.backoff.base))
        });
        let execution_timeout = self.bulkhead.execution_timeout;
        warnings.add_if(
            execution_timeout.is_some_and(|limit| limit > attempt_time),
            "bulkhead.execution_timeout",
            || format!("attempt_timeout, {attempt}, is earlier"),
        );
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

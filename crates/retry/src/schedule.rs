//! A retry is scheduled: the checks, the delay and the token that pays for it.
//!
//! The order of the checks: whether the request can be sent again, the attempts, the quota, the deadline, the budget. All
//! checks come before the result is discarded and before the delay, so a check that fails never replaces the original
//! result.
//!
//! The budget's token is handled only in this file: [`Retrier::schedule`] reserves it or finds the budget empty,
//! [`ScheduledRetry`] holds it during the delay, and [`Retrier::start_retry`] spends it. A request that is dropped
//! before that drops its `ScheduledRetry`, and the reservation returns the token.

use std::time::Duration;

use mainstay_core::{Cost, Outcome, Repeat, Reservation, has_runtime};
use tokio::time::Instant;

use crate::{
    Retrier, StopReason,
    delay::wait_out,
    request_state::{RequestState, RetryPermission},
    stats::Count,
};

/// A retry that has been decided on.
#[derive(Debug, Default)]
pub(crate) struct ScheduledRetry {
    /// The time to wait before the retry.
    pub(crate) delay: Duration,
    /// The token that pays for the retry; `None` without a budget. Dropping it returns the token.
    reservation: Option<Reservation>,
    /// Whether another layer rejected the attempt, so that the same attempt is made again.
    same_attempt: bool,
}

// === impl Retrier ===

impl Retrier {
    /// Records that the next attempt is sent, and spends its token.
    pub(crate) fn start_retry(&self, state: &mut RequestState, retry: ScheduledRetry) {
        state.attempt_started = Some(Instant::now());
        if retry.same_attempt {
            return;
        }
        state.attempt += 1;
        self.0.stats.add(Count::Retries);
        if let Some(reservation) = retry.reservation {
            reservation.spend();
        }
    }

    /// Schedules a retry after a failure of the dependency, or after an ignored outcome that permits a repeat.
    pub(crate) fn schedule(
        &self,
        state: &mut RequestState,
        outcome: Outcome,
        permission: RetryPermission<'_>,
    ) -> Result<ScheduledRetry, StopReason> {
        let inner = &*self.0;
        let retry_after = match outcome.repeat() {
            Repeat::Never => return Err(StopReason::NotRetryable),
            Repeat::After(wait) => Some(wait),
            Repeat::Backoff => None,
        };
        let attempt_quota = permission?;
        if state.is_last_attempt() {
            // A failed `poll_ready` uses an attempt but not the copy, so a copy may be left.
            return Err(StopReason::Attempts);
        }
        if attempt_quota.is_some_and(|quota| quota.left() == 0) {
            return Err(StopReason::AttemptQuota);
        }
        let settings = inner.settings();
        let now = Instant::now();
        let time_left = state.deadline.map(|deadline| deadline.saturating_duration_since(now));
        let is_too_long =
            |wait: Duration| time_left.is_some_and(|left| wait.saturating_add(inner.stats.typical()) >= left);
        if retry_after.is_some_and(|wait| wait > settings.backoff.cap || is_too_long(wait)) {
            return Err(StopReason::RetryAfter);
        }
        let scale = inner.live.is_adaptive().then_some(&inner.adaptive);
        let delay = state.delays.next(retry_after, &settings.backoff, scale, &inner.random);
        if is_too_long(delay) {
            return Err(StopReason::Deadline);
        }
        self.require_runtime(delay)?;
        let cost = match outcome {
            Outcome::Overloaded { .. } => Cost::Throttled,
            _ => Cost::Retry,
        };
        let reservation = inner.budget().map(|budget| budget.reserve(cost, now));
        if matches!(reservation, Some(None)) {
            // The budget is empty. The outer layers share the quota and must not retry in place of this one.
            if let Some(attempt_quota) = attempt_quota {
                attempt_quota.exhaust();
            }
            return Err(StopReason::Budget);
        }
        match attempt_quota.is_none_or(|quota| quota.take()) {
            true => Ok(ScheduledRetry { delay, reservation: reservation.flatten(), same_attempt: false }),
            false => Err(StopReason::AttemptQuota),
        }
    }

    /// Checks that there is a timer for the delay. Without a runtime tokio's timers panic.
    fn require_runtime(&self, delay: Duration) -> Result<(), StopReason> {
        if delay.is_zero() || has_runtime() {
            return Ok(());
        }
        self.warn_of_no_runtime();
        Err(StopReason::NoRuntime)
    }

    /// Schedules the same attempt again after another layer rejected it.
    ///
    /// The dependency was not called, so this costs neither an attempt nor budget. It is done only if the settings allow
    /// a wait as long as the rejection's `retry_after`, at most once, and only if it fits the deadline.
    pub(crate) fn schedule_after_rejection(
        &self,
        state: &mut RequestState,
        repeat: Repeat,
        permission: RetryPermission<'_>,
    ) -> Result<ScheduledRetry, StopReason> {
        let inner = &*self.0;
        let delay = || {
            let longest = inner.live.wait_out()?;
            let retry_after = repeat.after().filter(|wait| *wait <= longest)?;
            let time_left = match state.deadline {
                Some(deadline) => {
                    deadline.saturating_duration_since(Instant::now()).checked_sub(inner.stats.typical())?
                }
                None => Duration::MAX,
            };
            wait_out(retry_after, time_left, &inner.random)
        };
        if permission.is_err() || state.waited_out {
            return Err(StopReason::Rejected);
        }
        let delay = delay().ok_or(StopReason::Rejected)?;
        self.require_runtime(delay)?;
        state.waited_out = true;
        inner.stats.add(Count::WaitedOut);
        Ok(ScheduledRetry { delay, reservation: None, same_attempt: true })
    }
}

//! The decision whether to retry, made once per attempt.
//!
//! The order of the checks: the outcome's class, whether the request can be sent again, the attempts, the quota, the
//! deadline, the budget. All checks come before the result is discarded and before the delay, so a check that fails
//! never replaces the original result.
//!
//! The budget's token is handled only in this file: [`Retrier::schedule`] reserves it or finds the budget empty,
//! [`ScheduledRetry`] holds it during the delay, and [`Retrier::start_retry`] spends it. A request that is dropped
//! before that drops its `ScheduledRetry`, and the reservation returns the token.

use std::time::Duration;

use mainstay_core::{Cost, Outcome, Reason, Rejected, Repeat, RequestContext, Reservation};
use tokio::time::Instant;
use tracing::{debug, trace};

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
    /// Records a new request. Reads the clock only for a deadline, or if every attempt is timed.
    #[inline]
    pub(crate) fn start(&self, context: Option<&RequestContext>) -> RequestState {
        self.0.stats.add(Count::Calls);
        let mut state = RequestState::new(self.0.live.max_attempts());
        if self.0.live.reads_clock() || context.is_some_and(|context| context.deadline.is_some()) {
            self.start_clock(&mut state, context);
        }
        state
    }

    #[cold]
    fn start_clock(&self, state: &mut RequestState, context: Option<&RequestContext>) {
        let now = Instant::now();
        let started = context.and_then(|context| context.started).unwrap_or(now);
        let own = self.0.live.deadline().and_then(|deadline| started.checked_add(deadline));
        let inherited = context.and_then(|context| context.deadline);
        state.deadline = own.into_iter().chain(inherited).min();
        state.attempt_started = Some(now);
    }

    /// Rejects a request whose deadline passed before its first attempt.
    #[inline]
    pub(crate) fn reject_late(&self, state: &RequestState) -> Option<Rejected> {
        let (deadline, now) = (state.deadline?, state.attempt_started?);
        (deadline <= now).then(|| self.late())
    }

    #[cold]
    fn late(&self) -> Rejected {
        self.0.stats.add(Count::Late);
        self.stop(StopReason::Deadline, 0);
        self.deadline_exceeded()
    }

    /// Records the outcome of an attempt. Returns the retry, or `None` if the result is the caller's.
    #[inline]
    pub(crate) fn record(
        &self,
        state: &mut RequestState,
        outcome: Outcome,
        permission: RetryPermission<'_>,
    ) -> Option<ScheduledRetry> {
        if let Some(started) = state.attempt_started
            && !matches!(outcome, Outcome::Rejected { .. })
        {
            self.record_time(started, outcome.is_success());
        }
        if !outcome.is_success() {
            return self.record_failure(state, outcome, permission);
        }
        self.record_success(state);
        None
    }

    #[cold]
    fn record_time(&self, started: Instant, is_success: bool) {
        self.0.stats.time(started.elapsed(), is_success);
    }

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

    /// Records that the deadline passed before a scheduled retry was sent.
    pub(crate) fn deadline_passed(&self, state: &RequestState) -> Rejected {
        self.stop(StopReason::Deadline, state.attempt);
        self.deadline_exceeded()
    }

    fn deadline_exceeded(&self) -> Rejected {
        Rejected::new(Reason::DeadlineExceeded, &self.0.name)
    }

    #[inline]
    fn record_success(&self, state: &RequestState) {
        let inner = &*self.0;
        inner.stats.add(Count::Succeeded);
        if state.attempt > 1 {
            inner.stats.add(Count::SucceededAfterRetry);
        }
        if let Some(budget) = &inner.budget {
            budget.earn();
        }
        if inner.live.is_adaptive() {
            inner.adaptive.record(true);
        }
    }

    #[cold]
    fn record_failure(
        &self,
        state: &mut RequestState,
        outcome: Outcome,
        permission: RetryPermission<'_>,
    ) -> Option<ScheduledRetry> {
        let inner = &*self.0;
        let decision = match outcome {
            Outcome::Rejected { repeat } => self.schedule_after_rejection(state, repeat, permission),
            Outcome::Ignored { repeat: Repeat::Never } => {
                inner.stats.add(Count::Ignored);
                return None;
            }
            _ => self.schedule(state, outcome, permission),
        };
        match decision {
            Ok(retry) => {
                trace!(retrier = %inner.name, attempt = state.attempt, delay = ?retry.delay, "retrying after a delay");
                Some(retry)
            }
            Err(reason) => {
                if outcome.is_failure() && inner.live.is_adaptive() {
                    inner.adaptive.record(false);
                }
                self.stop(reason, state.attempt);
                None
            }
        }
    }

    /// Schedules a retry after a failure of the dependency, or after an ignored outcome that permits a repeat.
    fn schedule(
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
        let cost = match outcome {
            Outcome::Overloaded { .. } => Cost::Throttled,
            _ => Cost::Retry,
        };
        let reservation = inner.budget.as_ref().map(|budget| budget.reserve(cost, now));
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

    /// Schedules the same attempt again after another layer rejected it.
    ///
    /// The dependency was not called, so this costs neither an attempt nor budget. It is done only if the settings allow
    /// a wait as long as the rejection's `retry_after`, at most once, and only if it fits the deadline.
    fn schedule_after_rejection(
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
        state.waited_out = true;
        inner.stats.add(Count::WaitedOut);
        Ok(ScheduledRetry { delay, reservation: None, same_attempt: true })
    }

    fn stop(&self, reason: StopReason, attempt: u32) {
        self.0.stats.add(Count::Stopped(reason));
        debug!(retrier = %self.0.name, attempt, %reason, "not retried");
    }
}

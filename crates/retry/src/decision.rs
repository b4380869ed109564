//! The decision whether to retry, made once per attempt.
//!
//! The outcome's class decides first; [`schedule`](crate::schedule) makes the other checks.

use std::time::Duration;

use mainstay_core::{Outcome, Reason, Rejected, Repeat, RequestContext, UploadClock};
use tokio::time::Instant;
use tracing::{debug, trace};

use crate::{
    Retrier, RetryEvent, StopReason,
    request_state::{RequestState, RetryPermission},
    schedule::ScheduledRetry,
    stats::Count,
};

// === impl Retrier ===

impl Retrier {
    /// Records a new request. Reads the clock only for a deadline, or if every attempt is timed.
    #[inline]
    pub(crate) fn start(&self, context: Option<&RequestContext>, caller_timeout: Option<Duration>) -> RequestState {
        self.0.stats.add(Count::Calls);
        let mut state = RequestState::new(self.0.live.max_attempts());
        let has_deadline = caller_timeout.is_some() || context.is_some_and(|context| context.deadline.is_some());
        if has_deadline || self.0.live.reads_clock() {
            self.start_clock(&mut state, context, caller_timeout);
        }
        state
    }

    #[cold]
    fn start_clock(
        &self,
        state: &mut RequestState,
        context: Option<&RequestContext>,
        caller_timeout: Option<Duration>,
    ) {
        let now = Instant::now();
        let started = context.and_then(|context| context.started).unwrap_or(now);
        let own = self.0.live.deadline().and_then(|deadline| started.checked_add(deadline));
        let inherited = context.and_then(|context| context.deadline);
        let callers = caller_timeout.and_then(|timeout| now.checked_add(timeout));
        state.deadline = own.into_iter().chain(inherited).chain(callers).min();
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
        self.stop(StopReason::Deadline, 0, None);
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
            self.record_time(started, state.upload.as_ref(), outcome.is_success());
        }
        if !outcome.is_success() {
            return self.record_failure(state, outcome, permission);
        }
        self.record_success(state);
        None
    }

    #[cold]
    fn record_time(&self, started: Instant, upload: Option<&UploadClock>, is_success: bool) {
        self.0.stats.time(UploadClock::waited(upload, started), is_success);
    }

    /// Records that the deadline passed before a scheduled retry was sent.
    pub(crate) fn deadline_passed(&self, state: &RequestState) -> Rejected {
        self.stop(StopReason::Deadline, state.attempt, None);
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
        if let Some(budget) = inner.budget() {
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
                let (attempt, delay) = (state.attempt, retry.delay);
                trace!(retrier = %inner.name, attempt, ?delay, %outcome, "retrying after a delay");
                inner.events.send(&inner.name, || RetryEvent::Scheduled { attempt, delay, outcome });
                Some(retry)
            }
            Err(reason) => {
                if outcome.is_failure() && inner.live.is_adaptive() {
                    inner.adaptive.record(false);
                }
                self.stop(reason, state.attempt, Some(outcome));
                match reason {
                    StopReason::NotReplayable => self.warn_of_unsafe_requests(),
                    StopReason::Budget => self.warn_of_expired_tokens(),
                    _ => {}
                }
                None
            }
        }
    }

    fn stop(&self, reason: StopReason, attempt: u32, outcome: Option<Outcome>) {
        let inner = &*self.0;
        inner.stats.add(Count::Stopped(reason));
        debug!(retrier = %inner.name, attempt, %reason, outcome = outcome.map(|outcome| outcome.as_str()), "not retried");
        inner.events.send(&inner.name, || RetryEvent::GaveUp { attempt, reason, outcome });
    }
}

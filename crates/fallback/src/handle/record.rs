//! What requests record at the handle: counts, events, log lines and the status.

use std::fmt;

use mainstay_core::{Level, escaped};
use tokio::time::Instant;

use super::{ANSWERED, EXHAUSTED, FallbackHandle, NEEDED};
use crate::{FallbackEvent, StepState};

impl FallbackHandle {
    /// Returns whether the fallback is in use, so that the next success is recorded.
    #[inline]
    pub(crate) fn is_in_use(&self) -> bool {
        self.0.usage.level() != Level::Healthy
    }

    /// Records a success of the inner service.
    pub(crate) fn record_success(&self) {
        if self.0.usage.record_success(|| self.0.settings.settle_after()).is_some()
            && let Some(left_out) = self.0.log_limit.recovery()
        {
            tracing::info!(fallback = %self.0.name, left_out, "the fallback is no longer in use");
        }
    }

    pub(crate) fn record_needed(&self) {
        self.0.counters.add(NEEDED);
    }

    pub(crate) fn record_answer(&self, step: &StepState) {
        step.record_answer();
        self.0.counters.add(ANSWERED);
        self.send(|| FallbackEvent::Answered { step: step.name().clone() });
        self.record_use(true);
    }

    pub(crate) fn record_step_failure(&self, step: &StepState, error: &dyn fmt::Display) {
        step.record_failure();
        tracing::debug!(fallback = %self.0.name, step = %step.name(), error = %escaped(error), "a fallback step failed");
        self.send(|| FallbackEvent::StepFailed { step: step.name().clone(), error: error.to_string() });
    }

    pub(crate) fn record_step_skipped(&self, step: &StepState, reason: &str) {
        step.record_skipped();
        tracing::debug!(fallback = %self.0.name, step = %step.name(), reason, "a fallback step was skipped");
        self.send(|| FallbackEvent::StepSkipped { step: step.name().clone(), reason: reason.to_owned() });
    }

    pub(crate) fn record_exhausted(&self) {
        self.0.counters.add(EXHAUSTED);
        self.send(|| FallbackEvent::Exhausted);
        self.record_use(false);
    }

    fn record_use(&self, answered: bool) {
        let changed = self.0.usage.record_use(answered, self.0.settings.settle_after());
        let (log_limit, now) = (&self.0.log_limit, Instant::now());
        let line = if changed.is_some() { log_limit.fault(now) } else { log_limit.fault_lasts(now) };
        let Some(left_out) = line else { return };
        match self.0.usage.level() {
            Level::Unhealthy => tracing::warn!(fallback = %self.0.name, left_out, "every step of the fallback failed"),
            _ => tracing::warn!(fallback = %self.0.name, left_out, "fallback in use"),
        }
    }

    fn send(&self, event: impl FnOnce() -> FallbackEvent) {
        self.0.events.send(&self.0.name, event);
    }
}

//! The settings that every request reads, in atomics, so that reading them takes no lock.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::AtomicOptionDuration;

use crate::{RetrySettings, Scaling, Timing};

#[derive(Debug, Default)]
pub(crate) struct LiveSettings {
    max_attempts: AtomicU32,
    attempt_quota: AtomicU32,
    deadline: AtomicOptionDuration,
    wait_out: AtomicOptionDuration,
    /// Whether every request reads the clock, for a deadline or because all attempts are timed.
    reads_clock: AtomicBool,
    is_adaptive: AtomicBool,
    /// Whether retries pay from the budget.
    has_budget: AtomicBool,
}

// === impl LiveSettings ===

impl LiveSettings {
    pub(crate) fn set(&self, settings: &RetrySettings) {
        self.max_attempts.store(settings.max_attempts, Relaxed);
        self.attempt_quota.store(settings.attempt_quota, Relaxed);
        self.deadline.store(settings.deadline);
        self.wait_out.store(settings.wait_out);
        self.reads_clock.store(settings.deadline.is_some() || settings.timing == Timing::Every, Relaxed);
        self.is_adaptive.store(settings.scaling == Scaling::Adaptive, Relaxed);
    }

    pub(crate) fn set_budget(&self, is_on: bool) {
        self.has_budget.store(is_on, Relaxed);
    }

    #[inline]
    pub(crate) fn has_budget(&self) -> bool {
        self.has_budget.load(Relaxed)
    }

    #[inline]
    pub(crate) fn max_attempts(&self) -> u32 {
        self.max_attempts.load(Relaxed)
    }

    pub(crate) fn attempt_quota(&self) -> u32 {
        self.attempt_quota.load(Relaxed)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline.load()
    }

    pub(crate) fn wait_out(&self) -> Option<Duration> {
        self.wait_out.load()
    }

    #[inline]
    pub(crate) fn reads_clock(&self) -> bool {
        self.reads_clock.load(Relaxed)
    }

    #[inline]
    pub(crate) fn is_adaptive(&self) -> bool {
        self.is_adaptive.load(Relaxed)
    }
}

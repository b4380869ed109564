//! The settings that every request reads, in atomics, so that reading them takes no lock.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::{RetrySettings, Scaling, Timing};

#[derive(Debug, Default)]
pub(crate) struct LiveSettings {
    max_attempts: AtomicU32,
    attempt_quota: AtomicU32,
    /// Nanoseconds; zero if there is no deadline.
    deadline_nanos: AtomicU64,
    /// Whether every request reads the clock, for a deadline or because all attempts are timed.
    reads_clock: AtomicBool,
    is_adaptive: AtomicBool,
}

// === impl LiveSettings ===

impl LiveSettings {
    pub(crate) fn set(&self, settings: &RetrySettings) {
        self.max_attempts.store(settings.max_attempts, Relaxed);
        self.attempt_quota.store(settings.attempt_quota, Relaxed);
        let nanos = settings.deadline.map_or(0, |deadline| u64::try_from(deadline.as_nanos()).unwrap_or(u64::MAX));
        self.deadline_nanos.store(nanos, Relaxed);
        self.reads_clock.store(nanos > 0 || settings.timing == Timing::Every, Relaxed);
        self.is_adaptive.store(settings.scaling == Scaling::Adaptive, Relaxed);
    }

    #[inline]
    pub(crate) fn max_attempts(&self) -> u32 {
        self.max_attempts.load(Relaxed)
    }

    pub(crate) fn attempt_quota(&self) -> u32 {
        self.attempt_quota.load(Relaxed)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        match self.deadline_nanos.load(Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
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

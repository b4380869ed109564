//! Whether the fallback is in use, as a status that does not flap.
//!
//! The level worsens at once, and improves with the first good answer after the settle time. A call that needs no
//! fallback reads one atomic while the level is healthy, and writes nothing.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_core::{Level, Status, StatusReceiver, StatusSender};
use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Usage {
    /// The published level as a number, read by every call.
    published: AtomicU8,
    /// The last time that a step answered, in milliseconds since `created` plus one; zero for never.
    answered: AtomicU64,
    /// The last time that every step failed, in the same unit.
    exhausted: AtomicU64,
    created: Instant,
    status: StatusSender,
    /// The number of levels computed, which is the epoch of the status. Held while a level is computed.
    levels: Mutex<u64>,
}

const HEALTHY: u8 = 0;
const DEGRADED: u8 = 1;
const UNHEALTHY: u8 = 2;

// === impl Usage ===

impl Usage {
    pub(crate) fn new() -> Self {
        Self {
            published: AtomicU8::new(HEALTHY),
            answered: AtomicU64::new(0),
            exhausted: AtomicU64::new(0),
            created: Instant::now(),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            levels: Mutex::new(0),
        }
    }

    /// Records a success of the inner service. Returns the new level if it changed.
    pub(crate) fn record_success(&self, settle: impl FnOnce() -> Duration) -> Option<Level> {
        if self.published.load(Relaxed) == HEALTHY {
            return None;
        }
        self.publish(settle())
    }

    /// Records that a step answered, or that every step failed. Returns the new level if it changed.
    pub(crate) fn record_use(&self, answered: bool, settle: Duration) -> Option<Level> {
        let last = if answered { &self.answered } else { &self.exhausted };
        last.fetch_max(self.millis(Instant::now()) + 1, Relaxed);
        self.publish(settle)
    }

    #[inline]
    pub(crate) fn level(&self) -> Level {
        match self.published.load(Relaxed) {
            HEALTHY => Level::Healthy,
            DEGRADED => Level::Degraded,
            _ => Level::Unhealthy,
        }
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    fn publish(&self, settle: Duration) -> Option<Level> {
        if self.published.load(Relaxed) == self.level_at(Instant::now(), settle) {
            return None;
        }
        let mut epoch = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock is read under the lock: an older time would give an older level.
        let level = self.level_at(Instant::now(), settle);
        if self.published.swap(level, Relaxed) == level {
            return None;
        }
        *epoch += 1;
        let at = *epoch;
        drop(epoch);
        let (level, reason) = match level {
            HEALTHY => (Level::Healthy, ""),
            DEGRADED => (Level::Degraded, "fallback in use"),
            _ => (Level::Unhealthy, "every step of the fallback failed"),
        };
        self.status.publish_at(at, level, reason);
        Some(level)
    }

    fn level_at(&self, now: Instant, settle: Duration) -> u8 {
        let now = self.millis(now) + 1;
        let settle = u64::try_from(settle.as_millis()).unwrap_or(u64::MAX);
        let is_recent = |last: &AtomicU64| match last.load(Relaxed) {
            0 => false,
            last => now.saturating_sub(last) < settle,
        };
        match (is_recent(&self.exhausted), is_recent(&self.answered)) {
            (true, _) => UNHEALTHY,
            (false, true) => DEGRADED,
            (false, false) => HEALTHY,
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.created).as_millis()).unwrap_or(u64::MAX - 1)
    }
}

//! Whether the fallback is in use, as a status that does not flap.
//!
//! Getting worse shows at once; getting better shows with the first good answer after the settle time. A call that
//! needs no fallback reads one word while all is well, and writes nothing.

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
    /// The level that was published, as a number: what the happy path reads.
    shown: AtomicU8,
    /// When a step last answered and when all last failed: milliseconds since `born` plus one, zero for never.
    answered: AtomicU64,
    exhausted: AtomicU64,
    born: Instant,
    status: StatusSender,
    /// Keeps what is published in the order in which it was decided.
    publishing: Mutex<()>,
}

const HEALTHY: u8 = 0;
const DEGRADED: u8 = 1;
const UNHEALTHY: u8 = 2;

// === impl Usage ===

impl Usage {
    pub(crate) fn new() -> Self {
        Self {
            shown: AtomicU8::new(HEALTHY),
            answered: AtomicU64::new(0),
            exhausted: AtomicU64::new(0),
            born: Instant::now(),
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            publishing: Mutex::new(()),
        }
    }

    /// The inner service answered; gives the new level if it changed.
    pub(crate) fn good(&self, settle: impl FnOnce() -> Duration) -> Option<Level> {
        if self.shown.load(Relaxed) == HEALTHY {
            return None;
        }
        self.publish(Instant::now(), settle())
    }

    /// A step answered, or none could.
    pub(crate) fn used(&self, answered: bool, settle: Duration) -> Option<Level> {
        let now = Instant::now();
        let last = if answered { &self.answered } else { &self.exhausted };
        last.fetch_max(self.millis(now) + 1, Relaxed);
        self.publish(now, settle)
    }

    #[inline]
    pub(crate) fn level(&self) -> Level {
        match self.shown.load(Relaxed) {
            HEALTHY => Level::Healthy,
            DEGRADED => Level::Degraded,
            _ => Level::Unhealthy,
        }
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    fn publish(&self, now: Instant, settle: Duration) -> Option<Level> {
        if self.shown.load(Relaxed) == self.decide(now, settle) {
            return None;
        }
        let _order = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let decided = self.decide(now, settle);
        if self.shown.swap(decided, Relaxed) == decided {
            return None;
        }
        let (level, reason) = match decided {
            HEALTHY => (Level::Healthy, ""),
            DEGRADED => (Level::Degraded, "answers come from the fallback"),
            _ => (Level::Unhealthy, "every step of the fallback failed"),
        };
        self.status.publish(level, reason);
        Some(level)
    }

    fn decide(&self, now: Instant, settle: Duration) -> u8 {
        let now = self.millis(now) + 1;
        let settle = u64::try_from(settle.as_millis()).unwrap_or(u64::MAX);
        let lately = |last: &AtomicU64| match last.load(Relaxed) {
            0 => false,
            last => now.saturating_sub(last) < settle,
        };
        match (lately(&self.exhausted), lately(&self.answered)) {
            (true, _) => UNHEALTHY,
            (false, true) => DEGRADED,
            (false, false) => HEALTHY,
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.born).as_millis()).unwrap_or(u64::MAX - 1)
    }
}

//! Consecutive successful probes of an open breaker that recovers by probes.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProbeStreak {
    pub(crate) successes: u32,
    newest: Option<Instant>,
}

// === impl ProbeStreak ===

impl ProbeStreak {
    /// Records a probe. Anything but a success ends the streak.
    pub(crate) fn record(&mut self, success: bool, now: Instant) {
        self.successes = if success { self.successes.saturating_add(1) } else { 0 };
        if success {
            self.newest = Some(now);
        }
    }

    /// Returns whether the streak has this many successes and the newest is fresh.
    pub(crate) fn is_enough(&self, successes: u32, fresh_for: Duration, now: Instant) -> bool {
        let fresh = self.newest.is_some_and(|newest| now.saturating_duration_since(newest) <= fresh_for);
        self.successes >= successes && fresh
    }
}

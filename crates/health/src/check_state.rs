//! The state of one check: the algorithm of fall, rise and staleness, without clock or task.
//!
//! The level is computed on each read, because it also changes with time: a result that no run renews expires. A timer
//! that writes "unknown" was rejected: the task that is stuck could be the one that writes.

use std::time::Duration;

use mainstay_core::Level;
use tokio::time::Instant;

/// The time for which a result is valid, in intervals.
pub(crate) const FRESH_INTERVALS: u32 = 3;

/// The thresholds of a check and its results so far.
#[derive(Clone, Debug)]
pub(crate) struct CheckState {
    thresholds: Thresholds,
    level: Level,
    reason: String,
    since: Instant,
    last_run: Option<Run>,
    /// Whether the check has passed once, which startup waits for.
    pub(crate) has_passed: bool,
    pub(crate) streak: Streak,
    pub(crate) totals: Totals,
}

/// The numbers of consecutive results that change the level, and the validity of a result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    pub(crate) fall: u32,
    pub(crate) rise: u32,
    /// `None` for a component, whose status never expires.
    pub(crate) fresh_for: Option<Duration>,
}

/// The time of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
}

/// Consecutive runs with the same result.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Streak {
    pub(crate) failures: u32,
    pub(crate) successes: u32,
}

/// Numbers of runs since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) runs: u64,
    pub(crate) failures: u64,
    pub(crate) timeouts: u64,
    pub(crate) panics: u64,
}

// === impl CheckState ===

impl CheckState {
    pub(crate) fn new(thresholds: Thresholds, now: Instant) -> Self {
        Self {
            thresholds,
            level: Level::Unknown,
            reason: String::from("not checked yet"),
            since: now,
            last_run: None,
            has_passed: false,
            streak: Streak::default(),
            totals: Totals::default(),
        }
    }

    /// Records a result. Returns the levels before and after if the level changed, for the log.
    pub(crate) fn record(&mut self, level: Level, reason: String, run: Run) -> Option<(Level, Level)> {
        let (before, _) = self.level_at(run.ended);
        let good = passes(level);
        self.totals.runs += 1;
        self.totals.failures += u64::from(!good);
        self.has_passed |= good;
        self.streak = match good {
            true => Streak { failures: 0, successes: self.streak.successes.saturating_add(1) },
            false => Streak { failures: self.streak.failures.saturating_add(1), successes: 0 },
        };
        self.last_run = Some(run);
        let applies = match (before, good) {
            // Not checked yet, or the last result expired.
            (Level::Unknown, _) => true,
            (Level::Healthy | Level::Degraded, true) | (Level::Unhealthy, false) => true,
            (Level::Healthy | Level::Degraded, false) => self.streak.failures >= self.thresholds.fall,
            (Level::Unhealthy, true) => self.streak.successes >= self.thresholds.rise,
        };
        if !applies {
            return None;
        }
        let changed = before != level;
        if changed {
            self.since = run.ended;
        }
        (self.level, self.reason) = (level, reason);
        changed.then_some((before, level))
    }

    /// Returns the level at `now` and its reason: unknown once the newest result has expired.
    pub(crate) fn level_at(&self, now: Instant) -> (Level, &str) {
        match self.expires_at() {
            Some(expiry) if now > expiry => (Level::Unknown, "no result for three intervals"),
            _ => (self.level, &self.reason),
        }
    }

    /// Returns when the level at `now` began.
    pub(crate) fn since(&self, now: Instant) -> Instant {
        self.expires_at().filter(|expiry| now > *expiry).unwrap_or(self.since)
    }

    /// Returns when the newest result expires.
    pub(crate) fn expires_at(&self) -> Option<Instant> {
        Some(self.last_run?.ended + self.thresholds.fresh_for?)
    }

    pub(crate) fn last_run(&self) -> Option<Run> {
        self.last_run
    }
}

/// Returns whether a dependency with this level can be used.
pub(crate) fn passes(level: Level) -> bool {
    matches!(level, Level::Healthy | Level::Degraded)
}

#[cfg(test)]
#[path = "check_state_tests.rs"]
mod tests;

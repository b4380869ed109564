//! What is known of one check: the algorithm of fall, rise and staleness, without clock or task.
//!
//! A level is computed where it is read, because it changes by the mere passing of time: a result that nobody renewed
//! must not stand for ever. A timer that writes "unknown" was rejected: whoever is stuck may be the one who writes.

use std::time::Duration;

use mainstay_core::Level;
use tokio::time::Instant;

/// How long a result may stand, in intervals.
pub(crate) const FRESH_INTERVALS: u32 = 3;

/// A check's thresholds and its results so far.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    rule: Rule,
    level: Level,
    reason: String,
    since: Instant,
    result: Option<Run>,
    /// Whether it passed once: what startup waits for.
    pub(crate) passed: bool,
    pub(crate) streak: Streak,
    pub(crate) totals: Totals,
}

/// When a result counts, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) fall: u32,
    pub(crate) rise: u32,
    /// `None`: a component that reports by itself is never stale.
    pub(crate) fresh_for: Option<Duration>,
}

/// The newest run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
}

/// Runs with the same result in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Streak {
    pub(crate) failures: u32,
    pub(crate) successes: u32,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) runs: u64,
    pub(crate) failures: u64,
    pub(crate) timeouts: u64,
    pub(crate) panics: u64,
}

// === impl Record ===

impl Record {
    pub(crate) fn new(rule: Rule, now: Instant) -> Self {
        Self {
            rule,
            level: Level::Unknown,
            reason: String::from("not checked yet"),
            since: now,
            result: None,
            passed: false,
            streak: Streak::default(),
            totals: Totals::default(),
        }
    }

    /// Takes a result. Gives the level before and after where it changed, for the log.
    pub(crate) fn observe(&mut self, level: Level, reason: String, run: Run) -> Option<(Level, Level)> {
        let (before, _) = self.current(run.ended);
        let good = passes(level);
        self.totals.runs += 1;
        self.totals.failures += u64::from(!good);
        self.passed |= good;
        self.streak = match good {
            true => Streak { failures: 0, successes: self.streak.successes.saturating_add(1) },
            false => Streak { failures: self.streak.failures.saturating_add(1), successes: 0 },
        };
        self.result = Some(run);
        let counts = match (before, good) {
            // Nothing is known, or no longer: any result is better.
            (Level::Unknown, _) => true,
            (Level::Healthy | Level::Degraded, true) | (Level::Unhealthy, false) => true,
            (Level::Healthy | Level::Degraded, false) => self.streak.failures >= self.rule.fall,
            (Level::Unhealthy, true) => self.streak.successes >= self.rule.rise,
        };
        if !counts {
            return None;
        }
        let changed = before != level;
        if changed {
            self.since = run.ended;
        }
        (self.level, self.reason) = (level, reason);
        changed.then_some((before, level))
    }

    /// The level at that time and its reason: unknown once the newest result is too old.
    pub(crate) fn current(&self, now: Instant) -> (Level, &str) {
        match self.stale_at() {
            Some(stale) if now > stale => (Level::Unknown, "no result for three intervals"),
            _ => (self.level, &self.reason),
        }
    }

    /// Since when the level at that time stands.
    pub(crate) fn since(&self, now: Instant) -> Instant {
        self.stale_at().filter(|stale| now > *stale).unwrap_or(self.since)
    }

    /// When the level becomes unknown if no further result comes.
    pub(crate) fn stale_at(&self) -> Option<Instant> {
        Some(self.result?.ended + self.rule.fresh_for?)
    }

    pub(crate) fn result(&self) -> Option<Run> {
        self.result
    }
}

/// Whether a dependency with this level can be used.
pub(crate) fn passes(level: Level) -> bool {
    matches!(level, Level::Healthy | Level::Degraded)
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;

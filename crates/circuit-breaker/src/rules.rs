//! The rules that open a closed breaker: the row of failures and the two rates.
//!
//! Thresholds are atomics, so that an operator can change them while calls are judged; windows are fixed.

use std::time::Duration;

use mainstay_core::{Class, Outcome, Tally, Window};
use portable_atomic::{AtomicF64, AtomicU32, AtomicU64, Ordering::Relaxed};
use tokio::time::Instant;

use crate::{BreakerSettings, WindowSettings};

#[derive(Debug)]
pub(crate) struct Rules {
    failures: Window,
    slow: Window,
    /// The era in the upper half, the row's length in the lower.
    row: AtomicU64,
    /// Off: a row nobody reaches, rates above one, a duration that never passes.
    consecutive: AtomicU32,
    failure_rate: AtomicF64,
    slow_rate: AtomicF64,
    slow_nanos: AtomicU64,
    minimum: AtomicU32,
}

/// The rule that fired, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fired {
    Row(u32),
    FailureRate(Tally),
    SlowRate(Tally),
}

impl Rules {
    pub(crate) fn new(settings: &BreakerSettings) -> Self {
        let rules = Self {
            failures: settings.window.build(),
            slow: match settings.slow_calls {
                Some(_) => settings.window.build(),
                None => WindowSettings::LastCalls(1).build(),
            },
            row: AtomicU64::new(0),
            consecutive: AtomicU32::new(0),
            failure_rate: AtomicF64::new(0.0),
            slow_rate: AtomicF64::new(0.0),
            slow_nanos: AtomicU64::new(0),
            minimum: AtomicU32::new(0),
        };
        rules.configure(settings);
        rules
    }

    pub(crate) fn configure(&self, settings: &BreakerSettings) {
        self.consecutive.store(settings.consecutive_failures.unwrap_or(u32::MAX), Relaxed);
        self.failure_rate.store(settings.failure_rate.unwrap_or(f64::INFINITY), Relaxed);
        self.slow_rate.store(settings.slow_calls.map_or(f64::INFINITY, |slow| slow.rate), Relaxed);
        let nanos = |slow: Duration| slow.as_nanos().try_into().unwrap_or(u64::MAX);
        self.slow_nanos.store(settings.slow_calls.map_or(u64::MAX, |slow| nanos(slow.duration)), Relaxed);
        self.minimum.store(settings.minimum_calls, Relaxed);
    }

    /// Whether a success of this epoch that took this long would change nothing.
    #[inline]
    pub(crate) fn absorb_success(&self, epoch: u64, took: Option<Duration>) -> bool {
        let era = epoch as u16;
        self.row.load(Relaxed) == epoch << 32
            && self.failures.absorbs_success(era)
            && (!self.times_calls() || (!took.is_some_and(|took| self.is_slow(took)) && self.slow.absorbs_success(era)))
    }

    /// Records a call of this epoch, and says which rule it fires.
    pub(crate) fn record(&self, outcome: &Outcome, epoch: u64, took: Option<Duration>) -> Option<Fired> {
        let era = epoch as u16;
        let row = self.lengthen_row(outcome.class(), epoch);
        let failures = self.failures.record_for_hits(outcome.is_failure(), era, Instant::now);
        let slow = self.record_slow(took, era);
        if row >= self.consecutive.load(Relaxed) {
            return Some(Fired::Row(row));
        }
        let minimum = self.minimum.load(Relaxed);
        let reaches = |tally: &Tally, rate: &AtomicF64| tally.reaches(rate.load(Relaxed), minimum);
        let failures = failures.filter(|tally| reaches(tally, &self.failure_rate)).map(Fired::FailureRate);
        failures.or_else(|| slow.filter(|tally| reaches(tally, &self.slow_rate)).map(Fired::SlowRate))
    }

    /// Begins an epoch with empty windows. Before the epoch is published.
    pub(crate) fn reset(&self, epoch: u64) {
        self.row.store(epoch << 32, Relaxed);
        self.failures.reset(epoch as u16);
        self.slow.reset(epoch as u16);
    }

    #[inline]
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        took.as_nanos() >= u128::from(self.slow_nanos.load(Relaxed))
    }

    #[inline]
    pub(crate) fn times_calls(&self) -> bool {
        self.slow_nanos.load(Relaxed) != u64::MAX
    }

    pub(crate) fn tallies(&self) -> (Tally, Tally) {
        (self.failures.tally(Instant::now), self.slow.tally(Instant::now))
    }

    pub(crate) fn row(&self) -> u32 {
        self.row.load(Relaxed) as u32
    }

    pub(crate) fn minimum(&self) -> u32 {
        self.minimum.load(Relaxed)
    }

    fn record_slow(&self, took: Option<Duration>, era: u16) -> Option<Tally> {
        if !self.times_calls() {
            return None;
        }
        self.slow.record_for_hits(took.is_some_and(|took| self.is_slow(took)), era, Instant::now)
    }

    /// A success in a row of none writes nothing.
    fn lengthen_row(&self, class: Class, epoch: u64) -> u32 {
        let era = epoch << 32;
        let next = |row: u64| match class {
            _ if row >> 32 != era >> 32 => None,
            Class::Failure => Some(row + u64::from(row as u32 != u32::MAX)),
            Class::Success if row != era => Some(era),
            _ => None,
        };
        match self.row.fetch_update(Relaxed, Relaxed, next) {
            Ok(before) => next(before).unwrap_or(before) as u32,
            Err(_) => 0,
        }
    }
}

impl std::fmt::Display for Fired {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row(row) => write!(f, "{row} failures in a row"),
            Self::FailureRate(tally) => write!(f, "{} of {} calls failed", tally.hits, tally.calls),
            Self::SlowRate(tally) => write!(f, "{} of {} calls were slow", tally.hits, tally.calls),
        }
    }
}

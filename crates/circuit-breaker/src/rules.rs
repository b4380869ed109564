//! The rules that open a closed breaker: consecutive failures, the failure rate and the rate of slow calls.
//!
//! Thresholds are atomics, so that an operator can change them under load. The windows are fixed.

use std::{fmt, time::Duration};

use mainstay_core::{AtomicOptionDuration, Class, Outcome, Tally, Window, nanos};
use portable_atomic::{AtomicF64, AtomicU32, AtomicU64, Ordering::Relaxed};
use tokio::time::Instant;

use crate::{BreakerSettings, WindowSettings};

#[derive(Debug)]
pub(crate) struct Rules {
    failures: Window,
    slow: Window,
    /// The low half of the epoch in the upper 32 bits, the number of consecutive failures in the lower.
    streak: AtomicU64,
    /// A rule that is off has a threshold that is never reached: `u32::MAX`, infinity, `None`.
    max_streak: AtomicU32,
    failure_rate: AtomicF64,
    slow_rate: AtomicF64,
    slow_from: AtomicOptionDuration,
    minimum_calls: AtomicU32,
    /// Whether the window of slow calls has the size of the settings.
    has_slow_window: bool,
}

/// The rule whose threshold was reached, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trip {
    ConsecutiveFailures(u32),
    FailureRate(Tally),
    SlowRate(Tally),
}

// === impl Rules ===

impl Rules {
    pub(crate) fn new(settings: &BreakerSettings) -> Self {
        let rules = Self {
            failures: settings.window.build(),
            slow: match settings.slow_calls {
                Some(_) => settings.window.build(),
                None => WindowSettings::LastCalls(1).build(),
            },
            streak: AtomicU64::new(0),
            max_streak: AtomicU32::new(0),
            failure_rate: AtomicF64::new(0.0),
            slow_rate: AtomicF64::new(0.0),
            slow_from: AtomicOptionDuration::default(),
            minimum_calls: AtomicU32::new(0),
            has_slow_window: settings.slow_calls.is_some(),
        };
        rules.configure(settings);
        rules
    }

    pub(crate) fn configure(&self, settings: &BreakerSettings) {
        self.max_streak.store(settings.consecutive_failures.unwrap_or(u32::MAX), Relaxed);
        self.failure_rate.store(settings.failure_rate.unwrap_or(f64::INFINITY), Relaxed);
        self.slow_rate.store(settings.slow_calls.map_or(f64::INFINITY, |slow| slow.rate), Relaxed);
        self.slow_from.store(settings.slow_calls.map(|slow| slow.duration));
        self.minimum_calls.store(settings.minimum_calls, Relaxed);
    }

    /// Returns whether a success of this epoch and duration would change nothing: no streak, and windows that hold only
    /// fast successes.
    #[inline]
    pub(crate) fn stays_clean(&self, epoch: u64, took: Option<Duration>) -> bool {
        let window_epoch = epoch as u16;
        self.streak.load(Relaxed) == epoch << 32
            && self.failures.is_clean(window_epoch)
            && (!self.needs_duration()
                || (!took.is_some_and(|took| self.is_slow(took)) && self.slow.is_clean(window_epoch)))
    }

    /// Records a call of this epoch, and returns the rule whose threshold it reaches.
    pub(crate) fn record(&self, outcome: &Outcome, epoch: u64, took: Option<Duration>) -> Option<Trip> {
        let window_epoch = epoch as u16;
        let streak = self.update_streak(outcome.class(), epoch);
        let failures = self.failures.record_for_hits(outcome.is_failure(), window_epoch, Instant::now);
        let slow = self.record_slow(took, window_epoch);
        if streak >= self.max_streak.load(Relaxed) {
            return Some(Trip::ConsecutiveFailures(streak));
        }
        let minimum = self.minimum_calls();
        let reaches = |tally: &Tally, rate: &AtomicF64| tally.reaches(rate.load(Relaxed), minimum);
        let failures = failures.filter(|tally| reaches(tally, &self.failure_rate)).map(Trip::FailureRate);
        failures.or_else(|| slow.filter(|tally| reaches(tally, &self.slow_rate)).map(Trip::SlowRate))
    }

    /// Begins an epoch with empty windows. The caller publishes the epoch afterwards.
    pub(crate) fn reset(&self, epoch: u64) {
        self.streak.store(epoch << 32, Relaxed);
        self.failures.reset(epoch as u16);
        self.slow.reset(epoch as u16);
    }

    #[inline]
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        nanos(took) >= self.slow_from.load_nanos()
    }

    /// Returns whether the rule for slow calls is on, which needs the duration of each call.
    #[inline]
    pub(crate) fn needs_duration(&self) -> bool {
        self.slow_from.load().is_some()
    }

    /// Returns whether the rule for slow calls can be on.
    pub(crate) fn has_slow_window(&self) -> bool {
        self.has_slow_window
    }

    /// Returns the tallies of failed and of slow calls.
    pub(crate) fn tallies(&self) -> (Tally, Tally) {
        (self.failures.tally(Instant::now), self.slow.tally(Instant::now))
    }

    pub(crate) fn consecutive_failures(&self) -> u32 {
        self.streak.load(Relaxed) as u32
    }

    pub(crate) fn minimum_calls(&self) -> u32 {
        self.minimum_calls.load(Relaxed)
    }

    fn record_slow(&self, took: Option<Duration>, window_epoch: u16) -> Option<Tally> {
        if !self.needs_duration() {
            return None;
        }
        self.slow.record_for_hits(took.is_some_and(|took| self.is_slow(took)), window_epoch, Instant::now)
    }

    /// Lengthens the streak after a failure and ends it after a success. Returns its length after a failure, and 0 after
    /// any other call: a success, an overload, an ignored call, or one of another epoch. A success without a streak writes
    /// nothing.
    fn update_streak(&self, class: Class, epoch: u64) -> u32 {
        let empty = epoch << 32;
        let next = |streak: u64| match class {
            _ if streak >> 32 != empty >> 32 => None,
            Class::Failure => Some(streak + u64::from((streak as u32) < u32::MAX - 1)),
            Class::Success if streak != empty => Some(empty),
            _ => None,
        };
        match self.streak.fetch_update(Relaxed, Relaxed, next) {
            Ok(before) => next(before).unwrap_or(before) as u32,
            Err(_) => 0,
        }
    }
}

// === impl Trip ===

impl fmt::Display for Trip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFailures(streak) => write!(f, "{streak} failures in a row"),
            Self::FailureRate(tally) => write!(f, "{} of {} calls failed", tally.hits, tally.calls),
            Self::SlowRate(tally) => write!(f, "{} of {} calls were slow", tally.hits, tally.calls),
        }
    }
}

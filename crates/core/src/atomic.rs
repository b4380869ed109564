//! Durations in atomic words, for settings that the request path reads without a lock.
//!
//! One encoding for all: nanoseconds, saturating at the largest value that the word can hold.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// A duration that a reload stores and requests load.
#[derive(Debug, Default)]
pub struct AtomicDuration(AtomicU64);

/// An optional duration that a reload stores and requests load.
#[derive(Debug)]
pub struct AtomicOptionDuration(AtomicU64);

/// The word that stands for `None`.
const NONE: u64 = u64::MAX;

/// The duration in nanoseconds; at most `u64::MAX - 1`, which is 584 years.
#[must_use]
pub fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).map_or(NONE - 1, |nanos| nanos.min(NONE - 1))
}

// === impl AtomicDuration ===

impl AtomicDuration {
    /// Creates the word with its first value.
    #[must_use]
    pub const fn new(nanos: u64) -> Self {
        Self(AtomicU64::new(nanos))
    }

    /// Returns the duration.
    #[inline]
    pub fn load(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }

    /// Returns the duration in nanoseconds.
    #[inline]
    pub fn load_nanos(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Stores a duration.
    pub fn store(&self, duration: Duration) {
        self.0.store(nanos(duration), Relaxed);
    }
}

impl From<Duration> for AtomicDuration {
    fn from(duration: Duration) -> Self {
        Self::new(nanos(duration))
    }
}

// === impl AtomicOptionDuration ===

impl AtomicOptionDuration {
    /// Returns the duration, if there is one.
    #[inline]
    pub fn load(&self) -> Option<Duration> {
        match self.0.load(Relaxed) {
            NONE => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    /// Returns the duration in nanoseconds; `u64::MAX`, which no time reaches, for `None`.
    #[inline]
    pub fn load_nanos(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// Stores a duration, or `None`.
    pub fn store(&self, duration: Option<Duration>) {
        self.0.store(duration.map_or(NONE, nanos), Relaxed);
    }
}

impl Default for AtomicOptionDuration {
    fn default() -> Self {
        Self(AtomicU64::new(NONE))
    }
}

impl From<Option<Duration>> for AtomicOptionDuration {
    fn from(duration: Option<Duration>) -> Self {
        Self(AtomicU64::new(duration.map_or(NONE, nanos)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_durations_are_loaded_unchanged() {
        let atomic = AtomicDuration::default();
        for duration in [Duration::ZERO, Duration::from_nanos(1), Duration::from_secs(365 * 24 * 3600)] {
            atomic.store(duration);
            assert_eq!((atomic.load(), atomic.load_nanos()), (duration, duration.as_nanos() as u64));
        }
    }

    #[test]
    fn option_tells_none_from_zero_and_from_the_longest() {
        let atomic = AtomicOptionDuration::default();
        assert_eq!(atomic.load(), None);
        atomic.store(Some(Duration::ZERO));
        assert_eq!(atomic.load(), Some(Duration::ZERO));
        atomic.store(Some(Duration::MAX));
        assert_eq!(atomic.load(), Some(Duration::from_nanos(u64::MAX - 1)));
        atomic.store(None);
        assert_eq!(atomic.load(), None);
    }
}

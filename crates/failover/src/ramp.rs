//! The ramp: after its return an endpoint gets a growing share of the requests.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{nanos, ramp_share};

/// When the ramp began, in nanoseconds since the switchboard's start; [`NONE`] without one.
#[derive(Debug)]
pub(crate) struct Ramp(AtomicU64);

const NONE: u64 = u64::MAX;

// === impl Ramp ===

impl Ramp {
    /// Starts the ramp at this time, or stops it.
    pub(crate) fn set(&self, since: Option<u64>) {
        self.0.store(since.unwrap_or(NONE), Relaxed);
    }

    /// Returns when a ramp of this length ends. Stops a ramp that has ended or has no length any more.
    pub(crate) fn end(&self, length: Option<Duration>, now: u64) -> Option<u64> {
        let since = self.0.load(Relaxed);
        let end = length.filter(|_| since != NONE).map(|length| since.saturating_add(nanos(length)));
        let end = end.filter(|end| *end > now);
        if end.is_none() {
            self.set(None);
        }
        end
    }

    /// Returns the share of requests that the endpoint gets: 1 without a ramp.
    pub(crate) fn share(&self, length: Option<Duration>, now: u64) -> f64 {
        match (self.0.load(Relaxed), length) {
            (NONE, _) | (_, None) => 1.0,
            (since, Some(length)) => ramp_share(now.saturating_sub(since), nanos(length)),
        }
    }
}

impl Default for Ramp {
    fn default() -> Self {
        Self(AtomicU64::new(NONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Defect: the end of a ramp was noticed outside the lock, and cleared one that had begun meanwhile.
    #[test]
    fn ramp_that_began_after_a_look_at_the_clock_is_not_ended() {
        let (ramp, length, read_before) = (Ramp::default(), Some(Duration::from_nanos(10)), 1_000);
        ramp.set(Some(0));
        assert!(ramp.share(length, read_before) >= 1.0, "it is over");
        ramp.set(Some(1_001));
        assert_eq!(ramp.end(length, read_before), Some(1_011));
        assert_eq!(ramp.share(length, 1_001), 0.1);
        assert_eq!(ramp.end(length, 1_011), None);
        assert_eq!(ramp.share(length, 1_001), 1.0, "ended");
    }
}

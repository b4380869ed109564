//! Successes that were counted and not yet credited, so that a success costs neither a clock read nor a locked
//! operation: a clock read and a shared word for each would cost as much as all the rest of a retry layer.

use std::time::Duration;

use portable_atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

use crate::Counters;

/// How many successes of one thread are credited together.
const BATCH: u64 = 32;

#[derive(Debug)]
pub(super) struct Pending {
    start: Instant,
    expiry_nanos: u64,
    successes: Counters<1>,
    /// How many of the successes were credited, in all.
    credited: AtomicU64,
    /// When, in nanoseconds since the start.
    credited_at: AtomicU64,
}

impl Pending {
    pub(super) fn new(expiry: Duration) -> Self {
        Self {
            start: Instant::now(),
            expiry_nanos: expiry.as_nanos() as u64,
            successes: Counters::per_thread(),
            credited: AtomicU64::new(0),
            credited_at: AtomicU64::new(0),
        }
    }

    /// Counts one, and says whether it is time to settle.
    #[inline]
    pub(super) fn add(&self) -> bool {
        self.successes.add_and_get(0, 1).is_multiple_of(BATCH)
    }

    /// The successes to credit now; each is given out once.
    pub(super) fn take(&self, now: Instant) -> u64 {
        let total = self.successes.get(0);
        // The later of two settlers finds the other's total here, and has nothing or the rest to credit.
        let successes = total.saturating_sub(self.credited.fetch_max(total, Ordering::AcqRel));
        if successes == 0 {
            return 0;
        }
        let nanos = now.saturating_duration_since(self.start).as_nanos() as u64;
        let waited = nanos.saturating_sub(self.credited_at.swap(nanos, Ordering::AcqRel));
        match waited <= self.expiry_nanos {
            true => successes,
            false => (u128::from(successes) * u128::from(self.expiry_nanos) / u128::from(waited)) as u64,
        }
    }
}

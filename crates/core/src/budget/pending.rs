//! Successes that are counted but not yet credited.
//!
//! Counting costs neither a clock read nor a locked operation. Crediting every success at once would cost as much as the
//! rest of the retry layer.

use std::time::Duration;

use portable_atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

use crate::Counters;

/// The number of successes of one thread that are credited together.
const BATCH: u64 = 32;

#[derive(Debug)]
pub(super) struct Pending {
    start: Instant,
    expiry_nanos: AtomicU64,
    successes: Counters<1>,
    /// The number of successes credited so far.
    credited: AtomicU64,
    /// When successes were last credited, in nanoseconds since `start`.
    credited_at: AtomicU64,
}

impl Pending {
    pub(super) fn new(expiry: Duration) -> Self {
        Self {
            start: Instant::now(),
            expiry_nanos: AtomicU64::new(expiry.as_nanos() as u64),
            successes: Counters::per_thread(),
            credited: AtomicU64::new(0),
            credited_at: AtomicU64::new(0),
        }
    }

    /// Counts one success. Returns whether a batch is complete.
    #[inline]
    pub(super) fn add(&self) -> bool {
        self.successes.add_and_get(0, 1).is_multiple_of(BATCH)
    }

    pub(super) fn reconfigure(&self, expiry: Duration) {
        self.expiry_nanos.store(expiry.as_nanos() as u64, Ordering::Release);
    }

    /// Returns the number of successes counted so far, credited or not.
    pub(super) fn counted(&self) -> u64 {
        self.successes.get(0)
    }

    /// Takes the successes to credit now. Each success is returned once.
    pub(super) fn take(&self, now: Instant) -> u64 {
        let total = self.successes.get(0);
        // Of two threads, the second sees the total of the first and credits only the rest.
        let successes = total.saturating_sub(self.credited.fetch_max(total, Ordering::AcqRel));
        if successes == 0 {
            return 0;
        }
        let nanos = now.saturating_duration_since(self.start).as_nanos() as u64;
        let waited = nanos.saturating_sub(self.credited_at.swap(nanos, Ordering::AcqRel));
        let expiry = self.expiry_nanos.load(Ordering::Acquire);
        match waited <= expiry {
            true => successes,
            false => (u128::from(successes) * u128::from(expiry) / u128::from(waited)) as u64,
        }
    }
}

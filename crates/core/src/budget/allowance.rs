//! Tokens that need not be earned: a small bucket that refills slowly, or never.

use std::time::Duration;

use portable_atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

/// With a refill, the level is kept as the time at which the bucket is full again: one word, without drift.
#[derive(Debug)]
pub(super) struct Allowance {
    start: Instant,
    full: u32,
    refill: Option<Duration>,
    /// Without a refill: the hundredths left. With a refill: when the bucket is full again, in nanoseconds since `start`.
    word: AtomicU64,
}

impl Allowance {
    pub(super) fn new(full: u32, refill: Option<Duration>) -> Self {
        let word = match refill {
            Some(_) => 0,
            None => u64::from(full),
        };
        Self { start: Instant::now(), full, refill, word: AtomicU64::new(word) }
    }

    pub(super) fn take(&self, hundredths: u32, now: Instant) -> bool {
        let take = |word: u64| match self.refill {
            None => word.checked_sub(u64::from(hundredths)),
            Some(refill) => {
                let now = self.elapsed_nanos(now);
                let full_at = word.max(now).saturating_add(refill_nanos(hundredths, refill));
                (full_at - now <= refill_nanos(self.full, refill)).then_some(full_at)
            }
        };
        self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    pub(super) fn give_back(&self, hundredths: u32) {
        let give = |word: u64| match self.refill {
            None => Some((word + u64::from(hundredths)).min(u64::from(self.full))),
            Some(refill) => Some(word.saturating_sub(refill_nanos(hundredths, refill))),
        };
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, give);
    }

    pub(super) fn balance(&self, now: Instant) -> u32 {
        let word = self.word.load(Ordering::Acquire);
        match self.refill {
            None => word as u32,
            Some(refill) => {
                let missing = word.saturating_sub(self.elapsed_nanos(now));
                self.full.saturating_sub((missing / (refill_nanos(1, refill)).max(1)) as u32)
            }
        }
    }

    fn elapsed_nanos(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_nanos() as u64
    }
}

/// Returns the time in nanoseconds in which this many hundredths of a token refill.
fn refill_nanos(hundredths: u32, refill: Duration) -> u64 {
    (refill.as_nanos() * u128::from(hundredths) / 100).try_into().unwrap_or(u64::MAX)
}

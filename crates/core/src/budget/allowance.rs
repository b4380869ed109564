//! Tokens that need not be earned: a small bucket that refills slowly, or never.

use std::time::Duration;

use portable_atomic::{AtomicU32, AtomicU64, Ordering};
use tokio::time::Instant;

use crate::AtomicOptionDuration;

/// With a refill, the level is kept as the time at which the bucket is full again: one word, without drift.
#[derive(Debug)]
pub(super) struct Allowance {
    start: Instant,
    full: AtomicU32,
    refill: AtomicOptionDuration,
    /// Without a refill: the hundredths left. With a refill: when the bucket is full again, in nanoseconds since `start`.
    word: AtomicU64,
}

impl Allowance {
    pub(super) fn new(full: u32, refill: Option<Duration>) -> Self {
        let allowance = Self {
            start: Instant::now(),
            full: AtomicU32::new(full),
            refill: AtomicOptionDuration::default(),
            word: AtomicU64::new(0),
        };
        allowance.set(full, refill, full, allowance.start);
        allowance
    }

    /// Changes the settings. What was taken stays taken: a larger bucket has more tokens, a smaller one fewer.
    pub(super) fn reconfigure(&self, full: u32, refill: Option<Duration>, now: Instant) {
        let taken = self.full.load(Ordering::Acquire).saturating_sub(self.balance(now));
        if (full, refill) != (self.full.load(Ordering::Acquire), self.refill.load()) {
            self.set(full, refill, full.saturating_sub(taken), now);
        }
    }

    fn set(&self, full: u32, refill: Option<Duration>, balance: u32, now: Instant) {
        let word = match refill {
            Some(refill) => self.elapsed_nanos(now) + refill_nanos(full.saturating_sub(balance), refill),
            None => u64::from(balance),
        };
        self.full.store(full, Ordering::Release);
        self.refill.store(refill);
        self.word.store(word, Ordering::Release);
    }

    pub(super) fn take(&self, hundredths: u32, now: Instant) -> bool {
        let (full, refill) = (self.full.load(Ordering::Acquire), self.refill.load());
        let take = |word: u64| match refill {
            None => word.checked_sub(u64::from(hundredths)),
            Some(refill) => {
                let now = self.elapsed_nanos(now);
                let full_at = word.max(now).saturating_add(refill_nanos(hundredths, refill));
                (full_at - now <= refill_nanos(full, refill)).then_some(full_at)
            }
        };
        self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }

    pub(super) fn give_back(&self, hundredths: u32) {
        let (full, refill) = (self.full.load(Ordering::Acquire), self.refill.load());
        let give = |word: u64| match refill {
            None => Some(word.saturating_add(u64::from(hundredths)).min(u64::from(full))),
            Some(refill) => Some(word.saturating_sub(refill_nanos(hundredths, refill))),
        };
        let _ = self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, give);
    }

    pub(super) fn balance(&self, now: Instant) -> u32 {
        let word = self.word.load(Ordering::Acquire);
        match self.refill.load() {
            None => u32::try_from(word).unwrap_or(u32::MAX),
            Some(refill) => {
                let missing = word.saturating_sub(self.elapsed_nanos(now)) / refill_nanos(1, refill).max(1);
                self.full.load(Ordering::Acquire).saturating_sub(u32::try_from(missing).unwrap_or(u32::MAX))
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

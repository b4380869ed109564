//! Up to 104 calls in one atomic word, used as a shift register.
//!
//! A success in a window full of successes writes nothing, so a healthy breaker only reads. Bits from low to high: 104
//! calls (1 is a hit, the newest lowest), 8 for their number, 16 for the epoch.
//!
//! Reading a 128-bit word costs more than reading a narrow one, so a second, narrow word holds the flag `CLEAN`: "full
//! of successes". A writer sets the flag only if no hit was recorded since it read the window. A hit is recorded first and
//! clears the flag second; successes between the two are not counted, as if they had come before the hit.

use portable_atomic::{AtomicU64, AtomicU128, Ordering};

use super::tally::Tally;

#[derive(Debug)]
pub(super) struct Register {
    word: AtomicU128,
    clean: AtomicU64,
    size: u32,
}

/// Set while the window is full of successes. The bits above count hits and resets; the highest 16 hold the epoch.
const CLEAN: u64 = 1;
const CLEAN_EPOCH_AT: u32 = 48;

const CALLS_AT: u32 = 104;
const EPOCH_AT: u32 = 112;

impl Register {
    pub(super) const CAPACITY: u32 = CALLS_AT;

    pub(super) fn new(size: u32) -> Self {
        Self { word: AtomicU128::new(0), clean: AtomicU64::new(0), size }
    }

    #[inline]
    pub(super) fn record(&self, hit: bool, epoch: u16) -> Option<Tally> {
        let clean = self.clean.load(Ordering::SeqCst);
        if !hit && is_clean(clean, epoch) {
            return Some(Tally { calls: self.size, hits: 0 });
        }
        self.record_into(clean, hit, epoch)
    }

    #[inline]
    pub(super) fn is_clean(&self, epoch: u16) -> bool {
        is_clean(self.clean.load(Ordering::SeqCst), epoch)
    }

    fn record_into(&self, clean: u64, hit: bool, epoch: u16) -> Option<Tally> {
        let tally = self.push(hit, epoch)?;
        if hit {
            self.invalidate(None);
        } else if tally == (Tally { calls: self.size, hits: 0 }) && epoch_of(clean) == epoch {
            // Fails if a hit was recorded in between.
            let _ = self.clean.compare_exchange(clean, clean | CLEAN, Ordering::SeqCst, Ordering::Relaxed);
        }
        Some(tally)
    }

    fn push(&self, hit: bool, epoch: u16) -> Option<Tally> {
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            if (word >> EPOCH_AT) as u16 != epoch {
                return None;
            }
            let next = self.shift(word, hit);
            if next == word {
                return Some(tally(word));
            }
            match self.word.compare_exchange_weak(word, next, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return Some(tally(next)),
                Err(other) => word = other,
            }
        }
    }

    /// Clears the flag and increments the number, so that a writer with an older number cannot set the flag. `None` keeps
    /// the epoch.
    fn invalidate(&self, epoch: Option<u16>) {
        let next = |clean: u64| {
            let number = ((clean & !CLEAN) + 2) & ((1 << CLEAN_EPOCH_AT) - 1);
            Some((u64::from(epoch.unwrap_or_else(|| epoch_of(clean))) << CLEAN_EPOCH_AT) | number)
        };
        let _ = self.clean.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    pub(super) fn tally(&self) -> Tally {
        tally(self.word.load(Ordering::Acquire))
    }

    pub(super) fn reset(&self, epoch: u16) {
        self.word.store(u128::from(epoch) << EPOCH_AT, Ordering::SeqCst);
        self.invalidate(Some(epoch));
    }

    fn shift(&self, word: u128, hit: bool) -> u128 {
        let mask = (1_u128 << self.size) - 1;
        let calls = (calls(word) + 1).min(self.size);
        let hits = ((word << 1) | u128::from(hit)) & mask;
        (word >> EPOCH_AT << EPOCH_AT) | (u128::from(calls) << CALLS_AT) | hits
    }
}

#[inline]
fn is_clean(clean: u64, epoch: u16) -> bool {
    clean & CLEAN != 0 && epoch_of(clean) == epoch
}

/// The epoch of the narrow word.
#[inline]
fn epoch_of(clean: u64) -> u16 {
    (clean >> CLEAN_EPOCH_AT) as u16
}

fn calls(word: u128) -> u32 {
    (word >> CALLS_AT) as u32 & 0xFF
}

fn tally(word: u128) -> Tally {
    let hits = (word & ((1 << CALLS_AT) - 1)).count_ones();
    Tally { calls: calls(word), hits }
}

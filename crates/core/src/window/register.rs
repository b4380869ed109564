//! The last up to 104 calls in one atomic word, used as a shift register.
//!
//! Exact, lock-free, and cheapest where it matters: a success in a window full of successes changes nothing and
//! writes nothing, so a healthy breaker only reads. Bits from low to high: 104 calls (1 is a hit, newest lowest),
//! 8 for how many there are, 16 for the era.
//!
//! Even reading a wide word costs more than a narrow one, so a narrow one beside it says "full of successes". Who makes
//! the window so says it only if no hit has been recorded since before it looked; a hit is recorded first and takes the
//! word back second. Until it has, successes may go uncounted: they count as having come before the hit.

use portable_atomic::{AtomicU64, AtomicU128, Ordering};

use super::Tally;

#[derive(Debug)]
pub(super) struct Register {
    word: AtomicU128,
    quiet: AtomicU64,
    size: u32,
}

/// Set while the window is full of successes. Above it the number of hits and resets, and on top the era.
const QUIET: u64 = 1;
const QUIET_ERA_AT: u32 = 48;

const CALLS_AT: u32 = 104;
const ERA_AT: u32 = 112;

impl Register {
    pub(super) const CAPACITY: u32 = CALLS_AT;

    pub(super) fn new(size: u32) -> Self {
        Self { word: AtomicU128::new(0), quiet: AtomicU64::new(0), size }
    }

    #[inline]
    pub(super) fn record(&self, hit: bool, era: u16) -> Option<Tally> {
        let quiet = self.quiet.load(Ordering::SeqCst);
        if !hit && is_quiet(quiet, era) {
            return Some(Tally { calls: self.size, hits: 0 });
        }
        self.record_into(quiet, hit, era)
    }

    #[inline]
    pub(super) fn absorbs_success(&self, era: u16) -> bool {
        is_quiet(self.quiet.load(Ordering::SeqCst), era)
    }

    fn record_into(&self, quiet: u64, hit: bool, era: u16) -> Option<Tally> {
        let tally = self.push(hit, era)?;
        if hit {
            self.disturb(None);
        } else if tally == (Tally { calls: self.size, hits: 0 }) && of(quiet) == era {
            // Fails if a hit came in between.
            let _ = self.quiet.compare_exchange(quiet, quiet | QUIET, Ordering::SeqCst, Ordering::Relaxed);
        }
        Some(tally)
    }

    fn push(&self, hit: bool, era: u16) -> Option<Tally> {
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            if (word >> ERA_AT) as u16 != era {
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

    /// Takes "quiet" back, under a number that nobody who looked before can have seen. `None` keeps the era.
    fn disturb(&self, era: Option<u16>) {
        let next = |quiet: u64| {
            let number = ((quiet & !QUIET) + 2) & ((1 << QUIET_ERA_AT) - 1);
            Some((u64::from(era.unwrap_or_else(|| of(quiet))) << QUIET_ERA_AT) | number)
        };
        let _ = self.quiet.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
    }

    pub(super) fn tally(&self) -> Tally {
        tally(self.word.load(Ordering::Acquire))
    }

    pub(super) fn reset(&self, era: u16) {
        self.word.store(u128::from(era) << ERA_AT, Ordering::SeqCst);
        self.disturb(Some(era));
    }

    fn shift(&self, word: u128, hit: bool) -> u128 {
        let mask = (1_u128 << self.size) - 1;
        let calls = (calls(word) + 1).min(self.size);
        let hits = ((word << 1) | u128::from(hit)) & mask;
        (word >> ERA_AT << ERA_AT) | (u128::from(calls) << CALLS_AT) | hits
    }
}

#[inline]
fn is_quiet(quiet: u64, era: u16) -> bool {
    quiet & QUIET != 0 && of(quiet) == era
}

/// The era of the narrow word.
#[inline]
fn of(quiet: u64) -> u16 {
    (quiet >> QUIET_ERA_AT) as u16
}

fn calls(word: u128) -> u32 {
    (word >> CALLS_AT) as u32 & 0xFF
}

fn tally(word: u128) -> Tally {
    let hits = (word & ((1 << CALLS_AT) - 1)).count_ones();
    Tally { calls: calls(word), hits }
}

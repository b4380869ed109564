//! The last up to 104 calls in one atomic word, used as a shift register.
//!
//! Exact, lock-free, and cheapest where it matters: a success in a window full of successes changes nothing and
//! writes nothing, so a healthy breaker only reads. Bits from low to high: 104 calls (1 is a hit, newest lowest),
//! 8 for how many there are, 16 for the era.

use portable_atomic::{AtomicU128, Ordering};

use super::Tally;

#[derive(Debug)]
pub(super) struct Register {
    word: AtomicU128,
    size: u32,
}

const CALLS_AT: u32 = 104;
const ERA_AT: u32 = 112;

impl Register {
    pub(super) const CAPACITY: u32 = CALLS_AT;

    pub(super) fn new(size: u32) -> Self {
        Self { word: AtomicU128::new(0), size }
    }

    pub(super) fn record(&self, hit: bool, era: u16) -> Option<Tally> {
        let mut word = self.word.load(Ordering::Acquire);
        loop {
            if (word >> ERA_AT) as u16 != era {
                return None;
            }
            let next = self.shift(word, hit);
            if next == word {
                return Some(tally(word));
            }
            match self.word.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(tally(next)),
                Err(other) => word = other,
            }
        }
    }

    pub(super) fn tally(&self) -> Tally {
        tally(self.word.load(Ordering::Acquire))
    }

    pub(super) fn reset(&self, era: u16) {
        self.word.store(u128::from(era) << ERA_AT, Ordering::Release);
    }

    fn shift(&self, word: u128, hit: bool) -> u128 {
        let mask = (1_u128 << self.size) - 1;
        let calls = (calls(word) + 1).min(self.size);
        let hits = ((word << 1) | u128::from(hit)) & mask;
        (word >> ERA_AT << ERA_AT) | (u128::from(calls) << CALLS_AT) | hits
    }
}

fn calls(word: u128) -> u32 {
    (word >> CALLS_AT) as u32 & 0xFF
}

fn tally(word: u128) -> Tally {
    let hits = (word & ((1 << CALLS_AT) - 1)).count_ones();
    Tally { calls: calls(word), hits }
}

//! Earned tokens, kept by the slice of time in which they were earned, so that they can expire.
//!
//! There are ten slices, each in one atomic word: the slice's number, the tokens left, and all tokens earned in it. The
//! cap follows from the latter: the earnings of the busiest slice scaled to a second, but at least the setting.

use std::time::Duration;

use portable_atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

const SLICES: u64 = 10;
const BITS: u32 = 20;
const MOST: u64 = (1 << BITS) - 1;

#[derive(Debug)]
pub(super) struct Earned {
    start: Instant,
    slice_nanos: u64,
    /// The cap of the settings, in hundredths of a token.
    cap: u64,
    slices: [AtomicU64; SLICES as usize],
}

#[derive(Clone, Copy, Default)]
struct Slice {
    number: u64,
    left: u64,
    earned: u64,
}

impl Earned {
    pub(super) fn new(expiry: Duration, cap: u32) -> Self {
        Self {
            start: Instant::now(),
            slice_nanos: (expiry.as_nanos() as u64 / SLICES).max(1),
            cap: u64::from(cap),
            slices: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub(super) fn deposit(&self, hundredths: u64, now: Instant) {
        let number = self.number(now);
        let (balance, cap) = self.balance_and_cap(number);
        let kept = hundredths.min(cap.saturating_sub(balance));
        let add = |word| {
            let slice = Slice::unpack(word);
            let slice = match slice.is(number) {
                true => slice,
                false => Slice { number, ..Slice::default() },
            };
            let earned = slice.earned.saturating_add(hundredths).min(MOST);
            let left = (slice.left + kept).min(MOST);
            Some(Slice { earned, left, ..slice }.pack())
        };
        let _ = self.slot(number).fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
    }

    /// Takes the tokens, oldest first, and returns the newest slice taken from. Takes nothing and returns `None` if there
    /// are too few.
    pub(super) fn take(&self, hundredths: u32, now: Instant) -> Option<u64> {
        let (newest, mut missing) = (self.number(now), u64::from(hundredths));
        let mut taken = [0_u64; SLICES as usize];
        let mut last = newest;
        for number in oldest(newest)..=newest {
            let share = self.take_from(number, missing);
            taken[(number % SLICES) as usize] = share;
            missing -= share;
            if share > 0 {
                last = number;
            }
            if missing == 0 {
                return Some(last);
            }
        }
        for number in oldest(newest)..=newest {
            self.give_back(number, taken[(number % SLICES) as usize] as u32);
        }
        None
    }

    /// Returns tokens to their slice, unless it has expired.
    pub(super) fn give_back(&self, number: u64, hundredths: u32) {
        let add = |word| {
            let slice = Slice::unpack(word);
            slice.is(number).then(|| Slice { left: (slice.left + u64::from(hundredths)).min(MOST), ..slice }.pack())
        };
        let _ = self.slot(number).fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
    }

    pub(super) fn balance(&self, now: Instant) -> u32 {
        self.balance_and_cap(self.number(now)).0 as u32
    }

    fn take_from(&self, number: u64, wanted: u64) -> u64 {
        let mut share = 0;
        let take = |word| {
            let slice = Slice::unpack(word);
            share = if slice.is(number) { slice.left.min(wanted) } else { 0 };
            (share > 0).then(|| Slice { left: slice.left - share, ..slice }.pack())
        };
        match self.slot(number).fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
            Ok(_) => share,
            Err(_) => 0,
        }
    }

    fn balance_and_cap(&self, newest: u64) -> (u64, u64) {
        let (mut balance, mut busiest) = (0, 0);
        for number in oldest(newest)..=newest {
            let slice = Slice::unpack(self.slot(number).load(Ordering::Acquire));
            if slice.is(number) {
                balance += slice.left;
                busiest = busiest.max(slice.earned);
            }
        }
        let in_a_second = busiest.saturating_mul(1_000_000_000) / self.slice_nanos;
        (balance, self.cap.max(in_a_second))
    }

    /// The number of the slice at this time. Numbers start at one, so that a slot of zero is empty.
    fn number(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_nanos() as u64 / self.slice_nanos + 1
    }

    fn slot(&self, number: u64) -> &AtomicU64 {
        &self.slices[(number % SLICES) as usize]
    }
}

fn oldest(newest: u64) -> u64 {
    newest.saturating_sub(SLICES - 1).max(1)
}

impl Slice {
    fn is(&self, number: u64) -> bool {
        self.number == number & (u64::MAX >> (2 * BITS))
    }

    fn unpack(word: u64) -> Self {
        Self { number: word >> (2 * BITS), left: (word >> BITS) & MOST, earned: word & MOST }
    }

    fn pack(self) -> u64 {
        (self.number << (2 * BITS)) | (self.left << BITS) | self.earned
    }
}

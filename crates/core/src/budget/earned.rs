//! Earned tokens, kept by the slice of time in which they were earned, so that they can expire.
//!
//! There are ten slices, and two atomic words for each: the tokens left, and all tokens earned in it. Both words have the
//! number of the slice in their upper bits. A slice expires as a whole, so that a token lives for nine to ten slices. The
//! cap follows from the second one: the earnings of the busiest slice scaled to a second, but at least the setting.

use std::time::Duration;

use portable_atomic::{AtomicU64, Ordering};
use tokio::time::Instant;

const SLICES: u64 = 10;
/// The bits of the hundredths in a word: enough for ten thousand million tokens.
const BITS: u32 = 40;
const MOST: u64 = (1 << BITS) - 1;

#[derive(Debug)]
pub(super) struct Earned {
    start: Instant,
    slice_nanos: AtomicU64,
    /// The cap of the settings, in hundredths of a token.
    cap: AtomicU64,
    left: [AtomicU64; SLICES as usize],
    earned: [AtomicU64; SLICES as usize],
}

impl Earned {
    pub(super) fn new(expiry: Duration, cap: u32) -> Self {
        Self {
            start: Instant::now(),
            slice_nanos: AtomicU64::new(slice_nanos(expiry)),
            cap: AtomicU64::new(cap.into()),
            left: std::array::from_fn(|_| AtomicU64::new(0)),
            earned: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// Changes the settings. Tokens that are left stay, up to the cap; with another expiry they count as earned now.
    pub(super) fn reconfigure(&self, expiry: Duration, cap: u32, now: Instant) {
        self.cap.store(cap.into(), Ordering::Release);
        let (balance, nanos) = (self.balance(now), slice_nanos(expiry));
        if self.slice_nanos.swap(nanos, Ordering::AcqRel) != nanos {
            self.left.iter().chain(&self.earned).for_each(|word| word.store(0, Ordering::Release));
            self.deposit(balance.into(), now);
        }
    }

    pub(super) fn deposit(&self, hundredths: u64, now: Instant) {
        let number = self.number(now);
        let (balance, cap) = self.balance_and_cap(number);
        add(slot(&self.left, number), number, hundredths.min(cap.saturating_sub(balance)));
        add(slot(&self.earned, number), number, hundredths);
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
        let give = |word| Some(pack(number, amount(word, number)? + u64::from(hundredths)));
        let _ = slot(&self.left, number).fetch_update(Ordering::AcqRel, Ordering::Acquire, give);
    }

    pub(super) fn balance(&self, now: Instant) -> u32 {
        u32::try_from(self.balance_and_cap(self.number(now)).0).unwrap_or(u32::MAX)
    }

    fn take_from(&self, number: u64, wanted: u64) -> u64 {
        let mut share = 0;
        let take = |word| {
            let left = amount(word, number).unwrap_or_default();
            share = left.min(wanted);
            (share > 0).then(|| pack(number, left - share))
        };
        match slot(&self.left, number).fetch_update(Ordering::AcqRel, Ordering::Acquire, take) {
            Ok(_) => share,
            Err(_) => 0,
        }
    }

    fn balance_and_cap(&self, newest: u64) -> (u64, u64) {
        let (mut balance, mut busiest) = (0, 0);
        for number in oldest(newest)..=newest {
            let of = |words| amount(slot(words, number).load(Ordering::Acquire), number).unwrap_or_default();
            balance += of(&self.left);
            busiest = busiest.max(of(&self.earned));
        }
        let in_a_second = u128::from(busiest) * 1_000_000_000 / u128::from(self.slice_nanos.load(Ordering::Acquire));
        (balance, self.cap.load(Ordering::Acquire).max(in_a_second as u64))
    }

    /// The number of the slice at this time. Numbers start at one, so that a word of zero is empty.
    fn number(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.start).as_nanos() as u64;
        elapsed / self.slice_nanos.load(Ordering::Acquire) + 1
    }
}

fn slice_nanos(expiry: Duration) -> u64 {
    (expiry.as_nanos() as u64 / SLICES).max(1)
}

fn oldest(newest: u64) -> u64 {
    newest.saturating_sub(SLICES - 1).max(1)
}

fn slot(words: &[AtomicU64; SLICES as usize], number: u64) -> &AtomicU64 {
    &words[(number % SLICES) as usize]
}

/// Adds to the amount of this slice, and starts it anew if the word is of an expired one.
fn add(word: &AtomicU64, number: u64, hundredths: u64) {
    let add = |word| Some(pack(number, amount(word, number).unwrap_or_default().saturating_add(hundredths)));
    let _ = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
}

/// Returns the amount of a word, if it belongs to the slice of this number.
fn amount(word: u64, number: u64) -> Option<u64> {
    (word >> BITS == number & (u64::MAX >> BITS)).then_some(word & MOST)
}

fn pack(number: u64, hundredths: u64) -> u64 {
    (number << BITS) | hundredths.min(MOST)
}

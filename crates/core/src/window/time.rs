//! The calls of the last seconds, in slices.
//!
//! A slice is one atomic word that holds its own number, so a new slice overwrites an expired one, an idle gap expires
//! all slices in one step, and the cost does not depend on the number of calls. Bits from low to high: 32 for hits, 32
//! for calls, 16 for the epoch, 48 for the slice's number.
//!
//! Adding up the slices costs more than recording a call. Rules that fire on hits need no sum while there are none, so
//! `newest_hit` holds the number of the newest slice with a hit. It is raised after the hit is recorded and before the
//! sum for that hit is read: of a concurrent hit and success, at least one sees the other.

use std::time::Duration;

use portable_atomic::{AtomicU16, AtomicU64, AtomicU128, Ordering};
use tokio::time::Instant;

use super::tally::Tally;

#[derive(Debug)]
pub(super) struct Slices {
    start: Instant,
    length_nanos: u64,
    slices: Box<[AtomicU128]>,
    /// The current epoch: slices of another epoch count as empty.
    epoch: AtomicU16,
    /// The number of the newest slice with a hit, of any epoch: it may be too high, never too low.
    newest_hit: AtomicU64,
}

#[derive(Clone, Copy)]
struct Slice {
    number: u64,
    epoch: u16,
    tally: Tally,
}

impl Slices {
    pub(super) fn new(span: Duration, slices: u32) -> Self {
        let length = (span.as_nanos() / u128::from(slices)).clamp(1, u128::from(u64::MAX));
        Self {
            start: Instant::now(),
            length_nanos: length as u64,
            slices: (0..slices).map(|_| AtomicU128::new(0)).collect(),
            epoch: AtomicU16::new(0),
            newest_hit: AtomicU64::new(0),
        }
    }

    pub(super) fn record(&self, hit: bool, epoch: u16, now: Instant) -> Option<Tally> {
        let number = self.number(now);
        self.add(hit, epoch, number).then(|| self.sum(number, epoch))
    }

    pub(super) fn record_for_hits(&self, hit: bool, epoch: u16, now: Instant) -> Option<Tally> {
        let number = self.number(now);
        let recorded = self.add(hit, epoch, number);
        // Slice numbers start at one.
        let newest_hit = self.newest_hit.load(Ordering::SeqCst);
        let may_hold_hits = newest_hit != 0 && newest_hit >= self.oldest(number);
        let tally = (recorded && may_hold_hits).then(|| self.sum(number, epoch));
        tally.filter(|tally| tally.hits > 0)
    }

    /// Records the call. Returns whether it belongs to the current epoch.
    fn add(&self, hit: bool, epoch: u16, number: u64) -> bool {
        if self.epoch.load(Ordering::Acquire) != epoch {
            return false;
        }
        let add = |word: u128| {
            let mut slice = Slice::unpack(word);
            if slice.number > number && slice.epoch == epoch {
                return None; // The slot belongs to a newer round: this call has left the window.
            }
            if slice.number != number || slice.epoch != epoch {
                slice = Slice { number, epoch, tally: Tally::default() };
            }
            slice.tally.calls = slice.tally.calls.saturating_add(1);
            slice.tally.hits = slice.tally.hits.saturating_add(u32::from(hit));
            Some(slice.pack())
        };
        // A call that has left the window is not part of the tally.
        let _ = self.slot(number).fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
        if hit {
            self.newest_hit.fetch_max(number, Ordering::SeqCst);
        }
        true
    }

    pub(super) fn tally(&self, now: Instant) -> Tally {
        self.sum(self.number(now), self.epoch.load(Ordering::Acquire))
    }

    pub(super) fn reset(&self, epoch: u16) {
        self.epoch.store(epoch, Ordering::Release);
    }

    fn sum(&self, newest: u64, epoch: u16) -> Tally {
        let oldest = self.oldest(newest);
        let live = |slice: &Slice| slice.epoch == epoch && slice.number >= oldest;
        let slices = self.slices.iter().map(|slot| Slice::unpack(slot.load(Ordering::SeqCst)));
        slices.filter(live).fold(Tally::default(), |sum, slice| Tally {
            calls: sum.calls.saturating_add(slice.tally.calls),
            hits: sum.hits.saturating_add(slice.tally.hits),
        })
    }

    /// Returns the oldest slice of the window whose newest slice is this.
    fn oldest(&self, newest: u64) -> u64 {
        newest.saturating_sub(self.slices.len() as u64 - 1)
    }

    /// Returns the number of the slice at this time. Numbers start at one, so that a slot of zero is empty.
    fn number(&self, now: Instant) -> u64 {
        // A 64-bit division is ten times faster than a 128-bit one; 64 bits hold 584 years in nanoseconds.
        let nanos = now.saturating_duration_since(self.start).as_nanos() as u64;
        nanos / self.length_nanos + 1
    }

    fn slot(&self, number: u64) -> &AtomicU128 {
        &self.slices[(number % self.slices.len() as u64) as usize]
    }
}

impl Slice {
    fn unpack(word: u128) -> Self {
        Self {
            number: (word >> 80) as u64,
            epoch: (word >> 64) as u16,
            tally: Tally { calls: (word >> 32) as u32, hits: word as u32 },
        }
    }

    fn pack(self) -> u128 {
        (u128::from(self.number) << 80)
            | (u128::from(self.epoch) << 64)
            | (u128::from(self.tally.calls) << 32)
            | u128::from(self.tally.hits)
    }
}

//! The word that counts a limit's calls: those in flight in the lower half, the waiting ones in the upper half.

/// One waiting call.
pub(crate) const WAITING: u64 = 1 << 32;

/// A word that admits no call: more in flight and more waiting than any limit and queue.
pub(crate) const RETIRED: u64 = u64::MAX;

pub(crate) fn in_flight(word: u64) -> u32 {
    word as u32
}

pub(crate) fn waiting(word: u64) -> u32 {
    (word >> 32) as u32
}

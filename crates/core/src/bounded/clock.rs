//! The order in which a full map looks for a victim: a clock.
//!
//! The hand moves over the entries in the order of their insertion, and passes over an entry that was used since the
//! last visit. Finding a victim is therefore O(1) amortised, unlike a search for the least recently used entry.

use std::collections::VecDeque;

/// The entries of a map in the order of the hand's visits.
pub(super) struct Clock<K> {
    /// The next one is in front. A slot whose entry was removed stays until its visit.
    slots: VecDeque<Slot<K>>,
    /// The number of entries that searches may visit.
    credit: usize,
}

/// The place of an entry on the clock.
pub(super) struct Slot<K> {
    pub(super) key: K,
    /// The number of the entry, which tells it from a later one of the same key.
    pub(super) id: u64,
    /// The entry's mark of use at the last visit.
    pub(super) seen: u64,
}

/// What the hand finds at a slot.
pub(super) enum Visit {
    /// The entry is gone.
    Gone,
    /// The entry cannot be evicted.
    Kept,
    /// The entry has this rank and mark of use.
    Evictable { rank: u8, used: u64 },
}

// === impl Clock ===

impl<K> Clock<K> {
    pub(super) fn new() -> Self {
        Self { slots: VecDeque::new(), credit: 0 }
    }

    pub(super) fn insert(&mut self, key: K, id: u64) {
        self.slots.push_back(Slot { key, id, seen: id });
    }

    /// Allows the searches this many visits more. An unused allowance is kept, up to one round of the clock.
    pub(super) fn allow(&mut self, visits: usize) {
        self.credit = self.credit.saturating_add(visits).min(self.slots.len());
    }

    /// Takes the slot of the next victim off the clock, with its rank: the first entry of rank 0 that was not used since
    /// its last visit, or else the entry of the lowest rank, least recently used, among those that the search may visit.
    pub(super) fn take_victim(&mut self, visit: impl Fn(&Slot<K>) -> Visit) -> Option<(Slot<K>, u8)> {
        let (mut best, mut kept) = (None, 0);
        while self.credit > 0 {
            self.credit -= 1;
            let Some(mut slot) = self.slots.pop_front() else { break };
            match visit(&slot) {
                Visit::Gone => continue,
                Visit::Kept => {}
                Visit::Evictable { rank: 0, used } if used == slot.seen => return Some((slot, 0)),
                Visit::Evictable { rank, used } => {
                    slot.seen = used;
                    let is_better = |(lowest, oldest, _): &(u8, u64, usize)| (rank, used) < (*lowest, *oldest);
                    if best.as_ref().is_none_or(is_better) {
                        best = Some((rank, used, kept));
                    }
                }
            }
            self.slots.push_back(slot);
            kept += 1;
        }
        let (rank, _, at) = best?;
        // The slots of this search are the last ones.
        let slot = self.slots.remove(self.slots.len() + at - kept)?;
        Some((slot, rank))
    }
}

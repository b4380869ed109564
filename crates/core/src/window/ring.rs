//! The last N calls, for windows too large for one word: a ring whose slots hold their ticket.
//!
//! A record draws a ticket, replaces the slot's record of the previous round, and changes the count of hits by the
//! difference. A writer that is late by a whole round finds a newer ticket in its slot and leaves it, because its call
//! has left the window. Every word holds the epoch, so a reset is two stores, whatever the size.

use portable_atomic::{AtomicU64, Ordering};

use super::tally::Tally;

#[derive(Debug)]
pub(super) struct Ring {
    /// The epoch and the next ticket.
    head: AtomicU64,
    /// The epoch and the number of slots that are hits.
    hits: AtomicU64,
    /// The epoch, the ticket and the hit.
    slots: Box<[AtomicU64]>,
}

const EPOCH_AT: u32 = 48;
const LOW: u64 = (1 << EPOCH_AT) - 1;

impl Ring {
    pub(super) fn new(size: u32) -> Self {
        // Marks an empty slot: no ticket of a real epoch has all bits set.
        let empty = u64::MAX;
        Self {
            head: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            slots: (0..size).map(|_| AtomicU64::new(empty)).collect(),
        }
    }

    pub(super) fn record(&self, hit: bool, epoch: u16) -> Option<Tally> {
        let ticket = self.draw(epoch)?;
        let delta = self.place(ticket, hit, epoch);
        let hits = self.count(delta, epoch)?;
        // Read after the hits were counted: of two concurrent calls, the later one to count sees both calls and all hits.
        // Each orders its ticket before its count with `SeqCst`; a ticket alone would let neither see both.
        let head = self.head.load(Ordering::SeqCst);
        let tickets = if epoch_of(head) == epoch { head & LOW } else { ticket + 1 };
        Some(Tally { calls: self.calls(tickets), hits: hits as u32 })
    }

    pub(super) fn tally(&self) -> Tally {
        let (head, hits) = (self.head.load(Ordering::Acquire), self.hits.load(Ordering::Acquire));
        Tally { calls: self.calls(head & LOW), hits: (hits & LOW) as u32 }
    }

    pub(super) fn reset(&self, epoch: u16) {
        self.hits.store(u64::from(epoch) << EPOCH_AT, Ordering::Release);
        self.head.store(u64::from(epoch) << EPOCH_AT, Ordering::Release);
    }

    fn draw(&self, epoch: u16) -> Option<u64> {
        let next = |head: u64| (epoch_of(head) == epoch).then(|| tagged(epoch, (head & LOW) + 1));
        let head = self.head.fetch_update(Ordering::SeqCst, Ordering::Acquire, next).ok()?;
        // 47 bits of tickets last four years at a million a second; wrapping then costs one round of precision.
        Some((head & LOW) & (LOW >> 1))
    }

    /// Writes the call into its slot and returns the change of the count of hits.
    fn place(&self, ticket: u64, hit: bool, epoch: u16) -> i64 {
        let slot = &self.slots[(ticket % self.slots.len() as u64) as usize];
        let mine = tagged(epoch, (ticket << 1) | u64::from(hit));
        let newer = |found: u64| epoch_of(found) == epoch && (found & LOW) >> 1 >= ticket && found != u64::MAX;
        match slot.fetch_update(Ordering::AcqRel, Ordering::Acquire, |found| (!newer(found)).then_some(mine)) {
            Ok(old) if epoch_of(old) == epoch && old != u64::MAX => i64::from(hit) - (old & 1) as i64,
            Ok(_) => i64::from(hit),
            Err(_) => 0,
        }
    }

    fn count(&self, delta: i64, epoch: u16) -> Option<u64> {
        if delta == 0 {
            let hits = self.hits.load(Ordering::SeqCst);
            return (epoch_of(hits) == epoch).then_some(hits & LOW);
        }
        // The -1 of one thread can precede the +1 of another. The count is kept modulo 2^48 and returned as at least 0.
        let add = |hits: u64| (epoch_of(hits) == epoch).then(|| tagged(epoch, (hits & LOW).wrapping_add_signed(delta)));
        let before = self.hits.fetch_update(Ordering::SeqCst, Ordering::Acquire, add).ok()?;
        let hits = (before & LOW).wrapping_add_signed(delta) & LOW;
        Some(if hits > self.slots.len() as u64 { 0 } else { hits })
    }

    fn calls(&self, tickets: u64) -> u32 {
        tickets.min(self.slots.len() as u64) as u32
    }
}

fn epoch_of(word: u64) -> u16 {
    (word >> EPOCH_AT) as u16
}

fn tagged(epoch: u16, low: u64) -> u64 {
    (u64::from(epoch) << EPOCH_AT) | (low & LOW)
}

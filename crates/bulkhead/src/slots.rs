//! The algorithm: how many run, how many wait, and who is next.
//!
//! One word counts both the calls in flight and those that wait, so that every decision is one compare-and-swap and
//! every release one subtraction. The queue behind it is a tokio [`Semaphore`] that begins with no permits: its permits
//! are *turns*, and whoever gets one owns a slot that the word counts already. That takes from tokio what is hard (a
//! fair line of wakers that survives cancellation) and leaves out what costs: its `add_permits` locks a mutex on every
//! release, and its limit can be lowered only by acquiring. A semaphore that holds the permits themselves was rejected
//! for both.
//!
//! Shrinking needs nothing: the word is above the limit for a while, and releases hand out no turns until it is not.

use std::sync::{
    Arc,
    atomic::{
        AtomicU32, AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
};

use tokio::sync::Semaphore;

use crate::group::Membership;

mod line;

/// Slots and the line for them. In flight in the lower half of the word, waiting in the upper one.
pub(crate) struct Slots {
    word: AtomicU64,
    limit: AtomicU32,
    queue: AtomicU32,
    peak: AtomicU32,
    turns: Arc<Semaphore>,
    /// Turns whose waiters went away in the moment between the word and the semaphore.
    forfeited: AtomicU32,
    membership: Option<Membership>,
}

/// What a call is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A slot.
    Slot,
    /// A place in the line.
    Queued,
    /// Nothing.
    Full,
}

/// A right to a slot that the word does not count yet.
enum Claim {
    Own,
    Lent,
}

const WAITING: u64 = 1 << 32;

/// Full, and nothing changes that: more in flight and more waiting than any limit and queue.
const RETIRED: u64 = u64::MAX;

#[inline]
fn in_flight(word: u64) -> u32 {
    word as u32
}

#[inline]
fn waiting(word: u64) -> u32 {
    (word >> 32) as u32
}

// === impl Slots ===

impl Slots {
    pub(crate) fn new(limit: u32, queue: u32, membership: Option<Membership>) -> Self {
        Self {
            word: AtomicU64::new(0),
            limit: limit.into(),
            queue: queue.into(),
            peak: AtomicU32::new(0),
            turns: Arc::new(Semaphore::new(0)),
            forfeited: AtomicU32::new(0),
            membership,
        }
    }

    /// What a call would be given now; takes nothing.
    #[inline]
    pub(crate) fn look(&self) -> Entry {
        let word = self.word.load(SeqCst);
        let lent = || self.membership.as_ref().is_some_and(|member| member.lends(in_flight(word), self.limit()));
        if waiting(word) == 0 && (in_flight(word) < self.limit() || lent()) {
            Entry::Slot
        } else if waiting(word) < self.queue() {
            Entry::Queued
        } else {
            Entry::Full
        }
    }

    /// Takes a slot, or else a place in the line if the call is ready to wait. Nobody passes those who wait.
    #[inline]
    pub(crate) fn enter(&self, may_wait: bool) -> Entry {
        let mut word = self.word.load(SeqCst);
        loop {
            let (next, claim) = match self.claim(word) {
                Some(claim) => (word + 1, Some(claim)),
                None if may_wait && waiting(word) < self.queue() => (word + WAITING, None),
                None => return Entry::Full,
            };
            if let Err(now) = self.word.compare_exchange_weak(word, next, SeqCst, SeqCst) {
                self.unclaim(claim);
                word = now;
                continue;
            }
            let Some(claim) = claim else {
                self.joined_the_line();
                return Entry::Queued;
            };
            self.took(&claim, in_flight(next));
            return Entry::Slot;
        }
    }

    #[inline]
    fn claim(&self, word: u64) -> Option<Claim> {
        if waiting(word) > 0 { None } else { self.claim_above(in_flight(word)) }
    }

    #[inline]
    fn claim_above(&self, in_flight: u32) -> Option<Claim> {
        let limit = self.limit();
        if in_flight < limit {
            return Some(Claim::Own);
        }
        self.membership.as_ref()?.borrow(in_flight, limit).then_some(Claim::Lent)
    }

    #[cold]
    fn unclaim(&self, claim: Option<Claim>) {
        if let (Some(Claim::Lent), Some(member)) = (claim, &self.membership) {
            member.leave();
        }
    }

    #[inline]
    fn took(&self, claim: &Claim, in_flight: u32) {
        if let (Claim::Own, Some(member)) = (claim, &self.membership) {
            member.enter();
        }
        if in_flight > self.peak.load(Relaxed) {
            self.peak.fetch_max(in_flight, Relaxed);
        }
    }

    /// Gives a slot back, to whoever is next.
    #[inline]
    pub(crate) fn release(&self) {
        let before = self.word.fetch_sub(1, SeqCst);
        if let Some(member) = &self.membership {
            member.leave();
        }
        if waiting(before) > 0 {
            self.hand_out();
        }
        self.offer();
    }

    /// Lets the group lend what came free.
    #[inline]
    fn offer(&self) {
        if let Some(member) = &self.membership {
            member.offer();
        }
    }

    /// Ends the slots if nobody has one and nobody waits; who comes later finds them full.
    pub(crate) fn retire(&self) -> bool {
        self.word.compare_exchange(0, RETIRED, SeqCst, SeqCst).is_ok()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.word.load(SeqCst) == RETIRED
    }

    /// Whether nobody has a slot and nobody waits.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.word.load(SeqCst) == 0
    }

    /// A new size: growing takes effect at once, shrinking as calls end.
    pub(crate) fn resize(&self, limit: u32, queue: u32) {
        self.limit.store(limit, SeqCst);
        self.queue.store(queue, SeqCst);
        if let Some(member) = &self.membership {
            member.recount();
        }
        self.hand_out();
        self.offer();
    }

    #[inline]
    pub(crate) fn limit(&self) -> u32 {
        self.limit.load(SeqCst)
    }

    #[inline]
    pub(crate) fn queue(&self) -> u32 {
        self.queue.load(SeqCst)
    }

    pub(crate) fn peak(&self) -> u32 {
        self.peak.load(Relaxed)
    }

    /// Calls in flight, and calls that wait.
    pub(crate) fn counts(&self) -> (u32, u32) {
        let word = self.word.load(SeqCst);
        (in_flight(word), waiting(word).saturating_sub(self.forfeited.load(SeqCst)))
    }

    pub(crate) fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }
}

#[cfg(test)]
#[path = "slots/tests.rs"]
mod tests;

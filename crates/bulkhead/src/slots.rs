//! The slots of a limit and the queue for them.
//!
//! One word counts the calls in flight and the waiting calls. An admission is one compare-and-swap on it, and a release
//! is one subtraction.
//!
//! A freed slot reaches the next waiter in four steps, all in this file. [`Slots::release`] subtracts the call from the
//! word. If calls wait, [`Slots::grant`] moves one of them from waiting to in flight, and adds one permit to a tokio
//! [`Semaphore`]. The semaphore wakes the task that waits longest. That task's future, from [`Slots::granted`], takes
//! the semaphore's permit, and the task owns a slot that the word counts already.
//!
//! The semaphore starts with no permits, and its permits are *grants*, not slots. tokio provides a fair queue of
//! wakers that survives cancellation. Rejected: a semaphore that holds the slots, because its `add_permits` locks a mutex
//! on every release, and its limit can be lowered only by acquiring.
//!
//! A waiter that is cancelled after the word has changed and before the grant is added cannot take its grant back. It
//! increments `cancelled`, and the second of the two threads reconciles the counts. Rejected: a lock around both steps,
//! because wakers would run inside it.

use tokio::task::coop::unconstrained;

use crate::{
    lending::Membership,
    slot_word::{RETIRED, WAITING, in_flight, waiting},
    sync::{
        Arc, Semaphore,
        atomic::{
            AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
            fence,
        },
    },
};

pub(crate) struct Slots {
    /// The calls in flight and the waiting calls.
    word: AtomicU64,
    limit: AtomicU32,
    queue: AtomicU32,
    peak: AtomicU32,
    grants: Arc<Semaphore>,
    /// Grants without a waiter: it was cancelled after the word had changed.
    cancelled: AtomicU32,
    membership: Membership,
}

// === impl Slots ===

impl Slots {
    pub(crate) fn new(limit: u32, queue: u32, membership: Membership) -> Self {
        Self {
            word: AtomicU64::new(0),
            limit: limit.into(),
            queue: queue.into(),
            peak: AtomicU32::new(0),
            grants: Arc::new(Semaphore::new(0)),
            cancelled: AtomicU32::new(0),
            membership,
        }
    }

    /// Whether a call would get a slot now.
    #[inline]
    pub(crate) fn has_free_slot(&self) -> bool {
        let (word, limit) = (self.word.load(SeqCst), self.limit());
        let in_flight = in_flight(word);
        waiting(word) == 0 && (in_flight < limit || self.membership.lends(in_flight, limit))
    }

    /// Whether a call could wait now.
    pub(crate) fn has_queue_place(&self) -> bool {
        waiting(self.word.load(SeqCst)) < self.queue()
    }

    /// Takes a free slot, unless other calls wait for one.
    #[inline]
    pub(crate) fn try_acquire(&self) -> bool {
        let mut gave_back = false;
        let taken = self.take(&mut gave_back, |word| (waiting(word) == 0).then(|| word + 1));
        if gave_back {
            self.membership.offer();
        }
        taken
    }

    /// Takes a slot by changing the word. Returns whether it did: `change` may forbid it, and a slot has to be free.
    /// Sets `gave_back` if it gave a borrowed slot back: a waiter may have found the group full meanwhile, so the caller
    /// offers the slot again.
    #[inline]
    fn take(&self, gave_back: &mut bool, change: impl Fn(u64) -> Option<u64>) -> bool {
        let mut word = self.word.load(SeqCst);
        loop {
            let Some(next) = change(word) else { return false };
            let limit = self.limit();
            let lent = in_flight(word) >= limit;
            if lent && !self.membership.borrow(in_flight(word), limit) {
                return false;
            }
            if let Err(now) = self.word.compare_exchange_weak(word, next, SeqCst, SeqCst) {
                if lent {
                    self.membership.leave();
                    *gave_back = true;
                }
                word = now;
                continue;
            }
            if !lent {
                self.membership.enter();
            }
            if in_flight(next) > self.peak.load(Relaxed) {
                self.peak.fetch_max(in_flight(next), Relaxed);
            }
            return true;
        }
    }

    /// Takes a free place in the queue. With one, the caller awaits [`granted`](Self::granted) and then calls
    /// [`dequeue`](Self::dequeue), or calls [`cancel`](Self::cancel) if it gives up.
    pub(crate) fn enqueue(&self) -> bool {
        let one_more = |word| (waiting(word) < self.queue()).then(|| word + WAITING);
        if self.word.fetch_update(SeqCst, SeqCst, one_more).is_err() {
            return false;
        }
        self.membership.enqueue();
        // A slot may have become free, in the group or by a resize, before the word counted this call.
        self.grant_and_offer();
        true
    }

    /// Ready when a slot is granted to this waiter.
    pub(crate) fn granted(&self) -> impl Future<Output = ()> + Send + Sync + 'static {
        let grants = self.grants.clone();
        // Unconstrained: with the task's cooperative budget used up, the semaphore reports pending
        // although a grant is available.
        unconstrained(async move {
            match grants.acquire_owned().await {
                Ok(grant) => grant.forget(),
                // The semaphore is never closed.
                Err(_) => std::future::pending().await,
            }
        })
    }

    /// Decrements the group's queue count. [`grant`](Self::grant) has already updated the word.
    pub(crate) fn dequeue(&self) {
        self.membership.dequeue();
    }

    /// Removes a cancelled waiter. It has dropped its future, so a grant that it held went to the next waiter.
    pub(crate) fn cancel(&self) {
        self.dequeue();
        let one_less = |word| (waiting(word) > 0).then(|| word - WAITING);
        if self.word.fetch_update(SeqCst, SeqCst, one_less).is_err() {
            // The word counts no waiter: this one has a slot, and its grant is added already or will be.
            self.cancelled.fetch_add(1, SeqCst);
            self.grant();
            self.membership.offer();
        }
    }

    /// Grants free slots, and offers the borrowed ones to the group that were given back.
    fn grant_and_offer(&self) {
        if self.grant() {
            self.membership.offer();
        }
    }

    /// Gives a slot back, to the next waiter if there is one.
    #[inline]
    pub(crate) fn release(&self) {
        let before = self.word.fetch_sub(1, SeqCst);
        self.membership.leave();
        if waiting(before) > 0 {
            self.grant();
        }
        self.membership.offer();
    }

    /// Grants free slots to waiters, as far as there are both. Returns whether it gave a borrowed slot back.
    pub(crate) fn grant(&self) -> bool {
        let mut gave_back = false;
        loop {
            let mut granted = 0;
            while self.take(&mut gave_back, |word| (waiting(word) > 0).then(|| word - WAITING + 1)) {
                granted += 1;
            }
            if granted > 0 {
                self.grants.add_permits(granted);
            }
            // Either this thread sees the cancellation, or the cancelling thread sees the grant.
            fence(SeqCst);
            if self.cancelled.load(SeqCst) == 0 || !self.reconcile() {
                return gave_back;
            }
        }
    }

    /// Takes back the grant and the slot of one cancelled waiter. Returns whether a grant was there.
    fn reconcile(&self) -> bool {
        let Ok(grant) = self.grants.try_acquire() else { return false };
        if self.cancelled.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_err() {
            // Another thread has reconciled it: the grant belongs to a waiter.
            drop(grant);
            return true;
        }
        grant.forget();
        self.word.fetch_sub(1, SeqCst);
        self.membership.leave();
        true
    }

    /// Makes the slots refuse all calls from now on, if none is in flight or waits. Returns whether it did.
    pub(crate) fn retire(&self) -> bool {
        self.word.compare_exchange(0, RETIRED, SeqCst, SeqCst).is_ok()
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.word.load(SeqCst) == RETIRED
    }

    /// Whether no call is in flight and none waits.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.word.load(SeqCst) == 0
    }

    /// Sets the limit and the queue; [`apply_size`](Self::apply_size) follows. Shrinks as calls end: releases grant
    /// nothing while the word exceeds the limit.
    pub(crate) fn set_size(&self, limit: u32, queue: u32) {
        self.limit.store(limit, SeqCst);
        self.queue.store(queue, SeqCst);
    }

    /// Grants the slots that a greater size has made free.
    pub(crate) fn apply_size(&self) {
        self.membership.recount();
        self.grant();
        self.membership.offer();
    }

    #[inline]
    pub(crate) fn limit(&self) -> u32 {
        self.limit.load(SeqCst)
    }

    /// Ends when the group, if there is one, lends no slot any more.
    pub(crate) async fn group_filled(&self) {
        self.membership.filled().await;
    }

    pub(crate) fn queue(&self) -> u32 {
        self.queue.load(SeqCst)
    }

    pub(crate) fn peak(&self) -> u32 {
        self.peak.load(Relaxed)
    }

    /// The calls in flight and the waiting calls.
    pub(crate) fn counts(&self) -> (u32, u32) {
        let word = self.word.load(SeqCst);
        (in_flight(word), waiting(word).saturating_sub(self.cancelled.load(SeqCst)))
    }
}

#[cfg(test)]
#[path = "slots/tests.rs"]
mod tests;

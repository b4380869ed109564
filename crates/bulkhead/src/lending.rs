//! Slots that the members of a group lend each other.
//!
//! A member within its own limit does not need the pool, so no other member can starve it. The pool's total bounds only
//! what is lent. Rejected: one pool that all members draw from, because the busiest member takes all of it.

use crate::{
    readiness::ReadinessWaiters,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

/// The counts of a group, over all its members.
pub(crate) struct LendingPool {
    /// The total that the group was made with. `None`: the sum of the members' limits.
    fixed_total: Option<u32>,
    total: AtomicU32,
    in_flight: AtomicU32,
    waiting: AtomicU32,
    members: Mutex<Vec<Weak<dyn Member>>>,
    /// The callers of all members that wait for their inner service.
    readiness_waiters: ReadinessWaiters,
}

/// A limit in a group.
pub(crate) trait Member: Send + Sync {
    /// Returns its own limit.
    fn limit(&self) -> u32;

    /// Grants free slots to its waiting calls. Returns whether it gave a borrowed slot back, which other members may
    /// have missed meanwhile.
    fn grant(&self) -> bool;
}

/// A member's reference to its pool. Without a pool it lends nothing and counts nothing.
#[derive(Default)]
pub(crate) struct Membership(Option<Arc<LendingPool>>);

// === impl LendingPool ===

impl LendingPool {
    pub(crate) fn new(fixed_total: Option<u32>) -> Self {
        Self {
            fixed_total,
            total: fixed_total.unwrap_or(0).into(),
            in_flight: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            members: Mutex::default(),
            readiness_waiters: ReadinessWaiters::default(),
        }
    }

    pub(crate) fn add(&self, member: Weak<dyn Member>) {
        let mut members = self.members();
        members.retain(|member| member.strong_count() > 0);
        members.push(member);
        drop(members);
        self.recount();
        // The new member may raise the total.
        self.offer();
    }

    pub(crate) fn total(&self) -> u32 {
        self.total.load(SeqCst)
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(SeqCst)
    }

    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(SeqCst)
    }

    pub(crate) fn member_count(&self) -> usize {
        self.members().iter().filter(|member| member.strong_count() > 0).count()
    }

    fn members(&self) -> MutexGuard<'_, Vec<Weak<dyn Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lends(&self, in_flight: u32, limit: u32) -> bool {
        in_flight < limit.saturating_add(limit / 5) && self.in_flight() < self.total()
    }

    /// Sums the members' limits, unless the total is fixed.
    fn recount(&self) {
        if self.fixed_total.is_some() {
            return;
        }
        // Stores inside the lock, so that the last thread to sum stores last.
        let members = self.members();
        let alive: Vec<_> = members.iter().filter_map(Weak::upgrade).collect();
        let sum = alive.iter().fold(0_u32, |sum, member| sum.saturating_add(member.limit()));
        self.total.store(sum, SeqCst);
        // Unlocks first: dropping the last reference to a member recounts again.
        drop(members);
        drop(alive);
        self.wake_if_full();
    }

    /// Wakes the callers that wait for an inner service, if no slot is lent any more.
    fn wake_if_full(&self) {
        if !self.readiness_waiters.is_empty() && self.in_flight() >= self.total() {
            self.readiness_waiters.wake();
        }
    }

    /// Lends free slots to the waiting calls of all members, starting with a different member each time.
    fn offer(&self) {
        if self.waiting() == 0 {
            return;
        }
        let mut members = self.members();
        let by = usize::from(members.len() > 1);
        members.rotate_left(by);
        let alive: Vec<_> = members.iter().filter_map(Weak::upgrade).collect();
        // Unlocks first, because wakers run.
        drop(members);
        while alive.iter().fold(false, |gave_back, member| member.grant() | gave_back) {}
    }
}

// === impl Membership ===

impl Membership {
    pub(crate) fn of(pool: Arc<LendingPool>) -> Self {
        Self(Some(pool))
    }

    /// Whether the group would lend a slot to a member with so many calls in flight.
    pub(crate) fn lends(&self, in_flight: u32, limit: u32) -> bool {
        self.0.as_ref().is_some_and(|pool| pool.lends(in_flight, limit))
    }

    /// Borrows and counts a slot above the member's own limit.
    #[cold]
    pub(crate) fn borrow(&self, in_flight: u32, limit: u32) -> bool {
        let Some(pool) = &self.0 else { return false };
        let one_more = |n| (n < pool.total()).then_some(n + 1);
        let borrowed = pool.lends(in_flight, limit) && pool.in_flight.fetch_update(SeqCst, SeqCst, one_more).is_ok();
        if borrowed {
            pool.wake_if_full();
        }
        borrowed
    }

    /// Counts a slot within the member's own limit.
    #[inline]
    pub(crate) fn enter(&self) {
        if let Some(pool) = &self.0 {
            pool.in_flight.fetch_add(1, SeqCst);
            pool.wake_if_full();
        }
    }

    #[inline]
    pub(crate) fn leave(&self) {
        if let Some(pool) = &self.0 {
            pool.in_flight.fetch_sub(1, SeqCst);
        }
    }

    pub(crate) fn enqueue(&self) {
        if let Some(pool) = &self.0 {
            pool.waiting.fetch_add(1, SeqCst);
        }
    }

    pub(crate) fn dequeue(&self) {
        if let Some(pool) = &self.0 {
            pool.waiting.fetch_sub(1, SeqCst);
        }
    }

    /// Lends free slots to the waiting calls of all members.
    #[inline]
    pub(crate) fn offer(&self) {
        if let Some(pool) = &self.0 {
            pool.offer();
        }
    }

    /// Ends when the group lends no slot any more. Without a group it never ends.
    pub(crate) async fn filled(&self) {
        match &self.0 {
            Some(pool) => pool.readiness_waiters.wait().await,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn recount(&self) {
        if let Some(pool) = &self.0 {
            pool.recount();
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.recount();
    }
}

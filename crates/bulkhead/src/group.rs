//! Limits that lend each other what they do not use.
//!
//! A member within its own limit never asks the group, so nobody can be starved by a neighbour; the group's total only
//! bounds what is lent. Peers where every member draws from one pool let the first noisy one take it all.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use mainstay_core::{Counters, InvalidSetting, Name, Shared};

use crate::{Limit, LimitSettings, inner::Inner, settings};

/// A group of limits: each may go a fifth above its own limit, as long as the group's total allows it.
///
/// ```
/// use mainstay_bulkhead::{Group, LimitSettings};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let storage = Group::new("storage");
/// let settings = LimitSettings { limit: 10, ..Default::default() };
/// let (reads, writes) = (storage.limit("reads", settings)?, storage.limit("writes", settings)?);
/// let taken: Vec<_> = std::iter::from_fn(|| reads.try_acquire().ok()).collect();
/// // A fifth above its own ten, because `writes` is idle; what belongs to `writes` stays its own.
/// assert_eq!(taken.len(), 12);
/// let others: Vec<_> = std::iter::from_fn(|| writes.try_acquire().ok()).collect();
/// assert_eq!(others.len(), 10);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Group(Arc<Common>);

struct Common {
    name: Name,
    /// What was asked for; otherwise the sum of the members' limits.
    fixed: Option<u32>,
    total: AtomicU32,
    in_flight: AtomicU32,
    waiting: AtomicU32,
    members: Mutex<Vec<Weak<Inner>>>,
}

/// What a group shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupSnapshot {
    /// Its name.
    pub name: Name,
    /// Up to how many calls in flight in all its members it lends.
    pub total: u32,
    /// How many are.
    pub in_flight: u32,
    /// How many wait.
    pub queued: u32,
    /// How many limits are in it.
    pub members: usize,
}

/// A member's side of its group.
pub(crate) struct Membership(Group);

// === impl Group ===

impl Group {
    /// A group whose total is the sum of its members' limits: it lends what others leave idle.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::build(name.into(), None)
    }

    /// A group with a total of its own, 1 to a million.
    ///
    /// # Errors
    /// A total out of its range.
    pub fn with_total(name: impl Into<Name>, total: u32) -> Result<Self, InvalidSetting> {
        settings::limit("total", total)?;
        Ok(Self::build(name.into(), Some(total)))
    }

    fn build(name: Name, fixed: Option<u32>) -> Self {
        let total = fixed.unwrap_or(0).into();
        let (in_flight, waiting) = (AtomicU32::new(0), AtomicU32::new(0));
        Self(Arc::new(Common { name, fixed, total, in_flight, waiting, members: Mutex::default() }))
    }

    /// A new limit in this group.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn limit(&self, name: impl Into<Name>, settings: LimitSettings) -> Result<Limit, InvalidSetting> {
        settings.validate()?;
        let membership = Some(Membership(self.clone()));
        let inner = Arc::new(Inner::new(name.into(), &settings, membership, Counters::per_thread(), None));
        let mut members = self.members();
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(&inner));
        drop(members);
        self.recount();
        Ok(Limit::of(Shared::Counted(inner)))
    }

    /// The figures.
    #[must_use]
    pub fn snapshot(&self) -> GroupSnapshot {
        let Common { name, total, in_flight, waiting, .. } = &*self.0;
        let (total, in_flight, queued) = (total.load(SeqCst), in_flight.load(SeqCst), waiting.load(SeqCst));
        GroupSnapshot { name: name.clone(), total, in_flight, queued, members: self.alive().len() }
    }

    fn members(&self) -> MutexGuard<'_, Vec<Weak<Inner>>> {
        self.0.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Vec<Arc<Inner>> {
        self.members().iter().filter_map(Weak::upgrade).collect()
    }

    fn recount(&self) {
        if self.0.fixed.is_some() {
            return;
        }
        // Stored inside the lock, so that the last one to count has the last word.
        let members = self.members();
        let alive: Vec<_> = members.iter().filter_map(Weak::upgrade).collect();
        let sum = alive.iter().fold(0_u32, |sum, member| sum.saturating_add(member.slots.limit()));
        self.0.total.store(sum, SeqCst);
        // First the lock: should these be the last to hold a member, dropping it counts again.
        drop(members);
        drop(alive);
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GroupSnapshot { name, total, in_flight, queued, members } = self.snapshot();
        f.debug_struct("Group")
            .field("name", &name)
            .field("total", &total)
            .field("in_flight", &in_flight)
            .field("queued", &queued)
            .field("members", &members)
            .finish()
    }
}

// === impl Membership ===

impl Membership {
    /// Whether the group would lend a slot to a member that has so many.
    pub(crate) fn lends(&self, in_flight: u32, limit: u32) -> bool {
        in_flight < limit.saturating_add(limit / 5) && self.0.0.in_flight.load(SeqCst) < self.0.0.total.load(SeqCst)
    }

    /// Borrows a slot above the member's own limit.
    pub(crate) fn borrow(&self, in_flight: u32, limit: u32) -> bool {
        let group = &*self.0.0;
        let one_more = |n| (n < group.total.load(SeqCst)).then_some(n + 1);
        self.lends(in_flight, limit) && group.in_flight.fetch_update(SeqCst, SeqCst, one_more).is_ok()
    }

    pub(crate) fn enter(&self) {
        self.0.0.in_flight.fetch_add(1, SeqCst);
    }

    pub(crate) fn leave(&self) {
        self.0.0.in_flight.fetch_sub(1, SeqCst);
    }

    pub(crate) fn wait(&self) {
        self.0.0.waiting.fetch_add(1, SeqCst);
    }

    pub(crate) fn unwait(&self) {
        self.0.0.waiting.fetch_sub(1, SeqCst);
    }

    /// Lends what came free to the members whose calls wait, a different one first each time.
    pub(crate) fn offer(&self) {
        if self.0.0.waiting.load(SeqCst) == 0 {
            return;
        }
        let mut members = self.0.members();
        let by = usize::from(members.len() > 1);
        members.rotate_left(by);
        drop(members);
        // Woken outside of the lock.
        self.0.alive().iter().for_each(|member| member.slots.hand_out());
    }

    pub(crate) fn recount(&self) {
        self.0.recount();
    }
}

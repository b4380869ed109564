//! A named group of limits that lend each other slots.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use mainstay_core::{Counters, InvalidSetting, Name, Shared};

use crate::{
    Limit, LimitSettings,
    inner::Inner,
    lending::{LendingPool, Membership},
    settings,
};

/// A group of limits. Each may exceed its own limit by a fifth, as long as the group's total allows it. The fifth is
/// rounded down: a limit below 5 borrows nothing.
///
/// ```
/// use mainstay_bulkhead::{Group, LimitSettings};
///
/// # fn main() -> Result<(), mainstay_core::InvalidSetting> {
/// let storage = Group::new("storage");
/// let settings = LimitSettings { limit: 10, ..Default::default() };
/// let (reads, writes) = (storage.limit("reads", settings)?, storage.limit("writes", settings)?);
/// let taken: Vec<_> = std::iter::from_fn(|| reads.try_acquire().ok()).collect();
/// // A fifth above its own ten, because `writes` is idle. What belongs to `writes` stays its own.
/// assert_eq!(taken.len(), 12);
/// let others: Vec<_> = std::iter::from_fn(|| writes.try_acquire().ok()).collect();
/// assert_eq!(others.len(), 10);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Group {
    name: Name,
    pool: Arc<LendingPool>,
}

/// The figures of a [`Group`] at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupSnapshot {
    /// The group's name.
    pub name: Name,
    /// The number of calls in flight, over all members, up to which the group lends.
    pub total: u32,
    /// Calls in flight now, over all members.
    pub in_flight: u32,
    /// Calls that wait now, over all members.
    pub queued: u32,
    /// The number of limits in the group.
    pub members: usize,
}

// === impl Group ===

impl Group {
    /// A group whose total is the sum of its members' limits: it lends what other members leave idle.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), pool: Arc::new(LendingPool::new(None)) }
    }

    /// A group with a total of its own, 1 to a million.
    ///
    /// # Errors
    /// A total out of its range.
    pub fn with_total(name: impl Into<Name>, total: u32) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings::limit("total", total).map_err(|wrong| wrong.of(&name))?;
        Ok(Self { name, pool: Arc::new(LendingPool::new(Some(total))) })
    }

    /// Adds a new limit to the group.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn limit(&self, name: impl Into<Name>, settings: LimitSettings) -> Result<Limit, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        let membership = Membership::of(self.pool.clone());
        let inner = Arc::new(Inner::new(name, &settings, membership, Counters::per_thread(), None));
        let member: Weak<Inner> = Arc::downgrade(&inner);
        self.pool.add(member);
        Ok(Limit::of(Shared::Counted(inner)))
    }

    /// Returns the current figures.
    #[must_use]
    pub fn snapshot(&self) -> GroupSnapshot {
        GroupSnapshot {
            name: self.name.clone(),
            total: self.pool.total(),
            in_flight: self.pool.in_flight(),
            queued: self.pool.waiting(),
            members: self.pool.member_count(),
        }
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

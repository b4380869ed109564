//! What keyed limits show.

use mainstay_core::Name;

use crate::{LimitSnapshot, Rejections};

/// The figures of [`KeyedLimits`](crate::KeyedLimits) at one time. Its counts never fall: they include those of keys that
/// are not kept any more.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct KeyedSnapshot {
    /// Its name.
    pub name: Name,
    /// How many keys are kept at most.
    pub capacity: u32,
    /// How many calls of all keys run now.
    pub in_flight: u64,
    /// How many wait now.
    pub queued: u64,
    /// Permits given.
    pub permitted: u64,
    /// Calls refused by the limit of their key.
    pub rejected: Rejections,
    /// Calls refused because their key was new while all that are kept were busy: the capacity is too low.
    pub no_room: u64,
    /// Calls that ran longer than the execution timeout.
    pub timed_out: u64,
    /// Calls whose callers went away while they waited.
    pub abandoned: u64,
    /// How often an idle key made room for another.
    pub evicted: u64,
    /// The limit of each key that is kept, the busiest first.
    pub limits: Vec<LimitSnapshot>,
}

// === impl KeyedSnapshot ===

impl KeyedSnapshot {
    pub(super) fn add(&mut self, limit: &LimitSnapshot) {
        self.in_flight += u64::from(limit.in_flight);
        self.queued += u64::from(limit.queued);
        self.permitted += limit.permitted;
        self.rejected.full += limit.rejected.full;
        self.rejected.queue_timeout += limit.rejected.queue_timeout;
        self.rejected.deadline_exceeded += limit.rejected.deadline_exceeded;
        self.timed_out += limit.timed_out;
        self.abandoned += limit.abandoned;
    }
}

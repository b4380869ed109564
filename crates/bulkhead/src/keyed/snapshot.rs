//! The figures of keyed limits.

use mainstay_core::Name;

use crate::{LimitSnapshot, Rejections};

/// The figures of [`KeyedLimits`](crate::KeyedLimits) at one time. Its counts never fall: they include those of evicted
/// keys.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct KeyedSnapshot {
    /// The name of the whole.
    pub name: Name,
    /// The largest number of keys that are kept.
    pub capacity: u32,
    /// Calls that run now, over all keys.
    pub in_flight: u64,
    /// Calls that wait now, over all keys.
    pub queued: u64,
    /// Calls that got a permit.
    pub permitted: u64,
    /// Calls refused by the limit of their key.
    pub rejected: Rejections,
    /// Calls refused because their key was new while all kept keys were busy: the capacity is too low.
    pub no_room: u64,
    /// Calls that reached the execution timeout.
    pub timed_out: u64,
    /// Calls that were dropped while they waited.
    pub abandoned: u64,
    /// Idle keys that were evicted to make room for others.
    pub evicted: u64,
    /// The limit of each kept key, the busiest first.
    pub limits: Vec<LimitSnapshot>,
}

// === impl KeyedSnapshot ===

impl KeyedSnapshot {
    /// Adds the limits that are kept to the figures of those that were evicted.
    pub(super) fn with(mut self, mut limits: Vec<LimitSnapshot>) -> Self {
        for limit in &limits {
            self.in_flight += u64::from(limit.in_flight);
            self.queued += u64::from(limit.queued);
            self.permitted += limit.permitted;
            self.rejected.full += limit.rejected.full;
            self.rejected.queue_timeout += limit.rejected.queue_timeout;
            self.rejected.deadline_exceeded += limit.rejected.deadline_exceeded;
            self.timed_out += limit.timed_out;
            self.abandoned += limit.abandoned;
        }
        let busy = |limit: &LimitSnapshot| u64::from(limit.in_flight) + u64::from(limit.queued);
        limits.sort_by(|a, b| busy(b).cmp(&busy(a)).then_with(|| a.name.cmp(&b.name)));
        Self { limits, ..self }
    }
}

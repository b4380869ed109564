//! The figures of a limit.

use mainstay_core::{Name, Reason};

/// The figures of a [`Limit`](crate::Limit) at one time.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LimitSnapshot {
    /// The limit's name.
    pub name: Name,
    /// Calls that may run at once.
    pub limit: u32,
    /// Calls that may wait.
    pub queue: u32,
    /// Calls that run now. Above the limit after a shrink, until enough calls have ended, and when a group lends slots.
    pub in_flight: u32,
    /// Calls that wait now.
    pub queued: u32,
    /// The highest number of calls that ran at once.
    pub peak: u32,
    /// Calls that got a permit.
    pub permitted: u64,
    /// Calls refused.
    pub rejected: Rejections,
    /// Calls that reached the execution timeout.
    pub timed_out: u64,
    /// Calls that were dropped while they waited.
    pub abandoned: u64,
    /// `in_flight` divided by `limit`: 1 is full.
    pub utilisation: f64,
    /// Refused calls among all permitted and refused calls, 0..=1; 0 before the first call.
    pub rejection_rate: f64,
}

/// Refused calls, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Rejections {
    /// Neither a permit nor a place in the queue was free.
    pub full: u64,
    /// No permit came within `max_wait`, or the inner service was not ready within it.
    pub queue_timeout: u64,
    /// The caller's deadline passed while the call waited.
    pub deadline_exceeded: u64,
}

// === impl Rejections ===

impl Rejections {
    /// Returns each reason with its number, zeros included, so that an exporter needs no list of the reasons.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        let Self { full, queue_timeout, deadline_exceeded } = *self;
        let counts = [
            (Reason::BulkheadFull, full),
            (Reason::QueueTimeout, queue_timeout),
            (Reason::DeadlineExceeded, deadline_exceeded),
        ];
        counts.into_iter()
    }

    /// Returns the sum over all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, calls)| calls).sum()
    }
}

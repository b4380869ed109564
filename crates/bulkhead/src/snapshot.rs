//! What a limit shows.

use mainstay_core::Name;

/// The figures of a [`Limit`](crate::Limit) at one time.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LimitSnapshot {
    /// Its name.
    pub name: Name,
    /// How many calls may run at once.
    pub limit: u32,
    /// How many may wait.
    pub queue: u32,
    /// How many run now. Above the limit after a shrink, until enough of them are done, and where a group lends.
    pub in_flight: u32,
    /// How many wait now.
    pub queued: u32,
    /// The most that ran at once.
    pub peak: u32,
    /// Permits given.
    pub permitted: u64,
    /// Calls refused.
    pub rejected: Rejections,
    /// Calls that ran longer than the execution timeout.
    pub timed_out: u64,
    /// Calls whose callers went away while they waited.
    pub abandoned: u64,
    /// In flight by limit: 1 is full.
    pub utilisation: f64,
    /// Refused calls among all that were either permitted or refused, 0..=1; 0 before the first one.
    pub rejection_rate: f64,
}

/// Refused calls by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Rejections {
    /// Neither a permit nor a place in the queue was free.
    pub full: u64,
    /// No permit, or no inner readiness, came in time.
    pub queue_timeout: u64,
    /// The caller's deadline passed in the queue.
    pub deadline_exceeded: u64,
}

// === impl Rejections ===

impl Rejections {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.full + self.queue_timeout + self.deadline_exceeded
    }
}

//! What happens at a time limit.

use std::time::Duration;

/// An event of a [`TimeLimit`](crate::TimeLimit): see [`TimeLimit::events`](crate::TimeLimit::events).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeoutEvent {
    /// A call took too long.
    TimedOut {
        /// The limit in force.
        time: Duration,
    },
}

// === impl TimeoutEvent ===

impl TimeoutEvent {
    /// Returns the name as a stable label, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "timed_out",
        }
    }
}

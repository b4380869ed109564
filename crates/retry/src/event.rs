//! What happens to the retries of a handle.

use std::time::Duration;

use mainstay_core::Outcome;

use crate::StopReason;

/// An event of a [`Retrier`](crate::Retrier): see [`Retrier::events`](crate::Retrier::events).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum RetryEvent {
    /// An attempt failed, and the next one is sent after a delay.
    Scheduled {
        /// The number of the attempt that failed, from 1.
        attempt: u32,
        /// The time until the next attempt.
        delay: Duration,
        /// The outcome of the attempt that failed.
        outcome: Outcome,
    },
    /// A request failed and is not retried: its result was returned to the caller.
    GaveUp {
        /// The number of attempts that the request has used; 0 if its deadline had passed before the first one.
        attempt: u32,
        /// Why it is not retried.
        reason: StopReason,
        /// The outcome of the last attempt; `None` if the deadline had passed before an attempt was sent.
        outcome: Option<Outcome>,
    },
}

// === impl RetryEvent ===

impl RetryEvent {
    /// Returns the name as a stable label, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Scheduled { .. } => "scheduled",
            Self::GaveUp { .. } => "gave_up",
        }
    }
}

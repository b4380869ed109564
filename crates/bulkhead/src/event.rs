//! What happens at a limit.

use mainstay_core::Reason;

/// An event of a [`Limit`](crate::Limit): see [`Limit::events`](crate::Limit::events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LimitEvent {
    /// A call was refused, at once or in the queue.
    Refused {
        /// The reason, as in the refusal.
        reason: Reason,
    },
    /// A call that had a permit reached the execution timeout.
    TimedOut,
}

// === impl LimitEvent ===

impl LimitEvent {
    /// Returns the name as a stable label, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::TimedOut => "timed_out",
        }
    }

    /// Returns the event of a refusal for this reason.
    pub(crate) fn of(reason: Reason) -> Self {
        match reason {
            Reason::AttemptTimeout => Self::TimedOut,
            reason => Self::Refused { reason },
        }
    }
}

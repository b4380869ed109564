//! What happens at a breaker.

use std::time::Duration;

use crate::Transition;

/// An event of a [`Breaker`](crate::Breaker): see [`Breaker::events`](crate::Breaker::events).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BreakerEvent {
    /// The breaker opened, became half-open or closed, or an operator changed its mode. The changes have numbers without
    /// gaps, and come in their order.
    Changed(Transition),
    /// A call was refused.
    Refused {
        /// The time to the next trial, as in the refusal.
        retry_after: Option<Duration>,
    },
}

// === impl BreakerEvent ===

impl BreakerEvent {
    /// Returns the name as a stable label, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Changed(_) => "changed",
            Self::Refused { .. } => "refused",
        }
    }
}

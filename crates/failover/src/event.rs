//! What happens at a failover.

use std::time::Duration;

use crate::transition::Transition;

/// An event of a [`FailoverHandle`](crate::FailoverHandle): see [`FailoverHandle::events`](crate::FailoverHandle::events).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FailoverEvent {
    /// Traffic goes to another endpoint, or the state has changed. The changes have numbers without gaps, and come in their
    /// order.
    Changed(Transition),
    /// A request was refused, because no endpoint is usable.
    Refused {
        /// The time until the first endpoint may be usable again, if it is known.
        retry_after: Option<Duration>,
    },
}

// === impl FailoverEvent ===

impl FailoverEvent {
    /// Returns the name as a stable label, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Changed(_) => "changed",
            Self::Refused { .. } => "refused",
        }
    }
}

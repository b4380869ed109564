//! A change of state that is made and not announced yet.

use std::fmt;

use crate::{Breaker, Transition};

/// A change of state that is logged and published when this is dropped; see
/// [`Breaker::begin_trip_at`](crate::Breaker::begin_trip_at). Drop it after the locks that subscribers may take.
#[must_use = "the change is announced when this is dropped"]
pub struct Announcement {
    breaker: Breaker,
    change: Transition,
}

// === impl Announcement ===

impl Announcement {
    pub(crate) fn new(breaker: Breaker, change: Transition) -> Self {
        Self { breaker, change }
    }

    /// Returns the epoch that the change began.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.change.sequence
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        self.breaker.0.announce(Some(self.change.clone()));
    }
}

impl fmt::Debug for Announcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Announcement").field(&self.change).finish()
    }
}

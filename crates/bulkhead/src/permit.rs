//! The right to run.

use std::fmt;

use mainstay_core::Shared;

use crate::inner::Inner;

/// The right to run one call; dropping it gives it back, to whoever waits longest.
#[must_use = "dropping it gives the permit back"]
pub struct Permit(Shared<Inner>);

// === impl Permit ===

impl Permit {
    pub(crate) fn new(inner: Shared<Inner>) -> Self {
        Self(inner)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        self.0.release();
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.0.name).finish()
    }
}

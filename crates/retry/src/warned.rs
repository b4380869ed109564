//! Which warnings a handle has logged.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[derive(Debug, Default)]
pub(crate) struct Warned {
    pub(crate) attempt_quota: AtomicBool,
    pub(crate) not_replayable: AtomicBool,
    pub(crate) no_runtime: AtomicBool,
}

// === impl Warned ===

impl Warned {
    /// Permits the warning about the attempt quota again, for new settings.
    pub(crate) fn reset(&self) {
        self.attempt_quota.store(false, Relaxed);
    }
}

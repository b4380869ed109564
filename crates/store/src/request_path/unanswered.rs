//! A call whose caller gave it up.

use std::{mem, sync::Arc};

use mainstay_core::is_runtime_ending;

use super::{shared::Shared, watchdog};

/// Part of a call. Dropped without an answer, it has the storage checked: callers that give up before the time limit
/// would otherwise all wait for a storage that does not answer.
pub(super) struct Unanswered<'a>(pub(super) &'a Arc<Shared>);

// === impl Unanswered ===

impl Unanswered<'_> {
    pub(super) fn answered(self) {
        mem::forget(self);
    }
}

impl Drop for Unanswered<'_> {
    #[cold]
    fn drop(&mut self) {
        if !is_runtime_ending() {
            watchdog::check(self.0);
        }
    }
}

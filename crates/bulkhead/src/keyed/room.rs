//! Whether a store whose keys are all busy has room again.
//!
//! A search for an idle key looks at every key. Searching again for each new key while all are busy would make the
//! overload worse, so a search that found nothing is remembered until a key becomes idle.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// What the last search found. A key that becomes idle during a search undoes it: either the search sees the idle key,
/// or the key sees the search.
#[derive(Default)]
pub(crate) struct Room(AtomicU8);

const UNKNOWN: u8 = 0;
const SEARCHED: u8 = 1;
const NONE: u8 = 2;

// === impl Room ===

impl Room {
    /// Whether a search would find nothing.
    pub(super) fn is_none(&self) -> bool {
        self.0.load(SeqCst) == NONE
    }

    pub(super) fn begin_search(&self) {
        self.0.store(SEARCHED, SeqCst);
    }

    pub(super) fn end_search(&self, found: bool) {
        if !found {
            // Fails if a key has become idle meanwhile.
            let _ = self.0.compare_exchange(SEARCHED, NONE, SeqCst, SeqCst);
        }
    }

    /// A key has become idle, or the store larger.
    #[inline]
    pub(crate) fn made(&self) {
        if self.0.load(SeqCst) != UNKNOWN {
            self.0.store(UNKNOWN, SeqCst);
        }
    }
}

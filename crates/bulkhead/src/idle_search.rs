//! The result of a keyed store's last search for an idle key.
//!
//! A search scans all keys. Repeating it for each new key would make an overload worse, so a search without a result is
//! remembered until a key becomes idle.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// The result of the last search. A key that becomes idle during a search resets it: either the search observes the idle
/// key, or the releasing thread observes the search.
#[derive(Default)]
pub(crate) struct IdleSearch {
    last_search: AtomicU8,
}

const UNKNOWN: u8 = 0;
const SEARCHING: u8 = 1;
const NONE: u8 = 2;

// === impl IdleSearch ===

impl IdleSearch {
    /// Whether the last search found no idle key, and none has become idle since.
    pub(crate) fn found_none(&self) -> bool {
        self.last_search.load(SeqCst) == NONE
    }

    pub(crate) fn begin_search(&self) {
        self.last_search.store(SEARCHING, SeqCst);
    }

    /// Records that the search found no idle key, unless the result was reset meanwhile.
    pub(crate) fn end_search(&self) {
        let _ = self.last_search.compare_exchange(SEARCHING, NONE, SeqCst, SeqCst);
    }

    /// Forgets the result: a key has become idle, or the capacity has changed.
    pub(crate) fn reset(&self) {
        if self.last_search.load(SeqCst) != UNKNOWN {
            self.last_search.store(UNKNOWN, SeqCst);
        }
    }
}

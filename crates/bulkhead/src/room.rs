//! Whether a keyed store whose keys were all busy may have an idle key again.
//!
//! A search for an idle key scans all keys. Repeating it for each new key would make an overload worse, so a search
//! without a result is remembered until a key becomes idle.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

/// The result of the last search. A key that becomes idle during a search resets it: either the search sees the idle
/// key, or the key sees the search.
#[derive(Default)]
pub(crate) struct Room(AtomicU8);

const UNKNOWN: u8 = 0;
const SEARCHING: u8 = 1;
const NONE: u8 = 2;

// === impl Room ===

impl Room {
    /// Whether a search would find no idle key.
    pub(crate) fn is_none(&self) -> bool {
        self.0.load(SeqCst) == NONE
    }

    pub(crate) fn begin_search(&self) {
        self.0.store(SEARCHING, SeqCst);
    }

    /// Records that the search has found no idle key, unless a key has become idle meanwhile.
    pub(crate) fn end_search(&self) {
        let _ = self.0.compare_exchange(SEARCHING, NONE, SeqCst, SeqCst);
    }

    /// Records that a key has become idle, or that the capacity has grown.
    pub(crate) fn made(&self) {
        if self.0.load(SeqCst) != UNKNOWN {
            self.0.store(UNKNOWN, SeqCst);
        }
    }
}

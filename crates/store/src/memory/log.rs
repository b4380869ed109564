//! A log in memory: its newest entries.

use std::{collections::VecDeque, sync::Arc};

/// What each key and each entry of a log takes besides its text, about: the nodes of the trees, the counts of `Arc`.
pub(super) const OVERHEAD: usize = 64;

#[derive(Default)]
pub(super) struct Log {
    entries: VecDeque<Arc<[u8]>>,
    bytes: usize,
}

// === impl Log ===

impl Log {
    /// Returns the bytes of a log with this entry alone.
    pub(super) fn bytes_of(entry: &[u8]) -> usize {
        entry.len() + OVERHEAD
    }

    /// Appends an entry, and removes the oldest ones above the number and the bytes that the log can have.
    pub(super) fn push(&mut self, entry: &[u8], cap: usize, room: usize) {
        self.bytes += Self::bytes_of(entry);
        self.entries.push_back(entry.into());
        while self.entries.len() > cap || self.bytes > room {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= Self::bytes_of(&oldest);
        }
    }

    /// Returns the newest `n` entries, the oldest of them first.
    pub(super) fn newest(&self, n: usize) -> Vec<Vec<u8>> {
        let skipped = self.entries.len().saturating_sub(n);
        self.entries.iter().skip(skipped).map(|entry| entry.to_vec()).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

//! The writes that wait: the newest one of each key, in the order in which the keys came.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use tokio::time::Instant;

/// What is written: a value, or `None` to remove the key.
pub(super) struct Write {
    pub(super) value: Option<Vec<u8>>,
    pub(super) expires: Instant,
}

#[derive(Default)]
pub(super) struct Pending {
    writes: HashMap<Arc<str>, Write>,
    /// The keys of the map, each once.
    queue: VecDeque<Arc<str>>,
    bytes: u64,
}

// === impl Pending ===

impl Pending {
    /// Adds a write, which replaces that of its key. Returns the number of the oldest ones that were dropped for it.
    pub(super) fn put(&mut self, key: Arc<str>, write: Write, max_waiting: u64, max_bytes: u64) -> u64 {
        self.bytes += bytes(&key, &write);
        match self.writes.insert(Arc::clone(&key), write) {
            Some(replaced) => self.bytes -= bytes(&key, &replaced),
            None => self.queue.push_back(key),
        }
        let mut dropped = 0;
        while self.queue.len() as u64 > max_waiting || self.bytes > max_bytes {
            if self.take().is_none() {
                break;
            }
            dropped += 1;
        }
        dropped
    }

    /// Adds a write that could not be made as the first one, unless there is a newer one of its key.
    pub(super) fn put_back(&mut self, key: Arc<str>, write: Write) {
        if !self.writes.contains_key(&key) {
            self.bytes += bytes(&key, &write);
            self.queue.push_front(Arc::clone(&key));
            self.writes.insert(key, write);
        }
    }

    /// Removes the first write.
    pub(super) fn take(&mut self) -> Option<(Arc<str>, Write)> {
        let (key, write) = self.writes.remove_entry(&*self.queue.pop_front()?)?;
        self.bytes -= bytes(&key, &write);
        Some((key, write))
    }

    pub(super) fn len(&self) -> u64 {
        self.queue.len() as u64
    }
}

fn bytes(key: &str, write: &Write) -> u64 {
    (key.len() + write.value.as_ref().map_or(0, Vec::len)) as u64
}

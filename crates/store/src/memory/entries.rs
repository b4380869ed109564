//! The content of a storage in memory, behind its lock: entries by key, and their order of expiry.
//!
//! A full storage removes the entry that expires first. State that is kept for an hour therefore outlives a flood of
//! cached values that are kept for minutes; the order of use would remove it, because state is read rarely.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use tokio::time::Instant;

use crate::{
    StorageError,
    memory::log::{Log, OVERHEAD},
};

/// What a key holds.
pub(super) enum Content {
    Value(Arc<[u8]>),
    Log(Log),
}

pub(super) struct Entries {
    by_key: BTreeMap<Arc<str>, Entry>,
    /// Each key once, by the time at which it expires.
    by_expiry: BTreeSet<(Instant, Arc<str>)>,
    bytes: u64,
    max_entries: u64,
    max_bytes: u64,
}

struct Entry {
    content: Content,
    expires: Instant,
    bytes: u64,
}

/// The most expired entries that a call removes besides its own work.
const REMOVED_BY_A_CALL: usize = 16;

// === impl Content ===

impl Content {
    /// Returns the value.
    ///
    /// # Errors
    /// It is a log.
    pub(super) fn value(&self, key: &str) -> Result<Arc<[u8]>, StorageError> {
        match self {
            Self::Value(value) => Ok(Arc::clone(value)),
            Self::Log(_) => Err(StorageError::malformed(key, "holds a log and no value")),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::Log(log) => log.bytes(),
        }
    }
}

// === impl Entries ===

impl Entries {
    pub(super) fn new(max_entries: u64, max_bytes: u64) -> Self {
        Self { by_key: BTreeMap::new(), by_expiry: BTreeSet::new(), bytes: 0, max_entries, max_bytes }
    }

    pub(super) fn get(&self, key: &str, now: Instant) -> Option<&Content> {
        self.by_key.get(key).filter(|entry| entry.expires > now).map(|entry| &entry.content)
    }

    /// Returns the bytes that the content of a key can have.
    pub(super) fn room(&self, key: &str) -> usize {
        usize::try_from(self.max_bytes).unwrap_or(usize::MAX).saturating_sub(key.len() + OVERHEAD)
    }

    /// Replaces what the key holds, and makes room for it. Returns false and changes nothing if it does not fit into the
    /// whole storage.
    pub(super) fn insert(&mut self, key: &str, content: Content, expires: Instant) -> bool {
        if content.bytes() > self.room(key) {
            return false;
        }
        self.remove(key);
        let bytes = (key.len() + OVERHEAD + content.bytes()) as u64;
        while self.by_key.len() as u64 >= self.max_entries || self.bytes + bytes > self.max_bytes {
            let Some((_, first)) = self.by_expiry.first().cloned() else { break };
            self.remove(&first);
        }
        let key: Arc<str> = key.into();
        self.by_expiry.insert((expires, Arc::clone(&key)));
        self.by_key.insert(key, Entry { content, expires, bytes });
        self.bytes += bytes;
        true
    }

    /// Removes a key. Returns what it held, unless it has expired.
    pub(super) fn take(&mut self, key: &str, now: Instant) -> Option<Content> {
        self.remove(key).filter(|entry| entry.expires > now).map(|entry| entry.content)
    }

    fn remove(&mut self, key: &str) -> Option<Entry> {
        let (key, entry) = self.by_key.remove_entry(key)?;
        self.by_expiry.remove(&(entry.expires, key));
        self.bytes -= entry.bytes;
        Some(entry)
    }

    /// Removes some of the entries that have expired, so that the work of a call is bounded.
    pub(super) fn remove_expired(&mut self, now: Instant) {
        for _ in 0..REMOVED_BY_A_CALL {
            match self.by_expiry.first() {
                Some((expires, key)) if *expires <= now => {
                    let key = Arc::clone(key);
                    self.remove(&key);
                }
                _ => return,
            }
        }
    }

    pub(super) fn scan(&self, prefix: &str, limit: usize, now: Instant) -> Vec<String> {
        let from = self.by_key.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, entry)| entry.expires > now)
            .take(limit)
            .map(|(key, _)| key.to_string())
            .collect()
    }

    /// Returns the number of entries and their bytes, without those that have expired.
    pub(super) fn size(&self, now: Instant) -> (u64, u64) {
        let live = self.by_key.values().filter(|entry| entry.expires > now);
        live.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.bytes))
    }
}

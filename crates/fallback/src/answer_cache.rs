//! The cache of the last good answers.
//!
//! `moka` bounds the cache and evicts. The age is measured here, because moka reads its own clock, which a paused
//! runtime does not stop. An entry that exists is replaced in place: moka's `insert` may put the thread to sleep if
//! writes come faster than its housekeeping, and every successful call writes to the cache.

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::time::Instant;

/// The cache of a [`LastGood`](crate::LastGood) step. All clones share one state.
pub struct AnswerCache<K, V>(Cache<K, Cell<V>>);

/// The entry of one key. The lock is held only to read or to replace the entry.
type Cell<V> = Arc<Mutex<Entry<V>>>;

struct Entry<V> {
    value: Arc<V>,
    stored_at: Instant,
}

// === impl AnswerCache ===

impl<K, V> AnswerCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(crate) fn new(capacity: u64) -> Self {
        Self(Cache::new(capacity))
    }

    /// Returns the answer for this key and its age, expired or not.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<(Arc<V>, Duration)> {
        let cell = self.0.get(key)?;
        let entry = cell.lock().unwrap_or_else(PoisonError::into_inner);
        Some((Arc::clone(&entry.value), entry.stored_at.elapsed()))
    }

    /// Removes the answer for this key.
    pub fn remove(&self, key: &K) {
        self.0.invalidate(key);
    }

    /// Removes all answers.
    pub fn clear(&self) {
        self.0.invalidate_all();
    }

    /// Returns the approximate number of answers.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }

    /// Returns whether the cache is empty, approximately.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn insert(&self, key: K, value: V) {
        let entry = Entry { value: Arc::new(value), stored_at: Instant::now() };
        match self.0.get(&key) {
            Some(cell) => *cell.lock().unwrap_or_else(PoisonError::into_inner) = entry,
            None => self.0.insert(key, Arc::new(Mutex::new(entry))),
        }
    }

    /// Returns the answer for this key if it is younger than `ttl`, and removes it if not.
    pub(crate) fn get_fresh(&self, ttl: Duration, key: &K) -> Option<(Arc<V>, Duration)> {
        let entry = self.get(key)?;
        if entry.1 < ttl {
            return Some(entry);
        }
        self.remove(key);
        None
    }
}

impl<K, V> Clone for AnswerCache<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for AnswerCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerCache").field("approximate_len", &self.0.entry_count()).finish_non_exhaustive()
    }
}

//! What the last good answers are kept in.
//!
//! `moka` bounds it and decides what is worth keeping. Age is ours: moka reads a clock of its own, which a paused
//! runtime does not stop. An answer whose question is known is exchanged in its place, because moka's `insert` may put
//! the thread to sleep when writes come faster than it keeps its books, and every good call writes here.

use std::{
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use moka::sync::Cache;
use tokio::time::Instant;

/// The answers that a [`LastGood`](crate::LastGood) keeps, to look at and to clear. Cheap to clone; all clones are one
/// memory.
pub struct Memory<K, V>(Cache<K, Cell<V>>);

/// The answer to one question. The lock is held for the exchange of two words.
type Cell<V> = Arc<Mutex<Kept<V>>>;

struct Kept<V> {
    value: Arc<V>,
    at: Instant,
}

// === impl Memory ===

impl<K, V> Memory<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(crate) fn new(capacity: u64) -> Self {
        Self(Cache::new(capacity))
    }

    /// The answer for this key and its age, however old it is.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<(Arc<V>, Duration)> {
        let cell = self.0.get(key)?;
        let kept = cell.lock().unwrap_or_else(PoisonError::into_inner);
        Some((Arc::clone(&kept.value), kept.at.elapsed()))
    }

    /// Forgets the answer for this key.
    pub fn forget(&self, key: &K) {
        self.0.invalidate(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.invalidate_all();
    }

    /// How many answers are kept, about.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }

    /// Whether nothing is kept, about.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn keep(&self, key: K, value: V) {
        let kept = Kept { value: Arc::new(value), at: Instant::now() };
        match self.0.get(&key) {
            Some(cell) => *cell.lock().unwrap_or_else(PoisonError::into_inner) = kept,
            None => self.0.insert(key, Arc::new(Mutex::new(kept))),
        }
    }

    /// The answer for this key, unless it is too old.
    pub(crate) fn younger_than(&self, ttl: Duration, key: &K) -> Option<(Arc<V>, Duration)> {
        let kept = self.get(key)?;
        if kept.1 < ttl {
            return Some(kept);
        }
        self.forget(key);
        None
    }
}

impl<K, V> Clone for Memory<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("about", &self.0.entry_count()).finish_non_exhaustive()
    }
}

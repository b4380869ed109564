//! The cache of the last good answers: bounded in number, bytes and time.
//!
//! It forgets without a task: each call looks at the few keys that were not written for the longest time. `moka` was
//! rejected: its time is not Tokio's, its `insert` may put the thread to sleep if writes come faster than its
//! housekeeping, and every good answer is a write.

use std::{
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{SecondLevel, last_good::settings::LastGoodSettings};

mod entries;

use entries::{Entries, Entry, Removed};

/// The cache of a [`LastGood`](crate::LastGood) step. All clones share one state.
pub struct AnswerCache<K, V>(Arc<Inner<K, V>>);

struct Inner<K, V> {
    entries: Mutex<Entries<K, V>>,
    hasher: RandomState,
    settings: LastGoodSettings,
    second_level: Option<Arc<dyn SecondLevel<K, V>>>,
    /// The removals of keys, counted by parts of their hashes: an answer that was begun before a removal is not stored
    /// after it. Counted under the lock.
    removals: [AtomicU32; REMOVALS],
}

/// An answer that is not complete yet; see [`AnswerCache::begin`].
pub struct PendingAnswer<K, V> {
    cache: AnswerCache<K, V>,
    key: K,
    hash: u64,
    removals: u32,
    since: Instant,
}

const REMOVALS: usize = 256;

// === impl AnswerCache ===

impl<K, V> AnswerCache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub(crate) fn new(settings: LastGoodSettings, second_level: Option<Arc<dyn SecondLevel<K, V>>>) -> Self {
        let hasher = RandomState::new();
        let entries = Mutex::new(Entries::new(hasher.clone()));
        Self(Arc::new(Inner {
            entries,
            hasher,
            settings,
            second_level,
            removals: [const { AtomicU32::new(0) }; REMOVALS],
        }))
    }

    /// Returns the answer for this key and its age, unless it has expired.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<(Arc<V>, Duration)> {
        let now = Instant::now();
        self.change(|entries, removed| entries.get(key, now, removed))
    }

    /// Stores a complete answer of this many bytes for at most the [`ttl`](LastGoodSettings::ttl), and forgets others if
    /// there is no room.
    pub fn insert(&self, key: K, value: V, bytes: u64) {
        self.begin(key, Instant::now()).store(value, bytes, Duration::MAX);
    }

    /// Begins to store an answer that is not complete yet, such as one whose body is streamed. `since` is the time from
    /// which its age counts.
    ///
    /// The answer is not stored if its key is removed meanwhile, or if a newer answer was stored.
    pub fn begin(&self, key: K, since: Instant) -> PendingAnswer<K, V> {
        let hash = self.hash(&key);
        PendingAnswer { cache: self.clone(), removals: self.removals(hash).load(Relaxed), key, hash, since }
    }

    /// Removes the answer for this key.
    pub fn remove(&self, key: &K) {
        let hash = self.hash(key);
        self.change(|entries, removed| {
            self.removals(hash).fetch_add(1, Relaxed);
            entries.remove(key, removed);
        });
        if let Some(second_level) = &self.0.second_level {
            second_level.removed(key);
        }
    }

    /// Removes all answers.
    pub fn clear(&self) {
        let mut entries = self.lock();
        for removals in &self.0.removals {
            removals.fetch_add(1, Relaxed);
        }
        let removed = entries.clear();
        drop(entries);
        drop(removed);
        if let Some(second_level) = &self.0.second_level {
            second_level.cleared();
        }
    }

    /// Returns the number of answers that have not expired. Visits all of them, under the cache's lock.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.size().0
    }

    /// Returns whether the cache has no answer that has not expired.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes of all answers that have not expired. Visits all of them, under the cache's lock.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.size().1
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &LastGoodSettings {
        &self.0.settings
    }

    pub(crate) fn second_level(&self) -> Option<Arc<dyn SecondLevel<K, V>>> {
        self.0.second_level.clone()
    }

    fn size(&self) -> (u64, u64) {
        self.lock().size(Instant::now())
    }

    /// Drops what was removed after the lock is released: values may be large, or use the cache when they are dropped.
    fn change<T>(&self, change: impl FnOnce(&mut Entries<K, V>, &mut Removed<V>) -> T) -> T {
        let mut removed = Removed::new();
        let result = change(&mut self.lock(), &mut removed);
        drop(removed);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self, key: &K) -> u64 {
        self.0.hasher.hash_one(key)
    }

    #[expect(clippy::cast_possible_truncation, reason = "one of `REMOVALS` counters")]
    fn removals(&self, hash: u64) -> &AtomicU32 {
        &self.0.removals[hash as u8 as usize]
    }
}

impl<K, V> Clone for AnswerCache<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for AnswerCache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerCache").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

// === impl PendingAnswer ===

impl<K, V> PendingAnswer<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// Stores the answer, of this many bytes, for at most this time and the [`ttl`](LastGoodSettings::ttl).
    pub fn store(self, value: V, bytes: u64, keep_for: Duration) {
        let Self { cache, key, hash, removals, since } = self;
        let settings = cache.settings();
        let (value, keep_for) = (Arc::new(value), keep_for.min(settings.ttl));
        let entry = Entry { value: Arc::clone(&value), since, keep_for, bytes };
        let now = Instant::now();
        let stored = cache.change(|entries, removed| {
            if cache.removals(hash).load(Relaxed) != removals {
                return None;
            }
            entries.insert(key, entry, settings, now, removed)
        });
        if let (Some(key), Some(second_level)) = (stored, &cache.0.second_level) {
            second_level.kept(&key, &value, keep_for.saturating_sub(now.saturating_duration_since(since)));
        }
    }
}

impl<K, V> fmt::Debug for PendingAnswer<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAnswer").field("since", &self.since).finish_non_exhaustive()
    }
}

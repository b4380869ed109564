//! The content of the cache, behind its lock: answers by key, in the order in which they were written.
//!
//! Every good answer is written anew, so the key that was not written for the longest time is the least recently used
//! one, and the first one to expire. One queue therefore serves eviction and expiry. A write does not move its key in the
//! queue: the key is put at the back when it comes to the front.

use std::{
    collections::{HashMap, VecDeque},
    hash::{Hash, RandomState},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use crate::last_good::settings::LastGoodSettings;

/// The number of keys at the front of the queue that a call looks at. More than one, so that the queue is worked off
/// faster than it grows.
const VISITS: usize = 4;

/// The number of keys that a call puts to the back of the queue while it makes room. The next one is evicted even if it
/// was written since, so that the work of a call is bounded.
const REQUEUED: usize = 16;

/// A cached answer.
pub(super) struct Entry<V> {
    pub(super) value: Arc<V>,
    /// The time from which the answer's age counts.
    pub(super) since: Instant,
    /// The age at which it expires.
    pub(super) keep_for: Duration,
    pub(super) bytes: u64,
}

/// All answers.
pub(super) struct Entries<K, V> {
    by_key: HashMap<Arc<K>, Entry<V>, RandomState>,
    /// Each key once, with the time of its answer when it was put there. The key of a removed answer stays until its
    /// visit.
    queue: VecDeque<(Arc<K>, Instant)>,
    bytes: u64,
}

/// The answers that a call has removed, which are dropped after the lock is released.
pub(super) type Removed<V> = Vec<Entry<V>>;

/// What the front of the queue holds.
enum Front {
    /// No answer, or an expired one: the key was taken off.
    Removed,
    /// An answer that was written since: the key is at the back now.
    Requeued,
    /// An answer that was not written since.
    Current,
    /// The queue is empty.
    Empty,
}

// === impl Entry ===

impl<V> Entry<V> {
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn is_expired(&self, now: Instant) -> bool {
        self.age(now) >= self.keep_for
    }
}

// === impl Entries ===

impl<K: Hash + Eq, V> Entries<K, V> {
    pub(super) fn new(hasher: RandomState) -> Self {
        Self { by_key: HashMap::with_hasher(hasher), queue: VecDeque::new(), bytes: 0 }
    }

    /// Returns the answer for this key, unless it has expired.
    pub(super) fn get(&mut self, key: &K, now: Instant, removed: &mut Removed<V>) -> Option<(Arc<V>, Duration)> {
        self.forget(now, removed);
        let entry = self.by_key.get(key)?;
        if entry.is_expired(now) {
            self.remove(key, removed);
            return None;
        }
        Some((Arc::clone(&entry.value), entry.age(now)))
    }

    /// Stores an answer, unless the one for this key is newer, and makes room for it. Returns the key if it was stored.
    pub(super) fn insert(
        &mut self,
        key: K,
        entry: Entry<V>,
        limits: &LastGoodSettings,
        now: Instant,
        removed: &mut Removed<V>,
    ) -> Option<Arc<K>> {
        self.forget(now, removed);
        if entry.bytes > limits.max_answer_bytes || entry.is_expired(now) {
            return None;
        }
        let bytes = entry.bytes;
        let known = self.by_key.get_key_value(&key).map(|(key, current)| (Arc::clone(key), current.since));
        let key = match known {
            Some((_, since)) if since > entry.since => return None,
            Some((key, _)) => key,
            None => {
                self.compact();
                let key = Arc::new(key);
                self.queue.push_back((Arc::clone(&key), entry.since));
                key
            }
        };
        if let Some(current) = self.by_key.insert(Arc::clone(&key), entry) {
            self.bytes = self.bytes.saturating_sub(current.bytes);
            removed.push(current);
        }
        self.bytes += bytes;
        self.make_room(limits, now, removed);
        Some(key)
    }

    pub(super) fn remove(&mut self, key: &K, removed: &mut Removed<V>) {
        if let Some(entry) = self.by_key.remove(key) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
            removed.push(entry);
        }
    }

    pub(super) fn clear(&mut self) -> impl Sized + use<K, V> {
        self.bytes = 0;
        (std::mem::take(&mut self.queue), self.by_key.drain().collect::<Vec<_>>())
    }

    /// Returns the number of answers and their bytes, without those that have expired.
    pub(super) fn size(&self, now: Instant) -> (u64, u64) {
        let fresh = self.by_key.values().filter(|entry| !entry.is_expired(now));
        fresh.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.bytes))
    }

    /// Removes expired answers at the front of the queue.
    fn forget(&mut self, now: Instant, removed: &mut Removed<V>) {
        for _ in 0..VISITS {
            if matches!(self.visit(now, removed), Front::Current | Front::Empty) {
                return;
            }
        }
    }

    fn make_room(&mut self, limits: &LastGoodSettings, now: Instant, removed: &mut Removed<V>) {
        let mut requeued = 0;
        while self.by_key.len() as u64 > limits.capacity || self.bytes > limits.max_bytes {
            match self.visit(now, removed) {
                Front::Removed => continue,
                Front::Requeued if requeued < REQUEUED => requeued += 1,
                Front::Requeued | Front::Current => {
                    if let Some((key, _)) = self.queue.pop_front() {
                        self.remove(&key, removed);
                    }
                }
                Front::Empty => return,
            }
        }
    }

    /// Looks at the key at the front of the queue.
    fn visit(&mut self, now: Instant, removed: &mut Removed<V>) -> Front {
        let Some((key, queued)) = self.queue.front_mut() else { return Front::Empty };
        match self.by_key.get_key_value(key) {
            // A key that was removed and inserted again has another place in the queue.
            Some((current, entry)) if Arc::ptr_eq(current, key) => {
                if !entry.is_expired(now) {
                    if entry.since == *queued {
                        return Front::Current;
                    }
                    *queued = entry.since;
                    self.queue.rotate_left(1);
                    return Front::Requeued;
                }
                let key = Arc::clone(key);
                self.remove(&key, removed);
            }
            _ => {}
        }
        self.queue.pop_front();
        Front::Removed
    }

    /// Drops the keys of removed answers if they are most of the queue.
    fn compact(&mut self) {
        if self.queue.len() > 2 * self.by_key.len() + VISITS {
            let entries = &self.by_key;
            self.queue
                .retain(|(key, _)| entries.get_key_value(key).is_some_and(|(current, _)| Arc::ptr_eq(current, key)));
        }
    }
}

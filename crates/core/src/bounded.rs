//! A bounded map of values by key: one breaker, limit or bucket for each host or tenant.
//!
//! Keys often come from outside, so the number of entries is bounded. A look-up takes no lock. Inserting a new key takes
//! one, and in a full map first evicts another entry, which a [clock](Clock) finds. Only values that report themselves
//! evictable are removed, because a removed value loses its state: a breaker its open state, a limit its outstanding
//! permits.
//!
//! Counting references to decide what is in use was rejected: a reader of a lock-free map holds a reference before it
//! is counted.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use portable_atomic::AtomicU64;

mod clock;

use clock::{Clock, Slot, Visit};

/// A value that a [`Bounded`] map can evict.
pub trait Evict {
    /// The number of entries that a full map may visit for a new key, besides those that earlier keys did not need. With
    /// fewer than all, a search without a victim is continued for the next new key.
    const VISITS: usize = usize::MAX;

    /// Returns the order of eviction: entries of rank 0 go before those of rank 1, and so on. `None` keeps the entry.
    /// Runs under the map's lock.
    fn eviction_rank(&self) -> Option<u8>;

    /// Withdraws the value just before its removal. Returns false if it came into use, or has another rank, since its
    /// rank was read.
    fn retire(&self, rank: u8) -> bool {
        let _ = rank;
        true
    }
}

/// A map with an upper bound on its number of entries.
pub struct Bounded<K, V> {
    entries: papaya::HashMap<K, Entry<V>>,
    capacity: AtomicUsize,
    /// Counts the keys inserted so far: the clock of "recently used".
    tick: AtomicU64,
    /// Held while a key is inserted or entries are evicted.
    clock: Mutex<Clock<K>>,
}

/// Why [`Bounded::insert_with`] inserted nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInserted {
    /// The key is present, inserted by another thread since it was looked up.
    Present,
    /// The map is full, and no entry that was visited can be evicted.
    Full,
}

crate::labels! {
    NotInserted:
    Present => "present",
    Full => "full",
}

struct Entry<V> {
    value: V,
    /// The number of the insertion.
    id: u64,
    /// The number of the newest insertion at the last look-up.
    used: AtomicU64,
}

impl<K: Hash + Eq + Clone, V: Evict> Bounded<K, V> {
    /// Creates an empty map for at most `capacity` entries.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: papaya::HashMap::new(),
            capacity: AtomicUsize::new(capacity),
            tick: AtomicU64::new(0),
            clock: Mutex::new(Clock::new()),
        }
    }

    /// Reads the value of a key and marks it as recently used. Takes no lock.
    #[inline]
    pub fn get<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let entries = self.entries.pin();
        let entry = entries.get(key)?;
        let now = self.tick.load(Relaxed);
        // Most look-ups find the mark up to date: a store would take the cache line away from other threads.
        if entry.used.load(Relaxed) != now {
            entry.used.store(now, Relaxed);
        }
        Some(read(&entry.value))
    }

    /// Reads the value of a key without marking it as recently used. Takes no lock.
    pub fn peek<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.entries.pin().get(key).map(|entry| read(&entry.value))
    }

    /// Inserts a value for a new key, and evicts an entry if the map is full. `make` returns the value and a result for
    /// the caller; it runs before any other thread can see the value. `evicted` is called with each evicted value. Both
    /// run under the map's lock, as `Hash`, `Eq` and `Clone` of the key do.
    ///
    /// # Errors
    /// The key is present by now, or there is no room.
    pub fn insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce(&K) -> (V, R),
        mut evicted: impl FnMut(&V),
    ) -> Result<R, NotInserted> {
        // Pinned for longer than the lock is held: removed values are dropped after it, and their wakers may run this map.
        let entries = self.entries.pin();
        let mut clock = self.lock();
        if entries.contains_key(&key) {
            return Err(NotInserted::Present);
        }
        clock.allow(V::VISITS);
        self.evict(self.len().saturating_sub(self.capacity()), &mut evicted);
        if self.is_full() && !self.evict_one(&mut clock, &mut evicted) {
            return Err(NotInserted::Full);
        }
        let (value, result) = make(&key);
        let id = self.tick.fetch_add(1, Relaxed) + 1;
        clock.insert(key.clone(), id);
        entries.insert(key, Entry { value, id, used: AtomicU64::new(id) });
        Ok(result)
    }

    /// Removes entries above the capacity, as far as they can be evicted. For use after the capacity was reduced.
    pub fn evict_excess(&self, evicted: impl FnMut(&V)) {
        let _entries = self.entries.pin();
        let _clock = self.lock();
        self.evict(self.len().saturating_sub(self.capacity()), evicted);
    }

    /// Runs `read` while no entry is inserted or removed, under the map's lock.
    pub fn frozen<R>(&self, read: impl FnOnce() -> R) -> R {
        let _clock = self.lock();
        read()
    }

    /// Calls `visit` with every key and value, in no order. Takes no lock: an entry may be removed meanwhile.
    pub fn for_each(&self, mut visit: impl FnMut(&K, &V)) {
        self.entries.pin().iter().for_each(|(key, entry)| visit(key, &entry.value));
    }

    /// Returns the number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns whether the next new key needs room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() >= self.capacity()
    }

    /// Returns the largest number of entries.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity.load(Relaxed)
    }

    /// Changes the largest number of entries. Entries above it stay until [`evict_excess`](Self::evict_excess) or until
    /// new keys need room.
    pub fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity, Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Clock<K>> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Evicts one entry of a map that is full. Returns whether there is room then.
    fn evict_one(&self, clock: &mut Clock<K>, evicted: &mut impl FnMut(&V)) -> bool {
        let entries = self.entries.pin();
        let visit = |slot: &Slot<K>| match entries.get(&slot.key).filter(|entry| entry.id == slot.id) {
            None => Visit::Gone,
            Some(entry) => match entry.value.eviction_rank() {
                Some(rank) => Visit::Evictable { rank, used: entry.used.load(Relaxed) },
                None => Visit::Kept,
            },
        };
        while let Some((slot, rank)) = clock.take_victim(visit) {
            if let Some(entry) = entries.get(&slot.key)
                && entry.value.retire(rank)
            {
                evicted(&entry.value);
                entries.remove(&slot.key);
                return !self.is_full();
            }
            // It came into use meanwhile. The search goes on with the visits that are left.
            clock.insert(slot.key, slot.id);
        }
        false
    }

    /// Evicts at most this many entries: of the lowest ranks, least recently used first.
    fn evict(&self, most: usize, mut evicted: impl FnMut(&V)) {
        if most == 0 {
            return;
        }
        let entries = self.entries.pin();
        // The marks are copied first: requests change them meanwhile, and a sort by changing keys may panic.
        let evictable = entries.iter().filter_map(|(key, entry)| {
            entry.value.eviction_rank().map(|rank| (rank, entry.used.load(Relaxed), key, &entry.value))
        });
        let mut evictable: Vec<_> = evictable.collect();
        evictable.sort_unstable_by_key(|(rank, used, ..)| (*rank, *used));
        let retired = evictable.into_iter().filter(|(rank, .., value)| value.retire(*rank)).take(most);
        retired.for_each(|(.., key, value)| {
            evicted(value);
            entries.remove(key);
        });
    }
}

impl<K, V> fmt::Debug for Bounded<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "bounded/tests.rs"]
mod tests;

//! A bounded map of values by key: one breaker, limit or bucket for each host or tenant.
//!
//! Keys often come from outside, so the number of entries is bounded. A look-up takes no lock. Inserting a new key takes
//! one, and pays for room: a full map evicts a sixteenth of its entries at once, least recently used first, so that not
//! every new key scans the map. Only values that report themselves evictable are removed, because a removed value loses
//! its state: an open breaker its outage, a limit the permits that are out.
//!
//! Counting references to decide what is in use was rejected: a reader of a lock-free map holds a reference before it
//! is counted.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use portable_atomic::AtomicU64;

/// A value that a [`Bounded`] map can evict.
pub trait Evict {
    /// Returns the order of eviction: entries of rank 0 go before those of rank 1, and so on. `None` keeps the entry.
    fn eviction_rank(&self) -> Option<u8>;

    /// Withdraws the value just before its removal. Returns false if it came into use since its rank was read.
    fn retire(&self) -> bool {
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
    writer: Mutex<()>,
}

/// Why [`Bounded::insert_with`] inserted nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInserted {
    /// The key is present, inserted by another thread since it was looked up.
    Present,
    /// The map is full, and no entry can be evicted.
    Full,
}

struct Entry<V> {
    value: V,
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
            writer: Mutex::new(()),
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

    /// Inserts a value for a new key, and evicts entries if the map is full. `make` returns the value and a result for
    /// the caller; it runs before any other thread can see the value. `evicted` is called with each evicted value.
    ///
    /// # Errors
    /// The key is present by now, or there is no room.
    pub fn insert_with<R>(
        &self,
        key: K,
        make: impl FnOnce(&K) -> (V, R),
        evicted: impl FnMut(&V),
    ) -> Result<R, NotInserted> {
        let _writer = self.lock();
        let entries = self.entries.pin();
        if entries.contains_key(&key) {
            return Err(NotInserted::Present);
        }
        if self.is_full() && !self.make_room(evicted) {
            return Err(NotInserted::Full);
        }
        let (value, result) = make(&key);
        let used = AtomicU64::new(self.tick.fetch_add(1, Relaxed) + 1);
        entries.insert(key, Entry { value, used });
        Ok(result)
    }

    /// Removes entries above the capacity, as far as they can be evicted. For use after the capacity was reduced.
    pub fn evict_excess(&self, evicted: impl FnMut(&V)) {
        let _writer = self.lock();
        let excess = self.len().saturating_sub(self.capacity());
        self.evict(excess, excess, evicted);
    }

    /// Calls `visit` with every key and value, in no order.
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

    fn lock(&self) -> impl Sized + '_ {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether there is room for one more entry, after evicting some.
    fn make_room(&self, evicted: impl FnMut(&V)) -> bool {
        let capacity = self.capacity();
        let excess = (self.len() + 1).saturating_sub(capacity);
        self.evict(excess, excess.max(capacity / 16), evicted);
        self.len() < capacity
    }

    /// Evicts at most `most` entries, of one rank after the other until `least` are gone.
    fn evict(&self, least: usize, most: usize, mut evicted: impl FnMut(&V)) {
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
        let (mut gone, mut last) = (0, 0);
        for (rank, _, key, value) in evictable {
            if gone == most || (gone >= least && rank != last) {
                break;
            }
            if value.retire() {
                evicted(value);
                entries.remove(key);
                (gone, last) = (gone + 1, rank);
            }
        }
    }
}

impl<K, V> fmt::Debug for Bounded<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounded").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU8;

    use super::*;

    /// A value of a rank that the test can change; 9 is "in use".
    struct Ranked(AtomicU8);

    impl Evict for Ranked {
        fn eviction_rank(&self) -> Option<u8> {
            Some(self.0.load(Relaxed)).filter(|rank| *rank != 9)
        }
    }

    fn insert(map: &Bounded<String, Ranked>, key: &str, rank: u8) -> Result<(), NotInserted> {
        map.insert_with(key.to_owned(), |_| (Ranked(rank.into()), ()), |_| {})
    }

    fn keys(map: &Bounded<String, Ranked>) -> Vec<String> {
        let mut keys = Vec::new();
        map.for_each(|key, _| keys.push(key.clone()));
        keys.sort_unstable();
        keys
    }

    #[test]
    fn full_map_evicts_the_least_recently_used_of_the_lowest_rank() {
        let map = Bounded::new(4);
        for (key, rank) in [("a", 1), ("b", 0), ("c", 0), ("d", 9)] {
            insert(&map, key, rank).unwrap();
        }
        assert!(map.is_full());
        map.get("b", |_| ()).unwrap();
        insert(&map, "e", 9).unwrap();
        assert_eq!(keys(&map), ["a", "b", "d", "e"]);
        insert(&map, "f", 9).unwrap();
        insert(&map, "g", 9).unwrap();
        assert_eq!(keys(&map), ["d", "e", "f", "g"]);
    }

    #[test]
    fn map_whose_values_are_all_in_use_is_full() {
        let map = Bounded::new(2);
        insert(&map, "a", 9).unwrap();
        assert_eq!(insert(&map, "a", 9), Err(NotInserted::Present));
        insert(&map, "b", 9).unwrap();
        assert_eq!(insert(&map, "c", 9), Err(NotInserted::Full));
        map.get("a", |value| value.0.store(0, Relaxed)).unwrap();
        insert(&map, "c", 9).unwrap();
        assert_eq!((keys(&map), map.len()), (vec!["b".to_owned(), "c".to_owned()], 2));
    }

    #[test]
    fn value_that_came_into_use_is_not_evicted() {
        struct Busy;
        impl Evict for Busy {
            fn eviction_rank(&self) -> Option<u8> {
                Some(0)
            }
            fn retire(&self) -> bool {
                false
            }
        }
        let map = Bounded::new(1);
        map.insert_with(1, |_| (Busy, ()), |_| {}).unwrap();
        assert_eq!(map.insert_with(2, |_| (Busy, ()), |_| {}), Err(NotInserted::Full));
    }

    #[test]
    fn reduced_capacity_evicts_the_excess_and_reports_it() {
        let map = Bounded::new(10);
        (0..10).for_each(|key| map.insert_with(key, |_| (Ranked(0.into()), ()), |_| {}).unwrap());
        map.set_capacity(4);
        let mut evicted = 0;
        map.evict_excess(|_| evicted += 1);
        assert_eq!((evicted, map.len(), map.capacity()), (6, 4, 4));
    }

    #[test]
    fn concurrent_inserts_stay_within_the_capacity() {
        let map = Bounded::new(16);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    for key in 0..500 {
                        let _ = map.insert_with(thread * 500 + key, |_| (Ranked(0.into()), ()), |_| {});
                        assert!(map.len() <= 16);
                    }
                });
            }
        });
        assert!(!map.is_empty());
    }
}

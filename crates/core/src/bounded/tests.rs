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
        fn retire(&self, _rank: u8) -> bool {
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

/// An entry that is visited counts it.
struct Visited<'a>(&'a AtomicU64, bool);

impl Evict for Visited<'_> {
    const VISITS: usize = 8;

    fn eviction_rank(&self) -> Option<u8> {
        self.0.fetch_add(1, Relaxed);
        self.1.then_some(0)
    }
}

/// Each new key scanned all keys under the lock: 287 ms at 131,072.
#[test]
fn new_key_visits_few_entries_of_a_full_map() {
    let visits = AtomicU64::new(0);
    let map = Bounded::new(1_000);
    let insert = |key: u64, evictable| map.insert_with(key, |_| (Visited(&visits, evictable), ()), |_| {});
    (0..1_000).for_each(|key| insert(key, false).unwrap());
    assert_eq!(insert(1_000, false), Err(NotInserted::Full));
    assert_eq!(visits.swap(0, Relaxed), 1_000, "the first search visits all entries");
    (0..100).for_each(|key| assert_eq!(insert(1_000 + key, false), Err(NotInserted::Full)));
    assert_eq!(visits.swap(0, Relaxed), 800);

    map.set_capacity(2_000);
    (2_000..3_000).for_each(|key| insert(key, true).unwrap());
    assert_eq!(visits.load(Relaxed), 0);
    (3_000..20_000).for_each(|key| insert(key, true).unwrap());
    assert!(visits.load(Relaxed) <= 8 * 17_000, "{} visits", visits.load(Relaxed));
    assert_eq!(map.len(), 2_000);
}

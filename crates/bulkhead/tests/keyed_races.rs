//! No key is ever above its limit while other keys are evicted.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    collections::{HashMap, VecDeque},
    hint::spin_loop,
    pin::pin,
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    thread,
};

use mainstay_bulkhead::{KeyedBulkheadSettings, KeyedLimits, LimitSettings, Permit};
use proptest::{collection::vec, prelude::*};

const LIMIT: u32 = 2;
const KEYS: usize = 6;

fn limits(capacity: u32, queue: u32) -> KeyedLimits<usize> {
    let limit = LimitSettings { limit: LIMIT, queue, max_wait: None, ..LimitSettings::default() };
    KeyedLimits::with_settings("keys", KeyedBulkheadSettings { limit, capacity }).unwrap()
}

/// Polls an acquisition once. A queued call is dropped.
fn acquire(limits: &KeyedLimits<usize>, key: usize) -> Option<Permit> {
    match pin!(limits.acquire(&key)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.ok(),
        Poll::Pending => None,
    }
}

/// Several threads take and return permits. The capacity is below the number of keys, so keys are evicted all the time.
fn race(capacity: u32, queue: u32) {
    const THREADS: usize = 4;
    let (limits, start) = (limits(capacity, queue), Barrier::new(THREADS));
    let out: [AtomicU32; KEYS] = Default::default();
    let granted: u64 = thread::scope(|scope| {
        let work = |seed: usize| {
            let (limits, start, out) = (&limits, &start, &out);
            move || {
                start.wait();
                let (mut random, mut granted) = (seed as u64 * 2 + 1, 0);
                for _ in 0..20_000 {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let key = (random >> 33) as usize % KEYS;
                    let Some(permit) = acquire(limits, key) else { continue };
                    granted += 1;
                    assert!(out[key].fetch_add(1, SeqCst) < LIMIT, "key {key} is above its limit");
                    if random >> 62 == 0 {
                        thread::yield_now();
                    }
                    out[key].fetch_sub(1, SeqCst);
                    drop(permit);
                }
                granted
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|seed| scope.spawn(work(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let snapshot = limits.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued), (0, 0));
    assert!(snapshot.limits.len() <= capacity as usize);
    assert!(snapshot.evicted > 0);
    // A permit granted to a call that had just given up is not in `granted`.
    assert!(snapshot.permitted >= granted);
    if queue == 0 {
        assert_eq!(snapshot.permitted, granted);
    }
    // All keys are idle, so each gets a place.
    (0..KEYS).for_each(|key| drop(limits.try_acquire(&key).unwrap()));
}

#[test]
fn racing_evictions_keep_every_key_within_its_limit() {
    for capacity in 1..4 {
        race(capacity, 0);
        race(capacity, 2);
    }
}

/// After a refusal, a key that becomes idle makes room, even if it does so during the search.
#[test]
fn key_that_becomes_idle_during_search_is_found() {
    const CAPACITY: usize = 256;
    let (limits, start) = (limits(CAPACITY as u32, 0), Barrier::new(2));
    let take = |key| limits.try_acquire(&key);
    let mut busy: VecDeque<_> = (0..CAPACITY).map(|key| take(key).unwrap()).collect();
    for round in 0..2_000 {
        let oldest = busy.pop_front();
        let searched = thread::scope(|scope| {
            let search = scope.spawn(|| {
                start.wait();
                take(CAPACITY + 2 * round)
            });
            start.wait();
            (0..round % 256 * 8).for_each(|_| spin_loop());
            drop(oldest);
            search.join().unwrap()
        });
        busy.push_back(searched.or_else(|_| take(CAPACITY + 2 * round + 1)).unwrap());
    }
}

/// Threads apply settings outside of the lock and may overwrite newer ones, but not in the end.
#[test]
fn racing_reconfigurations_end_with_latest_settings() {
    let (limits, start) = (limits(1_000, 0), Barrier::new(3));
    (0..900).for_each(|key| drop(limits.try_acquire(&key).unwrap()));
    for round in 0..100_u32 {
        thread::scope(|scope| {
            for limit in [1 + round % 7, 11 + round % 7] {
                let (limits, start) = (&limits, &start);
                scope.spawn(move || {
                    start.wait();
                    let mut settings = limits.settings();
                    settings.limit.limit = limit;
                    limits.reconfigure(settings).unwrap();
                });
            }
            start.wait();
            (0..48).for_each(|key| drop(limits.try_acquire(&(round as usize * 16 + key)).unwrap()));
        });
        let common = limits.settings().limit.limit;
        assert!(limits.snapshot().limits.iter().all(|limit| limit.limit == common));
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take(usize),
    GiveBack(usize),
    Capacity(u32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..KEYS).prop_map(Step::Take),
        4 => any::<prop::sample::Index>().prop_map(|index| Step::GiveBack(index.index(64))),
        1 => (1..5_u32).prop_map(Step::Capacity),
    ]
}

proptest! {
    /// A permit is refused for two reasons: the key is at its limit, or it is new and all kept keys are busy.
    #[test]
    fn keyed_limits_match_a_map_of_permits(steps in vec(step(), 0..200)) {
        let (limits, mut capacity) = (limits(3, 0), 3);
        let (mut permits, mut out) = (Vec::new(), HashMap::<usize, u32>::new());
        for step in steps {
            let before = limits.len();
            match step {
                Step::Take(key) => {
                    let busy = out.values().filter(|n| **n > 0).count();
                    let has = out.get(&key).copied().unwrap_or(0);
                    let may = if has > 0 { has < LIMIT } else { limits.keys().contains(&key) || busy < capacity as usize };
                    let permit = limits.try_acquire(&key);
                    prop_assert_eq!(permit.is_ok(), may);
                    if let Ok(permit) = permit {
                        permits.push((key, permit));
                        *out.entry(key).or_default() += 1;
                    }
                }
                Step::GiveBack(index) if !permits.is_empty() => {
                    let (key, permit) = permits.swap_remove(index % permits.len());
                    drop(permit);
                    *out.entry(key).or_default() -= 1;
                }
                Step::GiveBack(_) => {}
                Step::Capacity(new) => {
                    capacity = new;
                    limits.reconfigure(KeyedBulkheadSettings { capacity, ..limits.settings() }).unwrap();
                }
            }
            prop_assert!(limits.len() <= before.max(capacity as usize));
            prop_assert_eq!(limits.snapshot().in_flight, permits.len() as u64);
        }
    }
}

//! Limits by key: isolation, eviction and settings.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{cell::RefCell, fmt, future::pending, sync::mpsc, thread, time::Duration};

use mainstay_bulkhead::{KeyedBulkheadSettings, KeyedLimits, LimitSettings, Permit};
use mainstay_core::{Reason, Refusal as _};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task::spawn};

fn limits(limit: u32, queue: u32, capacity: u32) -> KeyedLimits<u32> {
    let limit = LimitSettings { limit, queue, ..LimitSettings::default() };
    KeyedLimits::with_settings("keys", KeyedBulkheadSettings { limit, capacity }).unwrap()
}

fn take(limits: &KeyedLimits<u32>, keys: impl IntoIterator<Item = u32>) -> Vec<Permit> {
    keys.into_iter().map(|key| limits.try_acquire(&key).unwrap()).collect()
}

/// Takes and drops one permit of each key in turn.
fn touch(limits: &KeyedLimits<u32>, keys: impl IntoIterator<Item = u32>) {
    keys.into_iter().for_each(|key| drop(limits.try_acquire(&key).unwrap()));
}

#[test]
fn full_key_does_not_affect_other_keys() {
    let limits = limits(2, 0, 10);
    let permits = take(&limits, [1, 1, 2, 3]);
    let refused = limits.try_acquire(&1).unwrap_err();
    assert_eq!((refused.reason(), refused.name().as_str()), (Reason::BulkheadFull, "keys/1"));
    drop(take(&limits, [2, 3]));
    drop(permits);
    drop(take(&limits, [1, 1]));
    assert_eq!(limits.snapshot().in_flight, 0);
}

#[test]
fn hundred_thousand_keys_stay_within_capacity() {
    let limits = limits(1, 0, 64);
    let busy = take(&limits, [7]);
    for key in 100..100_100 {
        touch(&limits, [key]);
        assert!(limits.len() <= 64);
    }
    assert!(limits.try_acquire(&7).is_err(), "a busy key is not evicted");
    drop(busy);
    let snapshot = limits.snapshot();
    assert_eq!((snapshot.permitted, snapshot.rejected.full, snapshot.no_room), (100_001, 1, 0));
    assert_eq!(snapshot.evicted, 100_001 - snapshot.limits.len() as u64);
}

#[test]
fn least_recently_used_key_is_evicted_first() {
    let limits = limits(1, 0, 3);
    touch(&limits, [1, 2, 3, 1, 4]);
    let mut keys = limits.keys();
    keys.sort_unstable();
    assert_eq!(keys, [1, 3, 4]);
}

#[test]
fn new_keys_are_refused_while_all_kept_keys_are_busy() {
    let limits = limits(2, 0, 2);
    let mut permits = take(&limits, [1, 1, 2]);
    for _ in 0..3 {
        let refused = limits.try_acquire(&3).unwrap_err();
        assert_eq!((refused.reason(), refused.name().as_str()), (Reason::BulkheadFull, "keys"));
    }
    drop(permits.remove(0));
    assert!(limits.try_acquire(&3).is_err(), "one of two calls is still in flight");
    drop(permits.remove(0));
    permits.extend(take(&limits, [3]));
    assert!(limits.try_acquire(&1).is_err());
    assert_eq!((limits.snapshot().no_room, limits.len()), (5, 2));

    // A larger capacity takes effect at once.
    limits.reconfigure(KeyedBulkheadSettings { capacity: 3, ..limits.settings() }).unwrap();
    permits.extend(take(&limits, [1]));
    // A smaller one keeps busy keys and evicts idle keys at once.
    limits.reconfigure(KeyedBulkheadSettings { capacity: 1, ..limits.settings() }).unwrap();
    assert_eq!(limits.len(), 3);
    permits.truncate(1);
    assert!(limits.try_acquire(&9).is_err());
    assert_eq!(limits.keys(), [2]);
}

#[tokio::test(start_paused = true)]
async fn waiting_call_prevents_eviction_of_its_key() {
    let limits = limits(1, 1, 1);
    let mut permits = take(&limits, [1]);
    let mut waits = spawn(limits.acquire(&1));
    assert_pending!(waits.poll());
    assert!(limits.try_acquire(&2).is_err());
    permits.clear();
    // The grant is there and not taken yet.
    assert!(limits.try_acquire(&2).is_err());
    assert!(waits.is_woken());
    let permit = assert_ready_ok!(waits.poll());
    assert!(limits.try_acquire(&2).is_err());
    drop(permit);
    touch(&limits, [2]);
}

#[tokio::test(start_paused = true)]
async fn key_is_idle_after_its_last_waiter_is_dropped() {
    let limits = limits(1, 1, 1);
    let permits = take(&limits, [1]);
    let mut waits = spawn(limits.acquire(&1));
    assert_pending!(waits.poll());
    drop(permits);
    // The refusal records that there is no room. The dropped waiter returns its grant.
    assert!(limits.try_acquire(&2).is_err());
    drop(waits);
    touch(&limits, [2]);
    assert_eq!(limits.snapshot().abandoned, 1, "the counts of an evicted key are kept");
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_queue() {
    let limits = limits(1, 1, 10);
    let permits = take(&limits, [1, 2]);
    let (mut first, mut second) = (spawn(limits.acquire(&1)), spawn(limits.acquire(&2)));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    assert_eq!(assert_ready_err!(spawn(limits.acquire(&1)).poll()).reason(), Reason::BulkheadFull);
    let start = Instant::now();
    assert_eq!(first.await.unwrap_err().reason(), Reason::QueueTimeout);
    assert_eq!(start.elapsed(), Duration::from_secs(1));
    let late = limits.acquire_by(&1, start + Duration::from_millis(1_500)).await;
    assert_eq!(late.unwrap_err().reason(), Reason::DeadlineExceeded);
    let snapshot = limits.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued, snapshot.rejected.total()), (2, 1, 3));
    drop((permits, second));
    assert_eq!((limits.snapshot().in_flight, limits.snapshot().queued), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn new_settings_reach_all_keys_under_load() {
    let limits = limits(1, 1, 10);
    limits.resize(&2, 3).unwrap();
    let permits = take(&limits, [1, 2, 2, 2]);
    let mut waits = spawn(limits.acquire(&1));
    assert_pending!(waits.poll());
    let mut settings = limits.settings();
    settings.limit.limit = 2;
    limits.reconfigure(settings).unwrap();
    assert!(waits.is_woken());
    let permit = assert_ready_ok!(waits.poll());
    let size = |key| limits.snapshot_of(&key).map(|limit| limit.limit);
    assert_eq!((size(1), size(2), size(3)), (Some(2), Some(3), None));
    assert!(limits.unset(&2));
    assert!(!limits.unset(&2));
    assert_eq!(size(2), Some(2));
    assert!(limits.try_acquire(&2).is_err(), "three permits are out");
    drop((permits, permit));
}

#[test]
fn evicted_key_returns_with_its_own_settings() {
    let limits = limits(1, 0, 2);
    limits.resize(&1, 3).unwrap();
    limits.set(&2, LimitSettings::database()).unwrap();
    assert!(limits.is_empty(), "a key with settings only is not kept");
    touch(&limits, [1, 2, 3, 4]);
    let permits = take(&limits, [1, 1, 1]);
    assert!(limits.try_acquire(&1).is_err());
    assert_eq!(limits.snapshot().limits[0].name, "keys/1", "the busiest first");
    let refused = limits.resize(&3, 2).unwrap_err().to_string();
    assert_eq!(refused, "keys with settings of their own = 3: must be 1 to 2");
    let refused = limits.resize(&1, 0).unwrap_err();
    assert_eq!((refused.field(), limits.snapshot().limits[0].limit), ("limit", 3));
    drop(permits);
}

#[tokio::test(start_paused = true)]
async fn run_holds_permit_of_key_and_times_out() {
    let limits = limits(1, 0, 10);
    let second = Some(Duration::from_secs(1));
    let settings = LimitSettings { execution_timeout: second, ..limits.settings().limit };
    limits.reconfigure(KeyedBulkheadSettings { limit: settings, ..limits.settings() }).unwrap();
    assert_eq!(limits.run(&1, || async { "42".parse::<u32>() }).await.unwrap(), 42);
    let error = limits.run(&1, pending::<Result<(), std::io::Error>>).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::AttemptTimeout);
    let snapshot = limits.snapshot();
    assert_eq!((snapshot.permitted, snapshot.timed_out, snapshot.in_flight), (2, 1, 0));
}

#[test]
fn invalid_settings_report_field() {
    let field = |settings| KeyedLimits::<u32>::with_settings("keys", settings).unwrap_err().field().to_owned();
    let good = KeyedBulkheadSettings::default();
    assert_eq!(field(KeyedBulkheadSettings { capacity: 0, ..good }), "capacity");
    assert_eq!(field(KeyedBulkheadSettings { limit: LimitSettings { limit: 0, ..good.limit }, ..good }), "limit.limit");
    assert!(KeyedLimits::<u32>::new("keys", 0).is_err());
}

#[cfg(feature = "serde")]
#[test]
fn settings_deserialize_and_snapshot_serializes() {
    let settings: KeyedBulkheadSettings =
        serde_json::from_str(r#"{"limit": {"limit": 3, "max_wait": "250ms"}}"#).unwrap();
    assert_eq!((settings.limit.limit, settings.capacity), (3, 1_024));
    let limits = KeyedLimits::<u32>::with_settings("keys", settings).unwrap();
    drop(limits.try_acquire(&1));
    let page = serde_json::to_value(limits.snapshot()).unwrap();
    assert_eq!((&page["permitted"], &page["limits"][0]["name"]), (&1.into(), &"keys/1".into()));
}

thread_local! {
    static STORE: RefCell<Option<KeyedLimits<Key>>> = const { RefCell::new(None) };
}

/// A key that reads the store while it is formatted.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(u32);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        STORE.with_borrow(|store| store.as_ref().map(|store| (store.settings(), store.snapshot())));
        self.0.fmt(f)
    }
}

/// The name of a new limit was formatted under the lock of the store.
#[test]
fn key_reads_the_store_while_it_is_formatted() {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let limits = KeyedLimits::new("keys", 1).unwrap();
        STORE.set(Some(limits.clone()));
        let permit = limits.try_acquire(&Key(7)).unwrap();
        STORE.set(None);
        done.send(limits.snapshot_of(&Key(7)).unwrap().name).unwrap();
        drop(permit);
    });
    assert_eq!(ended.recv_timeout(Duration::from_secs(20)).expect("no deadlock"), "keys/7");
}

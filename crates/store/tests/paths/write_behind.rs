//! Writes in the background: what reaches a store that was away, and what waits meanwhile.

use std::{sync::Arc, time::Duration};

use mainstay_store::{Storage, StorageErrorKind, Store, WriteBehind, WriteBehindSettings};
use tokio::time::{sleep, timeout};

use crate::scripted::{Behaviour, Scripted};

const S: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

fn writes(storage: &Arc<Scripted>, settings: WriteBehindSettings) -> (WriteBehind, Store) {
    let store = Store::new(Arc::clone(storage) as Arc<dyn Storage>).with_prefix("w:");
    (WriteBehind::new("writes", &store, settings).unwrap(), store)
}

#[tokio::test(start_paused = true)]
async fn newest_value_of_each_key_is_written_when_the_store_is_back() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    for value in 0..100 {
        writes.set("mode", &value, HOUR).unwrap();
        writes.set(&format!("{}", value % 10), &value, HOUR).unwrap();
        sleep(S / 10).await;
    }
    writes.delete("3").unwrap();
    assert!(timeout(10 * S, writes.flush()).await.is_err(), "the store is away");
    assert!(storage.keys_set().is_empty());
    storage.becomes(Behaviour::Works);
    writes.flush().await;
    assert_eq!(store.get::<u32>("mode").await.unwrap(), Some(99));
    assert_eq!((store.get::<u32>("9").await.unwrap(), store.get::<u32>("3").await.unwrap()), (Some(99), None));
    let snapshot = writes.snapshot();
    assert_eq!((snapshot.waiting, snapshot.written, snapshot.dropped, snapshot.failed), (0, 11, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn expiry_counts_from_the_decision() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    storage.becomes(Behaviour::Fails(StorageErrorKind::Timeout));
    writes.set("short", &1, 5 * S).unwrap();
    writes.set("long", &1, 60 * S).unwrap();
    sleep(30 * S).await;
    storage.becomes(Behaviour::Works);
    writes.flush().await;
    assert!(!store.exists("short").await.unwrap() && store.exists("long").await.unwrap());
    sleep(30 * S).await;
    assert!(!store.exists("long").await.unwrap());
    assert_eq!((writes.snapshot().written, writes.snapshot().dropped), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn value_that_changes_during_its_write_is_written_again() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    storage.becomes(Behaviour::Fails(StorageErrorKind::ReadOnly));
    writes.set("first", &1, HOUR).unwrap();
    writes.set("second", &1, HOUR).unwrap();
    sleep(S / 2).await;
    writes.set("first", &2, HOUR).unwrap();
    storage.becomes(Behaviour::Works);
    writes.flush().await;
    assert_eq!(store.get::<u32>("first").await.unwrap(), Some(2));
    assert_eq!(storage.keys_set(), ["w:first", "w:second"]);
}

#[tokio::test(start_paused = true)]
async fn waiting_writes_are_bounded_and_the_oldest_go_first() {
    let storage = Scripted::new();
    let settings = WriteBehindSettings { max_waiting: 10, max_waiting_bytes: 1_000, ..WriteBehindSettings::default() };
    let (writes, store) = writes(&storage, settings);
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    for key in 0..100 {
        writes.set(&format!("{key}"), &key, HOUR).unwrap();
    }
    assert_eq!((writes.snapshot().waiting, writes.snapshot().dropped), (10, 90));
    writes.set("long", &"x".repeat(990), HOUR).unwrap();
    assert_eq!(writes.snapshot().waiting, 1);
    writes.set("longer", &"x".repeat(2_000), HOUR).unwrap();
    assert_eq!(writes.snapshot().waiting, 0);
    writes.set("last", &1, HOUR).unwrap();
    storage.becomes(Behaviour::Works);
    writes.flush().await;
    assert_eq!(store.scan("", 10).await.unwrap(), ["last"]);
}

#[tokio::test(start_paused = true)]
async fn refused_write_does_not_hold_up_the_others() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    storage.becomes(Behaviour::Fails(StorageErrorKind::Refused));
    writes.set("refused", &1, HOUR).unwrap();
    writes.flush().await;
    storage.becomes(Behaviour::Works);
    writes.set("long", &"x".repeat(2 << 20), HOUR).unwrap();
    writes.set("next", &1, HOUR).unwrap();
    writes.flush().await;
    assert_eq!(store.scan("", 10).await.unwrap(), ["next"]);
    let snapshot = writes.snapshot();
    assert_eq!((snapshot.written, snapshot.dropped, snapshot.failed), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn panic_of_a_write_loses_no_write() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    storage.becomes(Behaviour::Panics);
    writes.set("key", &1, HOUR).unwrap();
    sleep(S).await;
    storage.becomes(Behaviour::Works);
    writes.flush().await;
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
}

#[test]
fn next_runtime_makes_the_writes_that_the_last_one_left() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    writes.set("before", &1, HOUR).unwrap();
    storage.becomes(Behaviour::Hangs);
    runtime().block_on(async {
        writes.set("during", &1, HOUR).unwrap();
        sleep(S).await;
    });
    storage.becomes(Behaviour::Works);
    runtime().block_on(async {
        writes.flush().await;
        assert_eq!(store.scan("", 10).await.unwrap(), ["before", "during"]);
    });
}

#[test]
fn flush_goes_on_after_the_runtime_of_the_task() {
    let storage = Scripted::new();
    let (writes, store) = writes(&storage, WriteBehindSettings::default());
    storage.becomes(Behaviour::Hangs);
    let first = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    first.block_on(async { writes.set("key", &1, HOUR).unwrap() });
    let second = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    second.block_on(async {
        let waiting = tokio::spawn({
            let writes = writes.clone();
            async move { writes.flush().await }
        });
        tokio::task::yield_now().await;
        storage.becomes(Behaviour::Works);
        first.shutdown_background();
        waiting.await.unwrap();
        assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
    });
}

#[tokio::test(start_paused = true)]
async fn dropped_handle_ends_its_task() {
    let storage = Scripted::new();
    for behaviour in [Behaviour::Works, Behaviour::Fails(StorageErrorKind::Unreachable)] {
        storage.becomes(behaviour);
        let (writes, store) = writes(&storage, WriteBehindSettings::default());
        writes.set("key", &1, HOUR).unwrap();
        sleep(S / 2).await;
        drop((writes, store));
        sleep(10 * S).await;
        assert_eq!(Arc::strong_count(&storage), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flush_misses_no_write_of_another_thread() {
    let store = Store::memory();
    let writes = WriteBehind::new("writes", &store, WriteBehindSettings::default()).unwrap();
    for round in 0..200_u32 {
        let other = writes.clone();
        let task = tokio::spawn(async move { other.set("a", &round, HOUR).unwrap() });
        writes.set("b", &round, HOUR).unwrap();
        task.await.unwrap();
        writes.flush().await;
        let [a, b] = [store.get::<u32>("a").await.unwrap(), store.get::<u32>("b").await.unwrap()];
        assert_eq!((a, b, writes.snapshot().waiting), (Some(round), Some(round), 0));
    }
}

#[test]
fn invalid_arguments_are_refused_at_once() {
    let store = Store::memory();
    let writes = WriteBehind::new("writes", &store, WriteBehindSettings::default()).unwrap();
    assert_eq!(writes.set("", &1, HOUR).unwrap_err().kind(), StorageErrorKind::Invalid);
    assert_eq!(writes.set("key", &1, Duration::ZERO).unwrap_err().kind(), StorageErrorKind::Invalid);
    assert_eq!(writes.delete(&"k".repeat(2_000)).unwrap_err().kind(), StorageErrorKind::Invalid);
    let settings = WriteBehindSettings { max_waiting: 0, ..WriteBehindSettings::default() };
    let error = WriteBehind::new("modes", &store, settings).unwrap_err();
    assert_eq!(error.to_string(), "modes: max_waiting = 0: must be 1 to 1000000");
}

//! A storage on the path of requests: how long a call takes, when it is not made, and when the storage is back.

use std::{sync::Arc, time::Duration};

use mainstay_core::Level;
use mainstay_store::{RequestPath, RequestPathSettings, Storage, StorageError, StorageErrorKind, Store};
use tokio::time::{Instant, sleep, timeout};

use crate::scripted::{Behaviour, Scripted};

const MS: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

fn path(storage: &Arc<Scripted>) -> (RequestPath, Store) {
    let store = Store::new(Arc::clone(storage) as Arc<dyn Storage>).with_prefix("t:");
    let path = RequestPath::new("path", &store, RequestPathSettings::default()).unwrap();
    let store = path.store();
    (path, store)
}

#[tokio::test(start_paused = true)]
async fn outage_costs_one_wait_and_ends_with_a_ping() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    let mut status = path.subscribe();
    assert!(store.set("key", &1, MINUTE).await.unwrap());

    storage.becomes(Behaviour::Hangs);
    let start = Instant::now();
    assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Timeout);
    assert_eq!(start.elapsed(), 50 * MS);
    let lost = status.changed().await.unwrap();
    assert_eq!((lost.level, lost.reason.as_str()), (Level::Unhealthy, "storage timeout: no answer within 50ms"));

    let (start, calls) = (Instant::now(), storage.counts().0);
    for _ in 0..1_000 {
        assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Lost);
    }
    assert_eq!((start.elapsed(), storage.counts().0), (Duration::ZERO, calls), "no call waits for a lost storage");

    // The ping that hangs is dropped with its own limit in a real storage; this one fails fast instead.
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    sleep(10_500 * MS).await;
    let pings = storage.counts().1;
    assert!((9..=11).contains(&pings), "one ping a second: {pings}");
    assert_eq!(storage.counts().0, calls, "only the task pings");

    storage.becomes(Behaviour::Works);
    let back = timeout(1_200 * MS, status.changed()).await.unwrap().unwrap();
    assert_eq!((back.level, back.reason.as_str()), (Level::Healthy, ""));
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
    let pings = storage.counts().1;
    sleep(MINUTE).await;
    assert_eq!(storage.counts().1, pings, "a storage that works is not pinged");
    let snapshot = path.snapshot();
    assert_eq!((snapshot.calls, snapshot.timeouts, snapshot.outages, snapshot.skipped), (3, 1, 1, 1_000));
}

#[tokio::test(start_paused = true)]
async fn error_of_one_key_is_no_outage() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    use StorageErrorKind::{
        Full, Invalid, Malformed, ReadOnly, Refused, TooLarge, Unauthenticated, Unavailable, Unreachable,
    };
    for kind in [Malformed, TooLarge, Full, Invalid, Refused] {
        storage.becomes(Behaviour::Fails(kind));
        assert_eq!(store.exists("key").await.unwrap_err().kind(), kind);
        assert!(!path.snapshot().is_lost, "{kind}");
    }
    for kind in [ReadOnly, Unavailable, Unreachable, Unauthenticated] {
        storage.becomes(Behaviour::Fails(kind));
        assert_eq!(store.exists("key").await.unwrap_err().kind(), kind);
        assert!(path.snapshot().is_lost, "{kind}");
        storage.becomes(Behaviour::Works);
        sleep(1_200 * MS).await;
        assert!(!path.snapshot().is_lost, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_failure_of_an_earlier_outage_loses_nothing() {
    let storage = Scripted::new();
    let settings = RequestPathSettings { timeout: 10_000 * MS, ..RequestPathSettings::default() };
    let path = RequestPath::new("path", &Store::new(storage.clone()), settings).unwrap();
    storage.becomes(Behaviour::Hangs);
    let slow = tokio::spawn({
        let store = path.store();
        async move { store.exists("key").await.unwrap_err().kind() }
    });
    sleep(MS).await;
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    path.store().exists("key").await.unwrap_err();
    storage.becomes(Behaviour::Works);
    sleep(2_000 * MS).await;
    assert!(!path.snapshot().is_lost);
    assert_eq!(slow.await.unwrap(), StorageErrorKind::Timeout);
    assert!(!path.snapshot().is_lost, "the call was made before the outage that ended");
}

#[tokio::test(start_paused = true)]
async fn callers_that_give_up_early_lose_a_storage_that_does_not_answer() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    storage.becomes(Behaviour::Hangs);
    for _ in 0..20 {
        let _ = timeout(10 * MS, store.exists("key")).await;
    }
    assert!(path.snapshot().is_lost);
    assert!(storage.counts().0 < 10, "{:?}", storage.counts());
}

#[tokio::test(start_paused = true)]
async fn callers_that_give_up_ping_a_storage_that_works_once_a_second() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    for _ in 0..1_000 {
        storage.becomes(Behaviour::Hangs);
        let _ = timeout(10 * MS, store.exists("key")).await;
        storage.becomes(Behaviour::Works);
        sleep(MS).await;
    }
    assert!(!path.snapshot().is_lost);
    assert!(storage.counts().1 <= 12, "{:?}", storage.counts());
}

#[tokio::test(start_paused = true)]
async fn panic_of_a_ping_is_overcome() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    store.exists("key").await.unwrap_err();
    storage.becomes(Behaviour::Panics);
    sleep(3_000 * MS).await;
    storage.becomes(Behaviour::Works);
    assert_eq!(store.exists("key").await.unwrap_err().kind(), StorageErrorKind::Lost);
    sleep(1_200 * MS).await;
    assert!(!path.snapshot().is_lost);
}

#[test]
fn next_runtime_pings_a_storage_that_the_last_one_lost() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    let run = |future: std::pin::Pin<Box<dyn Future<Output = ()> + '_>>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(future);
    };
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    run(Box::pin(async { drop(store.exists("key").await.unwrap_err()) }));
    storage.becomes(Behaviour::Works);
    run(Box::pin(async {
        sleep(5_000 * MS).await;
        assert!(path.snapshot().is_lost, "no call, no task");
        store.exists("key").await.unwrap_err();
        sleep(1_200 * MS).await;
        assert!(!path.snapshot().is_lost);
    }));
}

#[tokio::test(start_paused = true)]
async fn dropped_path_ends_its_task() {
    let storage = Scripted::new();
    let (path, store) = path(&storage);
    storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
    store.exists("key").await.unwrap_err();
    drop((path, store));
    sleep(10_000 * MS).await;
    assert_eq!((storage.counts().1, Arc::strong_count(&storage)), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn future_of_a_call_is_not_polled_while_the_storage_is_lost() {
    let storage = Scripted::new();
    let (path, _) = path(&storage);
    let failed = path.run(async { Err::<(), _>(StorageError::new(StorageErrorKind::Unreachable, "gone")) }).await;
    assert_eq!(failed.unwrap_err().to_string(), "storage unreachable: gone");
    let skipped = path.run(async { panic!("polled") as Result<(), _> }).await;
    assert_eq!(skipped.unwrap_err().kind(), StorageErrorKind::Lost);
}

/// The state that is left after two threads changed it at once is the one in which a task watches the storage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_that_flaps_is_available_in_the_end() {
    let storage = Scripted::new();
    let settings = RequestPathSettings { ping_interval: MS, ..RequestPathSettings::default() };
    let path = RequestPath::new("path", &Store::new(storage.clone()), settings).unwrap();
    let mut status = path.subscribe();
    for _ in 0..200 {
        storage.becomes(Behaviour::Fails(StorageErrorKind::Unreachable));
        let callers = [(); 2].map(|()| {
            let store = path.store();
            tokio::spawn(async move {
                for _ in 0..20 {
                    let _ = store.exists("key").await;
                    tokio::task::yield_now().await;
                }
            })
        });
        storage.becomes(Behaviour::Works);
        for caller in callers {
            caller.await.unwrap();
        }
        while status.get().level != Level::Healthy {
            timeout(MINUTE, status.changed()).await.expect("a task pings the storage").unwrap();
        }
    }
}

#[test]
fn invalid_settings_name_the_path_and_the_field() {
    let settings = RequestPathSettings { timeout: Duration::ZERO, ..RequestPathSettings::default() };
    let error = RequestPath::new("sessions", &Store::memory(), settings).unwrap_err();
    assert_eq!(error.to_string(), "sessions: timeout = 0s: must be 1ms to 365d");
}

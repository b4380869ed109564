//! Servers that end, stop, fail over, have no room, or do not answer.

use std::time::Duration;

use mainstay_core::{Level, StatusReceiver};
use mainstay_store::{
    RequestPath, RequestPathSettings, Storage, StorageErrorKind, Store, StoreSettings, WriteBehind, WriteBehindSettings,
};

use crate::{
    forwarder::Forwarder,
    server::{Server, free_port, settings},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A path that pings often, with a time limit in which a server that works answers on a busy machine too.
fn path(store: &Store) -> (RequestPath, Store, StatusReceiver) {
    path_within(store, Duration::from_millis(1_500))
}

pub(crate) fn path_within(store: &Store, timeout: Duration) -> (RequestPath, Store, StatusReceiver) {
    let settings = RequestPathSettings { timeout, ping_interval: Duration::from_millis(50) };
    let path = RequestPath::new("path", store, settings).unwrap();
    let (store, status) = (path.store(), path.subscribe());
    (path, store, status)
}

async fn becomes(status: &mut StatusReceiver, level: Level) {
    while status.get().level != level {
        status.changed().await.unwrap();
    }
}

#[tokio::test]
async fn killed_server_is_left_and_found_again() {
    let mut server = Server::start(&[]);
    let background = server.store();
    let (path, store, mut status) = path(&background);
    assert!(store.set("key", &1, MINUTE).await.unwrap());
    server.kill();
    assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Unreachable);
    assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Lost);
    assert_eq!(background.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Unreachable);
    server.restart();
    becomes(&mut status, Level::Healthy).await;
    assert_eq!(store.get::<u32>("key").await.unwrap(), None, "the server is new");
    assert!(store.set("key", &2, MINUTE).await.unwrap() && background.exists("key").await.unwrap());
    assert_eq!(path.snapshot().outages, 1);
}

#[tokio::test]
async fn stopped_server_costs_one_timeout() {
    let server = Server::start(&[]);
    let (path, store, mut status) = path(&server.store());
    assert!(store.set("key", &1, MINUTE).await.unwrap());
    server.signal("STOP");
    assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Timeout);
    for _ in 0..100 {
        assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Lost);
    }
    server.signal("CONT");
    becomes(&mut status, Level::Healthy).await;
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
    let snapshot = path.snapshot();
    assert_eq!((snapshot.timeouts, snapshot.outages, snapshot.skipped), (1, 1, 100));
}

#[tokio::test]
async fn newest_decision_is_written_when_the_server_is_back() {
    let mut server = Server::start(&[]);
    let store = server.store();
    let settings = WriteBehindSettings { retry_interval: Duration::from_millis(50), ..WriteBehindSettings::default() };
    let writes = WriteBehind::new("modes", &store, settings).unwrap();
    writes.set("mode", "primary", MINUTE).unwrap();
    writes.flush().await;
    server.kill();
    for mode in ["heuristic", "safe"] {
        writes.set("mode", mode, MINUTE).unwrap();
        writes.set(mode, &true, MINUTE).unwrap();
    }
    assert!(store.exists("mode").await.unwrap_err().is_outage());
    server.restart();
    writes.flush().await;
    assert_eq!(store.get::<String>("mode").await.unwrap().as_deref(), Some("safe"));
    assert_eq!(store.scan("", 10).await.unwrap(), ["heuristic", "mode", "safe"]);
    assert_eq!(writes.snapshot().dropped, 0);
}

#[tokio::test]
async fn call_in_the_background_outlasts_a_restart() {
    let mut server = Server::start(&[]);
    let settings = StoreSettings { max_retries: 100, ..settings(&server.url()) };
    let store = Store::from_config(&settings).unwrap();
    store.connect().await.unwrap();
    server.kill();
    let (compared, appended) = (store.clone(), store.clone());
    let written = tokio::spawn(async move { compared.compare_and_set("key", None, &1, MINUTE).await });
    let logged = tokio::spawn(async move { appended.append("log", &1, 10, MINUTE).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.restart();
    // The connection broke before the commands were sent, or while they were: the latter is not repeated.
    for result in [written.await.unwrap().map(|_| ()), logged.await.unwrap()] {
        assert!(result.as_ref().is_ok_and(|()| true) || result.unwrap_err().kind() == StorageErrorKind::Unreachable);
    }
    assert!(store.set("key", &2, MINUTE).await.unwrap());
}

#[tokio::test]
async fn black_holed_connection_is_replaced() {
    let server = Server::start(&[]);
    let forwarder = Forwarder::start(server.port).await;
    let settings = StoreSettings { timeout: Duration::from_secs(2), ..settings(&forwarder.url()) };
    let background = Store::from_config(&settings).unwrap();
    let (_, store, mut status) = path(&background);
    assert!(store.set("key", &1, MINUTE).await.unwrap());
    forwarder.lose_connections();
    assert_eq!(store.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Timeout);
    becomes(&mut status, Level::Healthy).await;
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
    forwarder.lose_connections();
    assert_eq!(background.get::<u32>("key").await.unwrap(), Some(1), "repeated over another connection");
}

/// Callers with a time limit of their own never reach that of the storage.
#[tokio::test]
async fn black_holed_connection_is_replaced_after_calls_that_were_given_up() {
    let server = Server::start(&[]);
    let forwarder = Forwarder::start(server.port).await;
    let settings = StoreSettings { timeout: MINUTE, ..settings(&forwarder.url()) };
    let store = Store::from_config(&settings).unwrap();
    assert!(store.set("key", &1, MINUTE).await.unwrap());
    forwarder.lose_connections();
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(20), store.get::<u32>("key")).await.is_err());
    }
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
}

#[tokio::test]
async fn failover_leaves_a_server_that_is_now_a_replica() {
    let [old, new] = [Server::start(&[]), Server::start(&[])];
    let forwarder = Forwarder::start(old.port).await;
    let background = Store::from_config(&settings(&forwarder.url())).unwrap();
    let (path, store, mut status) = path(&background);
    assert!(store.set("key", &1, MINUTE).await.unwrap());

    let () = old.command(&["REPLICAOF", "127.0.0.1", &new.port.to_string()]).await;
    // It serves what it has until it has the data of the new one, then loads these.
    while !old.command::<String>(&["INFO", "replication"]).await.contains("master_link_status:up") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = store.set("key", &2, MINUTE).await.unwrap_err();
    assert_eq!(refused.kind(), StorageErrorKind::ReadOnly, "{refused}");
    assert!(path.snapshot().is_lost, "a replica answers PING, and takes no writes");
    let repeated = background.compare_and_set("key", None, &2, MINUTE).await.unwrap_err();
    assert_eq!(repeated.kind(), StorageErrorKind::ReadOnly);
    let appended = background.append("log", &1, 10, MINUTE).await.unwrap_err();
    assert_eq!(appended.kind(), StorageErrorKind::ReadOnly);

    forwarder.lead_to(new.port);
    becomes(&mut status, Level::Healthy).await;
    assert!(store.set("key", &3, MINUTE).await.unwrap());
    assert_eq!(new.store().get::<u32>("key").await.unwrap(), Some(3));
}

#[tokio::test]
async fn server_without_room_is_no_outage() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let (path, store, _) = path(&server.store());
    assert!(store.set("key", &1, MINUTE).await.unwrap());
    let () = server.command(&["CONFIG", "SET", "maxmemory", "1"]).await;
    assert!(!store.set("key", &2, MINUTE).await.unwrap(), "not stored");
    let full = store.compare_and_set("key", Some(&1), &2, MINUTE).await.unwrap_err();
    assert_eq!(full.kind(), StorageErrorKind::Full, "{full}");
    assert_eq!(store.append("log", &1, 10, MINUTE).await.unwrap_err().kind(), StorageErrorKind::Full);
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1), "reads go on");
    assert!(store.delete("key").await.unwrap());
    store.ping().await.unwrap();
    assert!(!path.snapshot().is_lost);
}

#[tokio::test]
async fn command_that_may_have_been_executed_is_not_executed_twice() {
    let server = Server::start(&[]);
    let forwarder = Forwarder::start(server.port).await;
    let store = Store::from_config(&settings(&forwarder.url())).unwrap();
    // Loads the scripts and connects.
    store.append("log", &0, 100, MINUTE).await.unwrap();
    assert!(store.compare_and_set("key", None, &0, MINUTE).await.unwrap());
    forwarder.cut_answers(true);
    assert_eq!(store.append("log", &1, 100, MINUTE).await.unwrap_err().kind(), StorageErrorKind::Unreachable);
    forwarder.cut_answers(false);
    assert_eq!(store.read::<u32>("log", 100).await.unwrap(), [0, 1]);
    forwarder.cut_answers(true);
    let compared = store.compare_and_set("key", Some(&0), &1, MINUTE).await;
    assert_eq!(compared.unwrap_err().kind(), StorageErrorKind::Unreachable, "unknown, and not `false`");
    forwarder.cut_answers(false);
    assert_eq!(store.get::<u32>("key").await.unwrap(), Some(1));
}

#[tokio::test]
async fn absent_server_fails_each_call() {
    let store = Store::from_config(&settings(&format!("redis://127.0.0.1:{}", free_port()))).unwrap();
    let (path, fast, _) = path(&store);
    assert_eq!(store.connect().await.unwrap_err().kind(), StorageErrorKind::Unreachable);
    assert_eq!(store.append("log", &1, 1, MINUTE).await.unwrap_err().kind(), StorageErrorKind::Unreachable);
    assert_eq!(fast.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Unreachable);
    assert_eq!(fast.get::<u32>("key").await.unwrap_err().kind(), StorageErrorKind::Lost);
    assert!(path.snapshot().reason.contains("unreachable"), "{:?}", path.snapshot());
}

#[tokio::test]
async fn storage_is_used_by_one_runtime_after_another() {
    let server = Server::start(&[]);
    let storage = server.storage();
    for _ in 0..3 {
        let storage = storage.clone();
        let other = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                // The first call may find the connection of the runtime that ended, and is repeated.
                assert!(storage.set("key", b"1", MINUTE).await.unwrap());
                storage.append("log", b"1", 10, MINUTE).await.unwrap();
            });
        });
        tokio::task::spawn_blocking(|| other.join().unwrap()).await.unwrap();
    }
    assert_eq!(storage.read("log", 10).await.unwrap().len(), 3);
}

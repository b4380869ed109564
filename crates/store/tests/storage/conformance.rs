//! What every storage does, checked over each of them.

use std::{sync::Arc, time::Duration};

use mainstay_store::{
    MemoryStorage, RedisStorage, RequestPath, RequestPathSettings, Storage, StorageErrorKind, Store, StoreSettings,
};

use crate::server::{Server, settings};

const MINUTE: Duration = Duration::from_secs(60);

async fn conforms(storage: Arc<dyn Storage>) {
    values(&*storage).await;
    expiries(&*storage).await;
    compared(&*storage).await;
    logs(&*storage).await;
    scans(&*storage).await;
    wrong_kinds(&*storage).await;
    limits(&*storage).await;
    typed(Store::new(Arc::clone(&storage)).with_prefix("typed:")).await;
    closed(&*storage).await;
}

async fn values(storage: &dyn Storage) {
    storage.connect().await.unwrap();
    storage.ping().await.unwrap();
    assert_eq!(storage.get("value").await.unwrap(), None);
    assert!(!storage.exists("value").await.unwrap());
    assert!(!storage.delete("value").await.unwrap());
    for value in [&b"one"[..], b"", b"\0\xff\r\n", &[7; 100_000]] {
        assert!(storage.set("value", value, MINUTE).await.unwrap());
        assert_eq!(storage.get("value").await.unwrap().as_deref(), Some(value));
        assert!(storage.exists("value").await.unwrap());
    }
    assert!(storage.delete("value").await.unwrap());
    assert_eq!(storage.get("value").await.unwrap(), None);
    for key in ["ü {tag} 1", "line\nbreak", "*", "\u{0}", &"k".repeat(1_024)] {
        assert!(storage.set(key, key.as_bytes(), MINUTE).await.unwrap());
        assert_eq!(storage.get(key).await.unwrap().as_deref(), Some(key.as_bytes()));
        assert!(storage.delete(key).await.unwrap());
    }
}

async fn expiries(storage: &dyn Storage) {
    let soon = Duration::from_millis(20);
    assert!(storage.set("short", b"1", soon).await.unwrap());
    assert!(storage.set("long", b"1", MINUTE).await.unwrap());
    assert!(storage.compare_and_set("compared", None, b"1", soon).await.unwrap());
    storage.append("log", b"1", 10, soon).await.unwrap();
    for key in ["short", "compared", "log"] {
        absent(storage, key).await;
    }
    assert!(storage.exists("long").await.unwrap());
    // A write replaces the expiry too, and each append renews that of the log.
    assert!(storage.set("long", b"2", soon).await.unwrap());
    absent(storage, "long").await;
    assert!(storage.set("long", b"1", Duration::from_nanos(1_000_001)).await.unwrap());
    absent(storage, "long").await;
}

async fn absent(storage: &dyn Storage, key: &str) {
    while storage.exists(key).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn compared(storage: &dyn Storage) {
    let key = "compare";
    assert!(!storage.compare_and_set(key, Some(b"1"), b"2", MINUTE).await.unwrap());
    assert!(!storage.compare_and_set(key, Some(b""), b"2", MINUTE).await.unwrap(), "an absent value is not empty");
    assert!(storage.compare_and_set(key, None, b"1", MINUTE).await.unwrap());
    assert!(!storage.compare_and_set(key, None, b"2", MINUTE).await.unwrap());
    assert!(!storage.compare_and_set(key, Some(b"0"), b"2", MINUTE).await.unwrap());
    assert_eq!(storage.get(key).await.unwrap().as_deref(), Some(&b"1"[..]));
    assert!(storage.compare_and_set(key, Some(b"1"), b"", MINUTE).await.unwrap());
    assert!(!storage.compare_and_set(key, None, b"3", MINUTE).await.unwrap(), "an empty value is not absent");
    assert!(storage.compare_and_set(key, Some(b""), b"3", MINUTE).await.unwrap());
}

async fn logs(storage: &dyn Storage) {
    assert!(storage.read("entries", 10).await.unwrap().is_empty());
    for entry in 0..10_u8 {
        storage.append("entries", &[entry], 5, MINUTE).await.unwrap();
    }
    assert_eq!(storage.read("entries", 10).await.unwrap(), [[5], [6], [7], [8], [9]]);
    assert_eq!(storage.read("entries", 2).await.unwrap(), [[8], [9]]);
    assert!(storage.read("entries", 0).await.unwrap().is_empty());
    storage.append("entries", b"", 2, MINUTE).await.unwrap();
    assert_eq!(storage.read("entries", 10).await.unwrap(), [&[9][..], b""]);
    assert!(storage.delete("entries").await.unwrap());
}

async fn scans(storage: &dyn Storage) {
    let keys = ["scan:a", "scan:b", "scan:*", "scan:[x]", r"scan:\", "scan?c"];
    for key in keys {
        assert!(storage.set(key, b"1", MINUTE).await.unwrap());
    }
    storage.append("scan:log", b"1", 1, MINUTE).await.unwrap();
    let expected = ["scan:*", "scan:[x]", r"scan:\", "scan:a", "scan:b", "scan:log"];
    assert_eq!(storage.scan("scan:", 100).await.unwrap(), expected);
    assert_eq!(storage.scan("scan:*", 100).await.unwrap(), ["scan:*"]);
    assert_eq!(storage.scan(r"scan:\", 100).await.unwrap(), [r"scan:\"]);
    assert_eq!(storage.scan("scan:[x", 100).await.unwrap(), ["scan:[x]"]);
    assert_eq!(storage.scan("scan:", 2).await.unwrap().len(), 2);
    assert!(storage.scan("none", 100).await.unwrap().is_empty());
}

async fn wrong_kinds(storage: &dyn Storage) {
    storage.set("value", b"1", MINUTE).await.unwrap();
    storage.append("list", b"1", 1, MINUTE).await.unwrap();
    let failures = [
        storage.get("list").await.unwrap_err(),
        storage.compare_and_set("list", Some(b"1"), b"2", MINUTE).await.unwrap_err(),
        storage.append("value", b"1", 1, MINUTE).await.unwrap_err(),
        storage.read("value", 1).await.unwrap_err(),
    ];
    for failure in failures {
        assert_eq!((failure.kind(), failure.is_outage()), (StorageErrorKind::Malformed, false), "{failure}");
    }
    assert_eq!(storage.get("value").await.unwrap().as_deref(), Some(&b"1"[..]));
    assert!(storage.set("list", b"1", MINUTE).await.unwrap(), "a value replaces a log");
    assert!(storage.exists("list").await.unwrap());
}

async fn limits(storage: &dyn Storage) {
    let long = vec![0; (1 << 20) + 1];
    assert!(!storage.set("long", &long, MINUTE).await.unwrap());
    let key = "k".repeat(1_025);
    let year = Duration::from_secs(366 * 24 * 3600);
    let failures = [
        (storage.compare_and_set("long", None, &long, MINUTE).await.unwrap_err(), StorageErrorKind::TooLarge),
        (storage.append("long", &long, 1, MINUTE).await.unwrap_err(), StorageErrorKind::TooLarge),
        (storage.set("", b"1", MINUTE).await.unwrap_err(), StorageErrorKind::Invalid),
        (storage.get(&key).await.unwrap_err(), StorageErrorKind::Invalid),
        (storage.set("key", b"1", Duration::ZERO).await.unwrap_err(), StorageErrorKind::Invalid),
        (storage.set("key", b"1", year).await.unwrap_err(), StorageErrorKind::Invalid),
        (storage.append("key", b"1", 0, MINUTE).await.unwrap_err(), StorageErrorKind::Invalid),
        (storage.append("key", b"1", 1_000_000, MINUTE).await.unwrap_err(), StorageErrorKind::Invalid),
    ];
    for (failure, kind) in failures {
        assert_eq!((failure.kind(), failure.is_outage()), (kind, false), "{failure}");
        assert!(failure.to_string().len() < 200, "{failure}");
    }
    let zero = storage.set("key", b"1", Duration::ZERO).await.unwrap_err();
    assert_eq!(zero.to_string(), "storage invalid: expire = 0s: must be 1ms to 365d");
}

async fn typed(store: Store) {
    assert!(store.set("pair", &("ada", 7), MINUTE).await.unwrap());
    assert_eq!(store.get::<(String, u32)>("pair").await.unwrap(), Some(("ada".into(), 7)));
    let other = store.get::<Vec<bool>>("pair").await.unwrap_err();
    assert_eq!(other.kind(), StorageErrorKind::Malformed);
    assert!(!other.to_string().contains("ada"), "a value is not shown: {other}");
    assert!(store.compare_and_set("pair", Some(&("ada", 7)), &("ada", 8), MINUTE).await.unwrap());
    store.append("log", &1, 10, MINUTE).await.unwrap();
    store.append("log", "text", 10, MINUTE).await.unwrap();
    store.append("log", &2, 10, MINUTE).await.unwrap();
    assert_eq!(store.read::<u32>("log", 10).await.unwrap(), [1, 2], "entries of another type are left out");
    assert_eq!(store.scan("", 10).await.unwrap(), ["log", "pair"]);
    assert_eq!(store.with_prefix("p").scan("", 10).await.unwrap(), ["air"]);
    assert!(store.delete("pair").await.unwrap() && !store.exists("pair").await.unwrap());
}

async fn closed(storage: &dyn Storage) {
    storage.set("kept", b"1", MINUTE).await.unwrap();
    storage.close().await.unwrap();
    assert_eq!(storage.get("kept").await.unwrap_err().kind(), StorageErrorKind::Closed);
    assert_eq!(storage.ping().await.unwrap_err().kind(), StorageErrorKind::Closed);
    storage.connect().await.unwrap();
    assert!(storage.exists("kept").await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn memory_conforms() {
    conforms(Arc::new(MemoryStorage::new())).await;
}

#[tokio::test(start_paused = true)]
async fn request_path_conforms() {
    let path = RequestPath::new("path", &Store::memory(), RequestPathSettings::default()).unwrap();
    conforms(Arc::new(path)).await;
}

#[tokio::test]
async fn redis_conforms() {
    let server = Server::start(&[]);
    conforms(Arc::new(server.storage())).await;
}

#[tokio::test]
async fn redis_conforms_on_a_request_path() {
    let server = Server::start(&[]);
    // On a busy machine an answer can take longer than on the path of a request.
    let settings = RequestPathSettings { timeout: MINUTE, ..RequestPathSettings::default() };
    conforms(Arc::new(RequestPath::new("path", &server.store(), settings).unwrap())).await;
}

#[tokio::test]
async fn redis_conforms_with_resp3() {
    let server = Server::start(&[]);
    let url = format!("{}/?protocol=resp3", server.url());
    conforms(Arc::new(RedisStorage::from_config(&settings(&url)).unwrap())).await;
}

/// A node with all slots refuses a command whose keys belong to different ones: CROSSSLOT.
#[tokio::test]
async fn redis_conforms_in_cluster_mode() {
    let server = Server::start(&["--cluster-enabled", "yes"]);
    let () = server.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    while !server.command::<String>(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok") {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut two = server.client().await;
    let refused = redis::cmd("MGET").arg("a").arg("b").query_async::<Vec<String>>(&mut two).await.unwrap_err();
    assert_eq!(refused.code(), Some("CROSSSLOT"));
    conforms(Arc::new(server.storage())).await;
}

#[tokio::test]
async fn every_key_in_redis_has_an_expiry_and_the_prefix() {
    let server = Server::start(&[]);
    conforms(Arc::new(server.storage())).await;
    let keys: Vec<Vec<u8>> = server.command(&["KEYS", "*"]).await;
    assert!(keys.len() > 5, "{keys:?}");
    for key in keys {
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut server.client().await).await.unwrap();
        assert!(left != -1 && key.starts_with(b"mainstay:"), "{left} {:?}", String::from_utf8_lossy(&key));
    }
}

#[tokio::test(start_paused = true)]
async fn settings_choose_the_storage() {
    let memory = Store::from_config(&StoreSettings::default()).unwrap();
    assert!(memory.set("key", &1, MINUTE).await.unwrap());
    let wrong = StoreSettings { redis_url: Some("http://a".into()), ..StoreSettings::default() };
    let error = Store::from_config(&wrong).unwrap_err();
    assert_eq!((error.field(), error.value()), ("redis_url", "http://a"));
}

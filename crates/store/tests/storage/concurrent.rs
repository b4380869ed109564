//! Several clients of one server at once.

use std::{sync::Arc, time::Duration};

use mainstay_store::{MemoryStorage, Storage, Store};
use tokio::task::JoinSet;

use crate::server::Server;

const MINUTE: Duration = Duration::from_secs(60);
const TIMES: u32 = 50;

/// Each store counts up by compare and set, and logs what it wrote.
async fn count_up(stores: Vec<Store>) {
    let clients = stores.len() as u32;
    let (first, mut tasks) = (stores[0].clone(), JoinSet::new());
    for store in stores {
        tasks.spawn(async move {
            for _ in 0..TIMES {
                let written = loop {
                    let current: Option<u32> = store.get("count").await.unwrap();
                    let next = current.unwrap_or(0) + 1;
                    if store.compare_and_set("count", current.as_ref(), &next, MINUTE).await.unwrap() {
                        break next;
                    }
                };
                store.append("written", &written, 10_000, MINUTE).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(first.get::<u32>("count").await.unwrap(), Some(clients * TIMES));
    let mut written: Vec<u32> = first.read("written", 10_000).await.unwrap();
    written.sort_unstable();
    assert_eq!(written, (1..=clients * TIMES).collect::<Vec<_>>(), "each number once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_redis_lose_no_update() {
    let server = Server::start(&[]);
    count_up((0..4).map(|_| server.store()).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_over_memory_lose_no_update() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    count_up((0..4).map(|_| Store::new(Arc::clone(&storage))).collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_one_connection() {
    let server = Server::start(&[]);
    let store = server.store();
    let mut tasks = JoinSet::new();
    for key in 0..500_u32 {
        let store = store.clone();
        tasks.spawn(async move {
            let name = format!("{key}");
            assert!(store.set(&name, &key, MINUTE).await.unwrap());
            assert_eq!(store.get::<u32>(&name).await.unwrap(), Some(key));
        });
    }
    tasks.join_all().await;
    let clients: String = server.command(&["CLIENT", "LIST"]).await;
    assert_eq!(clients.lines().count(), 2, "that of the store, and of this command: {clients}");
}

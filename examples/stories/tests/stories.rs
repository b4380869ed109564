//! The stories, told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{collections::HashMap, net::Ipv4Addr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
};
use grpc::{
    messages::Item,
    stock::{Act, Stock},
};
use http::{Request, StatusCode};
use mainstay::Reason;
use serde_json::Value;
use stories::{axum_service, functions::Shop, tonic_pair};
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};
use tonic::{Code, Status};
use tower::ServiceExt;

async fn get(router: &Router, path: &str) -> (StatusCode, Vec<u8>) {
    let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
    (response.status(), to_bytes(response.into_body(), 65_536).await.unwrap().to_vec())
}

async fn limit(router: &Router) -> u64 {
    let snapshots: Value = serde_json::from_slice(&get(router, "/snapshots").await.1).unwrap();
    assert_eq!(snapshots["timeout"]["name"], "orders");
    assert_eq!(snapshots["breaker"]["state"], "closed");
    snapshots["limit"]["limit"].as_u64().unwrap()
}

/// A file in a folder of its own.
fn file(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("stories-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

#[tokio::test(start_paused = true)]
async fn axum_service_follows_its_file_and_shows_its_handles() {
    let settings = file("orders.toml");
    std::fs::write(&settings, "timeout = '2s'\n[limit]\nlimit = 10\n").unwrap();
    let (router, reloading) = axum_service::service(&settings).unwrap();
    assert_eq!(get(&router, "/orders").await, (StatusCode::OK, b"two apples".to_vec()));
    assert_eq!(limit(&router).await, 10);

    std::fs::write(&settings, "timeout = '2s'\n[limit]\nlimit = 20\n").unwrap();
    while reloading.snapshot().applied < 2 {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(limit(&router).await, 20);

    // A wrong setting changes nothing, and is reported with its line.
    std::fs::write(&settings, "timeout = '3s'\n[limit]\nlimit = 0\n").unwrap();
    while reloading.snapshot().refused == 0 {
        sleep(Duration::from_secs(1)).await;
    }
    let error = reloading.snapshot().error.unwrap().to_string();
    assert!(error.contains("orders.toml:3: limit.limit = 0"), "{error}");
    assert_eq!(limit(&router).await, 20);
    std::fs::remove_dir_all(settings.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn tonic_client_repeats_calls_and_ends_at_the_deadline() {
    let stock = Arc::new(Stock::new(8).unwrap());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(tonic_pair::serve(listener, Arc::clone(&stock)));
    let mut client = tonic_pair::connect(address).unwrap();
    let apples = || Item { name: "apples".into() };

    stock.act([Act::Fail(Status::unavailable("restarting"))]);
    let level = client.count(apples()).await.unwrap().into_inner();
    assert_eq!(level.pieces, 5, "the second attempt has answered");
    assert!(level.time_left_ms.unwrap() <= 500, "the server is told the time of one attempt");

    stock.act([
        Act::Take(Duration::from_secs(60)),
        Act::Take(Duration::from_secs(60)),
        Act::Take(Duration::from_secs(60)),
    ]);
    let mut request = tonic::Request::new(apples());
    request.set_timeout(Duration::from_millis(100));
    let status = timeout(Duration::from_secs(30), client.count(request)).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    serving.abort();
}

/// The calls are also made from tasks: their futures are `Send`.
#[tokio::test(start_paused = true)]
async fn plain_functions_run_through_the_handles_of_a_struct() {
    let shop = Arc::new(Shop::new().unwrap());
    let (prices, orders) = (Arc::clone(&shop), Arc::clone(&shop));
    let (price, without) = tokio::spawn(async move { (prices.price(3).await, prices.price(0).await) }).await.unwrap();
    assert_eq!((price.unwrap(), without.unwrap()), (30, 100));
    assert_eq!((shop.prices.snapshot().answered, shop.retrier.snapshot().calls), (1, 2));
    assert!(shop.breaker.snapshot().failures > 0);
    assert_eq!(shop.label(3).await.unwrap(), "article 3");
    assert_eq!(shop.limit.snapshot().in_flight, 0);
    assert_eq!(tokio::spawn(async move { orders.order(3).await }).await.unwrap().unwrap(), "order of 3");
}

#[cfg(unix)]
#[tokio::test]
async fn own_protocol_uses_three_endpoints_and_typed_errors() {
    use stories::protocol::{Command, StoreError, client};

    // A port on which nothing listens, and a socket that does not exist.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let snapshot = HashMap::from([("apple".to_owned(), 35)]);
    let (store, handles) = client(closed, PathBuf::from("/nonexistent/store.sock"), snapshot).unwrap();

    let get = |key: &str| store.clone().oneshot(Command::Get(key.to_owned()));
    // The first two endpoints are left after some refused connections; until then a request may end there.
    let left = async {
        while handles.failover.snapshot().active.as_deref() != Some("snapshot") {
            let _ = get("apple").await;
        }
    };
    timeout(Duration::from_secs(30), left).await.unwrap();
    assert_eq!(get("apple").await.unwrap(), 35);
    assert!(matches!(get("pear").await, Err(StoreError::NotFound)));
    let set = store.clone().oneshot(Command::Set("apple".to_owned(), 40)).await;
    assert!(matches!(set, Err(StoreError::Io(_))), "{set:?}");

    handles.endpoints.iter().for_each(|endpoint| endpoint.limit.resize(1).unwrap());
    let _held: Vec<_> = handles.endpoints.iter().map(|endpoint| endpoint.limit.try_acquire().unwrap()).collect();
    let Err(StoreError::Refused(refused)) = get("apple").await else { panic!("no permit is free") };
    assert_eq!(refused.reason(), Reason::BulkheadFull);
}

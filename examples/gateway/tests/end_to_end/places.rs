//! Places are given back: a frozen backend, clients that read nothing, and idle connections hold none for ever.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};

use crate::{
    client::{Answer, stream, until},
    gateway::{Backend, Gateway, Harness, PATIENT},
    process::TEST_TIMEOUT,
};

/// As many places as these tests hold.
const PLACES: usize = 4;
const FEW_PLACES: (&str, &str) = ("MAX_CONCURRENT_REQUESTS", "4");

async fn until_all_are_free(gateway: &Gateway) {
    until("all places are free", async || (gateway.status().await["entrance"]["in_flight"] == 0).then_some(())).await;
}

async fn until_all_are_taken(gateway: &Gateway) {
    until("all places are taken", async || (gateway.status().await["entrance"]["in_flight"] == PLACES).then_some(()))
        .await;
}

#[tokio::test]
async fn frozen_primary_gives_its_places_back_and_its_downloads_break() {
    let settings: Vec<_> = [FEW_PLACES, ("BODY_IDLE_SECONDS", "3")].into_iter().chain(PATIENT).collect();
    let mut harness = Harness::start(&settings);
    let uri = format!("http://{}/api/v1/bytes/50000000000", harness.gateway.address());
    let mut downloads = JoinSet::new();
    // Answers of the backup take places for a moment, too.
    let (begun, mut begins) = mpsc::channel(PLACES);
    for _ in 0..PLACES {
        let (uri, begun) = (uri.clone(), begun.clone());
        downloads.spawn(async move {
            // On a slow machine a second attempt may win. The backup does not freeze, so that such a download does not end.
            let from_primary = async || loop {
                let answer = stream(Request::get(&uri).body(Body::empty()).unwrap()).await;
                if answer.headers()["x-served-by"] == "primary" {
                    return answer;
                }
            };
            let mut body = from_primary().await.into_body();
            begun.send(()).await.unwrap();
            while let Some(frame) = body.frame().await {
                if frame.is_err() {
                    return true;
                }
            }
            false
        });
    }
    for _ in 0..PLACES {
        timeout(TEST_TIMEOUT, begins.recv()).await.expect("downloads from the primary");
    }
    until_all_are_taken(&harness.gateway).await;
    harness.primary.process().stop().await;
    assert_eq!(harness.gateway.get("/api/v1/json").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(harness.gateway.get("/ready").await.status, StatusCode::OK);
    // Truncated, and not complete.
    assert_eq!(downloads.join_all().await, [true; PLACES]);
    until_all_are_free(&harness.gateway).await;
    let answer = harness.gateway.get("/api/v1/json").await;
    assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "backup"));
    harness.primary.process().signal("CONT");
}

#[tokio::test]
async fn clients_that_read_nothing_give_their_places_back() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[FEW_PLACES, ("CLIENT_WRITE_SECONDS", "1")]);
    let mut clients = Vec::new();
    for _ in 0..PLACES {
        let mut client = TcpStream::connect(gateway.address()).await.unwrap();
        client.write_all(b"GET /api/v1/bytes/50000000000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        clients.push(client);
    }
    until_all_are_taken(&gateway).await;
    until_all_are_free(&gateway).await;
    assert_eq!(gateway.get("/api/v1/json").await.status, StatusCode::OK);
}

#[tokio::test]
async fn http2_clients_with_zero_window_give_their_places_back() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[FEW_PLACES, ("CLIENT_WRITE_SECONDS", "1")]);
    // SETTINGS_INITIAL_WINDOW_SIZE is 0. GET, http, the path, and `test` for the authority.
    let path = b"/api/v1/bytes/50000000000";
    let block = [&[0x82, 0x86, 0x44, path.len() as u8], &path[..], &[0x41, 4], b"test"].concat();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0";
    let request = [&preface[..], &[0, 0, block.len() as u8, 1, 5, 0, 0, 0, 1], &block].concat();
    let mut clients = Vec::new();
    for _ in 0..PLACES {
        let mut client = TcpStream::connect(gateway.address()).await.unwrap();
        client.write_all(&request).await.unwrap();
        clients.push(client);
    }
    until_all_are_taken(&gateway).await;
    until_all_are_free(&gateway).await;
    assert_eq!(gateway.get("/api/v1/json").await.status, StatusCode::OK);
}

#[tokio::test]
async fn slow_head_is_closed() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("HEADER_READ_SECONDS", "0.3")]);
    for part in ["", "GET /api/v1/json HTTP/1.1\r\nHos"] {
        let mut client = TcpStream::connect(gateway.address()).await.unwrap();
        client.write_all(part.as_bytes()).await.unwrap();
        let closed = timeout(TEST_TIMEOUT, client.read_to_end(&mut Vec::new())).await;
        assert_eq!(closed.expect("it is closed").unwrap(), 0);
    }
}

#[tokio::test]
async fn connections_above_the_limit_ask_the_own_paths_only() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("MAX_CONNECTIONS", "3")]);
    let mut idle = Vec::new();
    for _ in 0..3 {
        let mut client = TcpStream::connect(gateway.address()).await.unwrap();
        client.write_all(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        assert!(client.read(&mut [0; 4096]).await.unwrap() > 0);
        idle.push(client);
    }
    for path in ["/healthz", "/ready", "/live", "/metrics", "/status.json"] {
        assert_eq!(gateway.get(path).await.status, StatusCode::OK, "{path}");
    }
    for _ in 0..20 {
        let refused = gateway.get("/api/v1/json").await;
        assert_eq!((refused.status, refused.served_by()), (StatusCode::SERVICE_UNAVAILABLE, "gateway"));
        assert_eq!(refused.header("retry-after"), "1");
    }
    let log = gateway.until_logged("connection limit reached").await;
    assert_eq!(log.matches("connection limit reached").count(), 1, "{log}");
    drop(idle);
    until("connections are free", async || (gateway.get("/api/v1/json").await.status == StatusCode::OK).then_some(()))
        .await;
}

fn limits(health: &Answer) -> String {
    health.json()["checks"]["limits"]["status"].as_str().unwrap_or_default().to_owned()
}

/// It takes the ten seconds after which a full limit is no moment any more.
#[tokio::test]
async fn limit_that_stays_full_is_degraded_and_ready() {
    let backend = Backend::start("primary");
    let long = [("MAX_CONCURRENT_REQUESTS", "1"), ("ATTEMPT_TIMEOUT_SECONDS", "60"), ("REQUEST_TIMEOUT_SECONDS", "90")];
    let gateway = Gateway::before(&backend, &long);
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    client.write_all(b"GET /api/v1/delay/60000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let health = until("the limit is reported", async || {
        let health = gateway.get("/healthz").await;
        (limits(&health) == "degraded").then_some(health)
    })
    .await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(gateway.get("/ready").await.status, StatusCode::OK);
    let log = gateway.until_logged("the limit has been full for 10s").await;
    assert_eq!(log.matches("limit=entrance").count(), 1, "{log}");
    drop(client);
    until("it is free", async || (limits(&gateway.get("/healthz").await) == "healthy").then_some(())).await;
}

/// The client writes the whole upload before it reads.
#[tokio::test]
async fn refused_upload_gets_its_503_and_no_reset() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("MAX_CONCURRENT_REQUESTS", "1"), ("ATTEMPT_TIMEOUT_SECONDS", "4")]);
    let mut holder = TcpStream::connect(gateway.address()).await.unwrap();
    holder.write_all(b"GET /api/v1/delay/3000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    let head = b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n";
    client.write_all(head).await.unwrap();
    client.write_all(&vec![b'x'; 20_000_000]).await.expect("the gateway reads on");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("no reset");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

/// hyper skips interim answers without a limit, and reads them for as long as they come. Probes get them, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_interim_answers_end_the_request_at_once_and_take_no_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Without the limit of interim answers, the request would end at the client's timeout.
    let mut gateway = Gateway::start(&[
        ("BACKEND_API_URL", &url),
        ("ATTEMPT_TIMEOUT_SECONDS", "60"),
        ("REQUEST_TIMEOUT_SECONDS", "120"),
    ]);
    let flood = tokio::spawn(async move {
        let mut floods = JoinSet::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            floods.spawn(async move {
                let _ = connection.read(&mut [0; 4096]).await;
                let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(1_000);
                while connection.write_all(interim.as_bytes()).await.is_ok() {}
            });
        }
    });
    let before = gateway.process().memory();
    for _ in 0..3 {
        let (answer, live) = tokio::join!(gateway.get("/api/v1/json"), gateway.get("/live"));
        assert_eq!((answer.status, live.status), (StatusCode::BAD_GATEWAY, StatusCode::OK), "{answer:?}");
    }
    let status = gateway.status().await;
    let endpoint = &status["failover"]["endpoints"][0];
    assert!(endpoint["breaker"]["failures"].as_u64() > Some(0), "the backend is at fault: {endpoint:#}");
    let after = gateway.process().memory();
    assert!(after.peak < before.now + (12 << 20), "{before:?} {after:?}");
    flood.abort();
}

//! The limit of concurrent requests: further ones are refused at once, and health endpoints are exempt.

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::{send, stream, until},
    gateway::{Backend, Gateway},
};

#[tokio::test]
async fn requests_beyond_limit_get_503_and_health_is_answered() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("MAX_CONCURRENT_REQUESTS", "1"), ("ATTEMPT_TIMEOUT_SECONDS", "4")]);
    let uri = format!("http://{}/api/v1/delay/600", gateway.address());
    let first = tokio::spawn(async move { send(Request::get(uri).body(Body::empty()).unwrap()).await });
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;

    let refused = gateway.get("/api/v1/json").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{refused:?}");
    assert_eq!(refused.header("content-type"), "application/problem+json");
    for path in ["/healthz", "/live", "/metrics", "/status.json"] {
        assert_eq!(gateway.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(first.await.unwrap().status, StatusCode::OK);
    assert_eq!(gateway.get("/api/v1/json").await.status, StatusCode::OK);
}

/// A long download is a request in flight until its last byte.
#[tokio::test]
async fn permit_is_held_until_the_body_has_ended() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("MAX_CONCURRENT_REQUESTS", "1")]);
    let uri = format!("http://{}/api/v1/bytes/50000000", gateway.address());
    let mut download = stream(Request::get(uri).body(Body::empty()).unwrap()).await.into_body();
    download.frame().await.unwrap().unwrap();
    assert_eq!(gateway.get("/api/v1/json").await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(download);
    until("its permit is free", async || (gateway.get("/api/v1/json").await.status == StatusCode::OK).then_some(()))
        .await;
}

/// The request is dropped at the gateway and at the backend.
#[tokio::test]
async fn disconnected_client_frees_its_permit() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("ATTEMPT_TIMEOUT_SECONDS", "60"), ("REQUEST_TIMEOUT_SECONDS", "90")]);
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    client.write_all(b"GET /api/v1/delay/60000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    drop(client);
    until("its permit is free", async || (gateway.status().await["entrance"]["in_flight"] == 0).then_some(())).await;
}

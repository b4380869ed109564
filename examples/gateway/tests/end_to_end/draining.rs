//! SIGTERM: the gateway is not ready at once, requests in flight finish, and no connection delays the exit.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{get, send, until},
    gateway::{Backend, Gateway},
};

/// Sends a slow request, and waits until it is in flight.
async fn slow_request(gateway: &Gateway, ms: u64) -> tokio::task::JoinHandle<crate::client::Answer> {
    let uri = format!("http://{}/api/v1/delay/{ms}", gateway.address());
    let asked = tokio::spawn(async move { send(Request::get(uri).body(Body::empty()).unwrap()).await });
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    asked
}

#[tokio::test]
async fn slow_request_finishes_and_exit_code_is_0() {
    let backend = Backend::start("primary");
    let mut gateway = Gateway::before(&backend, &[("ATTEMPT_TIMEOUT_SECONDS", "4")]);
    let asked = slow_request(&gateway, 700).await;
    gateway.process().signal("TERM");
    let answer = asked.await.unwrap();
    assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "primary"));
    assert_eq!(gateway.process().ended().await.code(), Some(0));
}

#[tokio::test]
async fn draining_gateway_serves_and_is_not_ready_until_listener_closes() {
    let backend = Backend::start("primary");
    let mut gateway = Gateway::before(&backend, &[("DRAIN_DELAY_SECONDS", "2")]);
    until("it is ready", async || (gateway.get("/ready").await.status == StatusCode::OK).then_some(())).await;
    gateway.process().signal("TERM");
    let ready = until("it is not ready", async || {
        let answer = gateway.get("/ready").await;
        (answer.status == StatusCode::SERVICE_UNAVAILABLE).then_some(answer)
    })
    .await;
    assert_eq!(ready.json()["ready"], json!(false));
    assert_eq!(gateway.get("/live").await.status, StatusCode::OK);
    assert_eq!(gateway.get("/api/v1/json").await.status, StatusCode::OK);
    // A second signal skips the rest of the delay.
    gateway.process().signal("TERM");
    assert_eq!(gateway.process().ended().await.code(), Some(0));
    assert!(TcpStream::connect(gateway.address()).await.is_err());
}

#[tokio::test]
async fn unfinished_request_is_cut_off_and_exit_code_is_not_0() {
    let backend = Backend::start("primary");
    let settings = [("DRAIN_TIMEOUT_SECONDS", "0.3"), ("ATTEMPT_TIMEOUT_SECONDS", "4.5")];
    let mut gateway = Gateway::before(&backend, &settings);
    let mut connection = TcpStream::connect(gateway.address()).await.unwrap();
    connection.write_all(b"GET /api/v1/delay/4000 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    gateway.process().signal("TERM");
    let code = gateway.process().ended().await.code();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    let mut answer = Vec::new();
    let _ = connection.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
}

/// `axum::serve` 0.8 would wait without end.
#[tokio::test]
async fn half_a_request_head_does_not_delay_the_exit() {
    let backend = Backend::start("primary");
    // Longer than the test waits for the end.
    let mut gateway = Gateway::before(&backend, &[("DRAIN_TIMEOUT_SECONDS", "600")]);
    let mut half = TcpStream::connect(gateway.address()).await.unwrap();
    half.write_all(b"GET /api/v1/json HTTP/1.1\r\nHos").await.unwrap();
    let mut idle = TcpStream::connect(gateway.address()).await.unwrap();
    idle.write_all(b"GET /api/v1/json HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 4096]).await.unwrap() > 0);
    gateway.process().signal("TERM");
    assert_eq!(gateway.process().ended().await.code(), Some(0));
}

#[tokio::test]
async fn sigint_skips_the_delay() {
    let backend = Backend::start("primary");
    let mut gateway = Gateway::before(&backend, &[("DRAIN_DELAY_SECONDS", "600")]);
    get(gateway.address(), "/api/v1/json").await;
    gateway.process().signal("INT");
    assert_eq!(gateway.process().ended().await.code(), Some(0));
}

//! Clients that are slow to send: they are waited for, and no backend is blamed for them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::{client::until, gateway::Trio};

/// A request whose body is on its way: two bytes of five.
async fn begin(trio: &Trio) -> TcpStream {
    let mut client = TcpStream::connect(trio.gateway.address()).await.unwrap();
    let begun = b"PUT /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe";
    client.write_all(begun).await.unwrap();
    client
}

async fn answer(mut client: TcpStream) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn failover(trio: &Trio) -> Value {
    trio.gateway.status().await["failover"].clone()
}

/// A second attempt would take the body away from the first and wait for the same client; its answer would then count
/// against the primary.
#[tokio::test]
async fn a_slow_client_is_no_silence_of_the_primary() {
    let trio = Trio::start(&[]);
    for _ in 0..3 {
        let mut client = begin(&trio).await;
        // Longer than the silence that brings a second attempt; a pause is what this test is about.
        sleep(Duration::from_millis(700)).await;
        client.write_all(b"llo").await.unwrap();
        let answer = answer(client).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-served-by: primary"), "{answer}");
        assert!(answer.contains(r#""body":"hello""#), "{answer}");
    }
    assert_eq!(failover(&trio).await["second_attempts"]["on_delay"], json!(0));
}

#[tokio::test]
async fn a_client_that_never_finishes_is_told_so_and_the_primary_is_not_blamed() {
    let trio = Trio::start(&[]);
    // As many as would have the primary left.
    for _ in 0..2 {
        let answer = answer(begin(&trio).await).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("x-served-by: gateway"), "{answer}");
    }
    let failover = failover(&trio).await;
    assert_eq!(failover["active"], "primary");
    assert_eq!(failover["endpoints"][0]["breaker"]["failures"], 0, "{failover:#}");
}

/// Backend and client talk with each other: the answer is there, and no time limit applies any more.
#[tokio::test]
async fn once_there_is_an_answer_a_client_may_take_its_time() {
    let trio = Trio::start(&[("ATTEMPT_TIMEOUT_SECONDS", "0.5")]);
    let mut client = TcpStream::connect(trio.gateway.address()).await.unwrap();
    let begun = b"POST /api/v1/stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe";
    client.write_all(begun).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(6).any(|end| end == b"\r\n\r\nhe") && !answer.ends_with(b"he\r\n") {
        assert!(client.read_buf(&mut answer).await.unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
    }
    // Longer than an attempt may take.
    sleep(Duration::from_millis(800)).await;
    client.write_all(b"llo").await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("llo"), "{rest}");
}

/// What was sent so far is kept: the backup gets it, and what still comes.
#[tokio::test]
async fn a_primary_that_breaks_off_in_the_middle_is_replaced() {
    let trio = Trio::start(&[("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000")]);
    trio.primary.fault(json!({ "fault": "reset" })).await;
    let mut client = begin(&trio).await;
    until("the backup is asked", async || (failover(&trio).await["second_attempts"]["on_error"] == 1).then_some(()))
        .await;
    client.write_all(b"llo").await.unwrap();
    let answer = answer(client).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-served-by: backup"), "{answer}");
    assert!(answer.contains(r#""body":"hello""#), "{answer}");
}

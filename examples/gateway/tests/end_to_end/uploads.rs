//! Clients that send slowly: the gateway waits for them and blames no backend.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::{client::until, gateway::Harness};

/// Sends a request with two of the five bytes of its body.
async fn begin(harness: &Harness) -> TcpStream {
    let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
    let begun = b"PUT /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe";
    client.write_all(begun).await.unwrap();
    client
}

async fn answer(mut client: TcpStream) -> String {
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn failover(harness: &Harness) -> Value {
    harness.gateway.status().await["failover"].clone()
}

/// A second attempt would take the body away from the first and wait for the same client; its answer would then count
/// against the primary.
#[tokio::test]
async fn slow_client_causes_no_second_attempt() {
    let harness = Harness::start(&[]);
    for _ in 0..3 {
        let mut client = begin(&harness).await;
        // Longer than the delay of a second attempt. The pause is the point of this test.
        sleep(Duration::from_millis(700)).await;
        client.write_all(b"llo").await.unwrap();
        let answer = answer(client).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-served-by: primary"), "{answer}");
        assert!(answer.contains(r#""body":"hello""#), "{answer}");
    }
    assert_eq!(failover(&harness).await["second_attempts"]["on_delay"], json!(0));
}

#[tokio::test]
async fn unfinished_upload_gets_408_and_primary_is_not_blamed() {
    let harness = Harness::start(&[("BODY_IDLE_SECONDS", "0.3")]);
    // As many failures would make the gateway leave the primary.
    for _ in 0..2 {
        let answer = answer(begin(&harness).await).await;
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("x-served-by: gateway"), "{answer}");
    }
    let failover = failover(&harness).await;
    assert_eq!(failover["active"], "primary");
    assert_eq!(failover["endpoints"][0]["breaker"]["failures"], 0, "{failover:#}");
}

/// The primary was left ("20 of 20 calls failed") although it had nothing to answer: each upload was longer than the delay of a
/// second attempt and than the time after which a caller counts as gone.
#[tokio::test]
async fn slow_and_stalled_uploads_count_for_nothing() {
    let harness = Harness::start(&[("BODY_IDLE_SECONDS", "3")]);
    let address = harness.gateway.address();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let stalled = begin(&harness).await;
        clients.spawn(async move {
            let answer = answer(stalled).await;
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        });
        // One that its caller leaves in the middle.
        let left = begin(&harness).await;
        clients.spawn(async move {
            sleep(Duration::from_millis(1_500)).await;
            drop(left);
        });
        clients.spawn(async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            let head = b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 400000\r\n\r\n";
            client.write_all(head).await.unwrap();
            for _ in 0..25 {
                client.write_all(&[b'x'; 16_000]).await.unwrap();
                // The pace is the point of this test.
                sleep(Duration::from_millis(100)).await;
            }
            let answer = answer(client).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""bytes":400000"#), "{answer}");
            assert!(answer.contains("x-served-by: primary"), "{answer}");
        });
    }
    clients.join_all().await;
    let failover = failover(&harness).await;
    let primary = &failover["endpoints"][0];
    assert_eq!((&failover["active"], &failover["epoch"]), (&json!("primary"), &json!(0)), "{failover:#}");
    assert_eq!((&primary["suspensions"], &primary["consecutive_failures"]), (&json!(0), &json!(0)), "{failover:#}");
    assert_eq!((&primary["overdue"], &primary["breaker"]["failures"]), (&json!(0), &json!(0)), "{failover:#}");
    let log = harness.gateway.until_logged("started").await;
    assert!(!log.contains("overdue"), "{log}");
}

/// The whole upload takes longer than the timeouts, which run from its last byte.
#[tokio::test]
async fn steady_upload_that_is_longer_than_the_timeouts_is_whole() {
    let harness = Harness::start(&[("ATTEMPT_TIMEOUT_SECONDS", "0.6"), ("REQUEST_TIMEOUT_SECONDS", "0.8")]);
    let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
    let head = b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n";
    client.write_all(head).await.unwrap();
    for _ in 0..15 {
        client.write_all(&[b'x'; 20_000]).await.unwrap();
        // The pace is the point of this test.
        sleep(Duration::from_millis(100)).await;
    }
    let answer = answer(client).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(r#""bytes":300000"#), "{answer}");
    assert_eq!(failover(&harness).await["endpoints"][0]["breaker"]["failures"], 0);
}

/// A frozen backend takes nothing, and its client is not slow.
#[tokio::test]
async fn upload_to_frozen_primary_is_timed_out() {
    let mut harness =
        Harness::start(&[("ATTEMPT_TIMEOUT_SECONDS", "0.5"), ("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000")]);
    harness.primary.process().stop().await;
    let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
    let head = b"POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100000000\r\n\r\n";
    client.write_all(head).await.unwrap();
    let (mut reader, mut writer) = client.split();
    let upload = async {
        while writer.write_all(&[b'x'; 20_000]).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    let mut answer = String::new();
    tokio::select! {
        read = reader.read_to_string(&mut answer) => drop(read.unwrap()),
        () = upload => {}
    }
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    harness.primary.process().signal("CONT");
}

/// What is broken is the client's request: no backend is blamed for it.
#[tokio::test]
async fn broken_upload_gets_400_and_primary_is_not_blamed() {
    let harness = Harness::start(&[("LOG_LEVEL", "debug")]);
    let head = "POST /api/v1/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    for broken in [
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
        "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nab",
        "Content-Length: 5\r\n\r\nhe",
    ] {
        let broken = format!("{head}{broken}");
        for _ in 0..3 {
            let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
            client.write_all(broken.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            let answer = answer(client).await;
            assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        }
        // The client does not read.
        let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
        client.write_all(broken.as_bytes()).await.unwrap();
        drop(client);
        let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
        client.write_all(broken.as_bytes()).await.unwrap();
        client.set_zero_linger().unwrap();
    }
    harness.gateway.until_logged("status=400").await;
    until("all have ended", async || (harness.gateway.status().await["entrance"]["in_flight"] == 0).then_some(()))
        .await;
    let failover = failover(&harness).await;
    assert_eq!(failover["active"], "primary");
    assert_eq!(failover["endpoints"][0]["breaker"]["failures"], 0, "{failover:#}");
}

/// No time limit applies after the head of the answer, because client and backend may exchange messages.
#[tokio::test]
async fn upload_has_no_time_limit_after_the_answer_has_begun() {
    let harness = Harness::start(&[("ATTEMPT_TIMEOUT_SECONDS", "0.5")]);
    let mut client = TcpStream::connect(harness.gateway.address()).await.unwrap();
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

/// The backup gets the part of the body that was sent before, and the rest.
#[tokio::test]
async fn reset_during_upload_moves_the_request_to_the_backup() {
    let harness = Harness::start(&[("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000")]);
    harness.primary.fault(json!({ "fault": "reset" })).await;
    let mut client = begin(&harness).await;
    until("the backup is asked", async || (failover(&harness).await["second_attempts"]["on_error"] == 1).then_some(()))
        .await;
    client.write_all(b"llo").await.unwrap();
    let answer = answer(client).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-served-by: backup"), "{answer}");
    assert!(answer.contains(r#""body":"hello""#), "{answer}");
}

//! The phases of a shutdown, and the signals that skip them.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep};

use crate::{
    client::until,
    connection::Connection,
    gateway::{Backend, Gateway},
    stopwatch::{Stopwatch, counts},
};

const DELAY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(2);
const AT_ONCE: Duration = Duration::ZERO;

/// A delay of 1 s, a timeout of 2 s, and long timeouts for backends.
const SHORT: [(&str, &str); 4] = settings("1", "2");
/// Longer than any test of this file runs.
const LONG: [(&str, &str); 4] = settings("600", "600");

const fn settings(delay: &'static str, timeout: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("DRAIN_DELAY_SECONDS", delay),
        ("DRAIN_TIMEOUT_SECONDS", timeout),
        ("ATTEMPT_TIMEOUT_SECONDS", "90"),
        ("REQUEST_TIMEOUT_SECONDS", "120"),
    ]
}

/// Starts a gateway and its backend, and waits until the gateway is ready.
async fn serving(settings: &[(&str, &str)]) -> (Gateway, Backend) {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, settings);
    until("it is ready", async || (gateway.get("/ready").await.status == StatusCode::OK).then_some(())).await;
    (gateway, backend)
}

/// Sends a request that takes a minute, and waits until it is in flight.
async fn send_long_request(gateway: &Gateway) -> Connection {
    let mut connection = Connection::open(gateway.address()).await;
    connection.send("/api/v1/delay/60000").await;
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    connection
}

async fn until_closed(gateway: &Gateway) {
    until("the listener is closed", async || Connection::try_open(gateway.address()).await.is_none().then_some(()))
        .await;
}

#[tokio::test]
async fn idle_gateway_ends_after_the_delay() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let stopwatch = Stopwatch::signal(&mut gateway, "TERM");
    stopwatch.ends(&mut gateway, DELAY, 0).await;
}

/// `axum::serve` 0.8 would wait without end for both.
#[tokio::test]
async fn idle_connection_and_half_a_request_head_do_not_delay_the_exit() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let mut idle = Connection::open(gateway.address()).await;
    assert!(idle.get("/api/v1/json").await.starts_with("HTTP/1.1 200 "));
    let mut half = Connection::open(gateway.address()).await;
    half.write("GET /api/v1/json HTTP/1.1\r\nHos").await;
    let silent = Connection::open(gateway.address()).await;
    let stopwatch = Stopwatch::signal(&mut gateway, "TERM");
    stopwatch.ends(&mut gateway, DELAY, 0).await;
    for connection in [idle, half, silent] {
        assert_eq!(connection.rest().await, "");
    }
}

#[tokio::test]
async fn long_request_is_cut_off_at_the_timeout() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let asked = send_long_request(&gateway).await;
    let stopwatch = Stopwatch::signal(&mut gateway, "TERM");
    stopwatch.ends(&mut gateway, DELAY + TIMEOUT, 1).await;
    assert_eq!(asked.rest().await, "");
    let counts = counts(&gateway).await;
    assert!(counts.contains("aborted 1,"), "{counts}");
}

#[tokio::test]
async fn gateway_ends_when_the_last_request_is_answered() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let mut connection = Connection::open(gateway.address()).await;
    let asked = Instant::now();
    connection.send("/api/v1/delay/2000").await;
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    let stopwatch = Stopwatch::signal(&mut gateway, "TERM");
    let left = Duration::from_secs(2).saturating_sub(asked.elapsed());
    stopwatch.ends(&mut gateway, left.max(DELAY), 0).await;
    let answer = connection.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn sigint_skips_the_delay() {
    let (mut gateway, _backend) = serving(&LONG).await;
    let stopwatch = Stopwatch::signal(&mut gateway, "INT");
    stopwatch.ends(&mut gateway, AT_ONCE, 0).await;
}

#[tokio::test]
async fn each_further_signal_skips_a_phase() {
    let (mut gateway, _backend) = serving(&LONG).await;
    let asked = send_long_request(&gateway).await;
    gateway.process().signal("TERM");
    until("it drains", async || (gateway.get("/ready").await.status != StatusCode::OK).then_some(())).await;

    let second = Stopwatch::signal(&mut gateway, "TERM");
    until_closed(&gateway).await;
    second.assert_elapsed(AT_ONCE, "the listener closed");

    let third = Stopwatch::signal(&mut gateway, "INT");
    third.ends(&mut gateway, AT_ONCE, 1).await;
    assert_eq!(asked.rest().await, "");
    let counts = counts(&gateway).await;
    assert!(counts.contains("aborted 1,"), "{counts}");
}

#[tokio::test]
async fn gateway_in_its_delay_serves_is_live_and_not_ready() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let stopwatch = Stopwatch::signal(&mut gateway, "TERM");
    until("it is not ready", async || (gateway.get("/ready").await.status != StatusCode::OK).then_some(())).await;
    stopwatch.assert_elapsed(AT_ONCE, "it was not ready");
    let rounds = poll_until_closed(&gateway).await;
    stopwatch.assert_elapsed(DELAY, "the listener closed");
    assert!(rounds > 2, "{rounds}");
    stopwatch.ends(&mut gateway, DELAY, 0).await;
}

/// Sends one request to each path in a loop while connections are accepted. Returns the number of rounds.
async fn poll_until_closed(gateway: &Gateway) -> u32 {
    for round in 0.. {
        for (path, status) in [("/ready", "503"), ("/live", "200"), ("/api/v1/json", "200")] {
            let Some(mut connection) = Connection::try_open(gateway.address()).await else { return round };
            // An open connection is served, even if the listener has closed since.
            let Some(answer) = connection.try_get(path).await else {
                // The system resets one that came between the last accept and the close.
                assert!(Connection::try_open(gateway.address()).await.is_none(), "reset, and the listener is open");
                return round;
            };
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
            assert!(answer.contains("connection: close"), "{path}: {answer}");
        }
        sleep(Duration::from_millis(50)).await;
    }
    unreachable!("the listener closes")
}

//! Signal by signal, phase by phase.

use std::time::Duration;

use http::StatusCode;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use crate::{
    client::until,
    connection::Connection,
    gateway::{Backend, Gateway},
    stopwatch::{Stopwatch, counts},
};

const DELAY: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(2);
const AT_ONCE: Duration = Duration::ZERO;

/// A second of delay, two of timeout, and patience with backends.
const SHORT: [(&str, &str); 4] = settings("1", "2");
/// Nothing of this test waits for so long.
const LONG: [(&str, &str); 4] = settings("600", "600");

const fn settings(delay: &'static str, timeout: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("DRAIN_DELAY_SECONDS", delay),
        ("DRAIN_TIMEOUT_SECONDS", timeout),
        ("ATTEMPT_TIMEOUT_SECONDS", "90"),
        ("REQUEST_TIMEOUT_SECONDS", "120"),
    ]
}

/// A gateway that serves, and its backend.
async fn serving(settings: &[(&str, &str)]) -> (Gateway, Backend) {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, settings);
    until("it is ready", async || (gateway.get("/ready").await.status == StatusCode::OK).then_some(())).await;
    (gateway, backend)
}

/// Sends a request that would take a minute, and waits until it is in flight.
async fn asked_for_a_minute(gateway: &Gateway) -> Connection {
    let mut connection = Connection::open(gateway.address()).await;
    connection.ask("/api/v1/delay/60000").await;
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    connection
}

async fn until_closed(gateway: &Gateway) {
    until("the listener is closed", async || TcpStream::connect(gateway.address()).await.is_err().then_some(())).await;
}

#[tokio::test]
async fn idle_it_ends_after_the_delay() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let told = Stopwatch::signal(&mut gateway, "TERM");
    told.ends(&mut gateway, DELAY, 0).await;
}

/// `axum::serve` 0.8 hangs on both.
#[tokio::test]
async fn an_idle_client_and_half_a_request_head_hold_nothing_up() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let mut idle = Connection::open(gateway.address()).await;
    assert!(idle.get("/api/v1/json").await.starts_with("HTTP/1.1 200 "));
    let mut half = Connection::open(gateway.address()).await;
    half.write("GET /api/v1/json HTTP/1.1\r\nHos").await;
    let silent = Connection::open(gateway.address()).await;
    let told = Stopwatch::signal(&mut gateway, "TERM");
    told.ends(&mut gateway, DELAY, 0).await;
    for connection in [idle, half, silent] {
        assert_eq!(connection.rest().await, "");
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_cut_off_at_the_timeout() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let asked = asked_for_a_minute(&gateway).await;
    let told = Stopwatch::signal(&mut gateway, "TERM");
    told.ends(&mut gateway, DELAY + TIMEOUT, 1).await;
    assert_eq!(asked.rest().await, "");
    let counts = counts(&gateway).await;
    assert!(counts.contains("aborted 1,"), "{counts}");
}

#[tokio::test]
async fn it_ends_as_soon_as_the_last_request_is_answered() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let mut connection = Connection::open(gateway.address()).await;
    let asked = Instant::now();
    connection.ask("/api/v1/delay/2000").await;
    until("it is in flight", async || (gateway.status().await["entrance"]["in_flight"] == 1).then_some(())).await;
    let told = Stopwatch::signal(&mut gateway, "TERM");
    let left = Duration::from_secs(2).saturating_sub(asked.elapsed());
    told.ends(&mut gateway, left.max(DELAY), 0).await;
    let answer = connection.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn an_interrupt_skips_the_delay() {
    let (mut gateway, _backend) = serving(&LONG).await;
    let told = Stopwatch::signal(&mut gateway, "INT");
    told.ends(&mut gateway, AT_ONCE, 0).await;
}

#[tokio::test]
async fn each_further_signal_skips_a_phase() {
    let (mut gateway, _backend) = serving(&LONG).await;
    let asked = asked_for_a_minute(&gateway).await;
    gateway.process().signal("TERM");
    until("it drains", async || (gateway.get("/ready").await.status != StatusCode::OK).then_some(())).await;

    let second = Stopwatch::signal(&mut gateway, "TERM");
    until_closed(&gateway).await;
    second.says(AT_ONCE, "the listener closed");

    let third = Stopwatch::signal(&mut gateway, "INT");
    third.ends(&mut gateway, AT_ONCE, 1).await;
    assert_eq!(asked.rest().await, "");
    let counts = counts(&gateway).await;
    assert!(counts.contains("aborted 1,"), "{counts}");
}

#[tokio::test]
async fn until_the_delay_is_over_it_serves_lives_and_is_not_ready() {
    let (mut gateway, _backend) = serving(&SHORT).await;
    let told = Stopwatch::signal(&mut gateway, "TERM");
    until("it is not ready", async || (gateway.get("/ready").await.status != StatusCode::OK).then_some(())).await;
    told.says(AT_ONCE, "it was not ready");
    let rounds = watched_until_closed(&gateway).await;
    told.says(DELAY, "the listener closed");
    assert!(rounds > 2, "{rounds}");
    told.ends(&mut gateway, DELAY, 0).await;
}

/// Asks everything again and again while connections are accepted. Gives the number of rounds.
async fn watched_until_closed(gateway: &Gateway) -> u32 {
    for round in 0.. {
        for (path, status) in [("/ready", "503"), ("/live", "200"), ("/api/v1/json", "200")] {
            let Some(mut connection) = Connection::try_open(gateway.address()).await else { return round };
            // One that was opened in time is served, be the listener closed by now.
            let answer = connection.get(path).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer}");
            assert!(answer.contains("connection: close"), "{path}: {answer}");
        }
        sleep(Duration::from_millis(50)).await;
    }
    unreachable!("it closes")
}

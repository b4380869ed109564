//! Checks of a downstream service and of a Redis, over real loopback sockets.
#![cfg(all(feature = "axum", feature = "http", feature = "redis"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::time::Duration;

use axum::{Router, http::StatusCode, routing::get};
use mainstay_core::Random;
use mainstay_health::{Check, CheckSnapshot, Health, HealthBuilder, Level, ProbeLoopGuard};
use mainstay_http::probe::HttpProbe;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

const MS: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(20);

fn at_once() -> HealthBuilder {
    Health::builder().random(Random::scripted(&[0.0]))
}

fn quick(check: Check) -> Check {
    check.interval(40 * MS).timeout(30 * MS).fall(1).rise(1)
}

async fn until(health: &Health, what: &str, wanted: impl Fn(&CheckSnapshot) -> bool) -> CheckSnapshot {
    let seen = timeout(LONG, async {
        loop {
            let check = health.snapshot().checks.remove(0);
            if wanted(&check) {
                return check;
            }
            sleep(MS).await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("{what}: {health:?}"))
}

async fn listen(app: Router) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }))
}

#[tokio::test]
async fn http_check_passes_on_2xx_only() {
    let app = Router::new()
        .route("/up", get(|| async { "fine" }))
        .route("/down", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
        .route("/moved", get(|| async { axum::response::Redirect::to("/up") }));
    let (url, server) = listen(app).await;
    for (path, level, reason) in [
        ("/up", Level::Healthy, ""),
        ("/down", Level::Unhealthy, "status 503 Service Unavailable"),
        ("/moved", Level::Unhealthy, "status 303 See Other"),
    ] {
        let check = Check::http("downstream", HttpProbe::new(&format!("{url}{path}")).unwrap());
        let health = at_once().check(check.interval(LONG)).build().unwrap();
        let seen = until(&health, path, |check| check.runs > 0).await;
        assert_eq!((seen.level, seen.reason.as_str()), (level, reason), "{path}");
    }
    server.abort();
    let _ = server.await;
    let check = Check::http("downstream", HttpProbe::new(&url).unwrap());
    let health = at_once().check(check.interval(LONG)).build().unwrap();
    let seen = until(&health, "refused", |check| check.runs > 0).await;
    assert!(seen.reason.contains("refused"), "the error's cause is missing: {}", seen.reason);
}

#[test]
fn invalid_urls_are_errors_and_debug_omits_credentials() {
    for wrong in ["", "/ready", "inventory", "https://inventory.internal/ready"] {
        assert_eq!(HttpProbe::new(wrong).unwrap_err().field(), "url", "{wrong}");
    }
    let check = HttpProbe::new("http://admin:hunter2@inventory.internal/ready").unwrap();
    assert!(!format!("{check:?}").contains("hunter2"));
}

/// Two services, each a critical check of the other.
#[tokio::test]
async fn services_that_check_each_other_become_ready() {
    let ports = [TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let urls = [0, 1].map(|i: usize| format!("http://{}/ready", ports[i].local_addr().unwrap()));
    let mut healths = Vec::new();
    for (listener, other) in ports.into_iter().zip(urls.iter().rev()) {
        let guard = ProbeLoopGuard::new();
        let sent = guard.clone();
        let probe = HttpProbe::new(other).unwrap().with_loop_guard(move || sent.value());
        let check = Check::http("other", probe).critical();
        let health = at_once().check(quick(check)).probe_loop_guard(&guard).build().unwrap();
        let app = health.router();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        healths.push(health);
    }
    for health in &healths {
        timeout(LONG, health.until_ready()).await.unwrap();
    }
}

/// Enough of a Redis to answer PING twice with PONG, then with an error.
async fn redis(mut stream: TcpStream) {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut pings = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        match line.as_str() {
            "PING" => {
                pings += 1;
                let answer: &[u8] = if pings < 3 { b"+PONG\r\n" } else { b"-LOADING Redis is loading\r\n" };
                write.write_all(answer).await.unwrap();
            }
            "CLIENT" | "HELLO" | "SELECT" => write.write_all(b"+OK\r\n").await.unwrap(),
            _ => {}
        }
    }
}

#[tokio::test]
async fn redis_check_passes_on_pong_only() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        redis(stream).await;
    });
    let client = redis::Client::open(url).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let health = at_once().check(quick(Check::redis("cache", connection))).build().unwrap();
    until(&health, "PONG", |check| check.level == Level::Healthy).await;
    until(&health, "LOADING", |check| check.level == Level::Unhealthy && check.reason.contains("loading")).await;
    server.abort();
    let _ = server.await;
    until(&health, "gone", |check| check.level == Level::Unhealthy && !check.reason.contains("loading")).await;
}

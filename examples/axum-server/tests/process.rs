//! The real process over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::{Client, Response, StatusCode};
use tokio::time::{Instant, sleep};

/// Longer than any step of these tests takes, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

struct Server {
    child: Child,
    url: String,
    client: Client,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_axum-server"));
        command.env("LISTEN_ADDR", "127.0.0.1:0").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{line:?}");
        Self { child, url, client: Client::new() }
    }

    async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    async fn post(&self, path: &str) {
        let done = self.client.post(format!("{}{path}", self.url)).send().await.unwrap();
        assert_eq!(done.status(), StatusCode::OK);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + TEST_TIMEOUT;
    loop {
        if let Some(result) = poll().await {
            return result;
        }
        assert!(Instant::now() < end, "waited {TEST_TIMEOUT:?} until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

fn degraded(response: &Response) -> Option<&str> {
    response.headers().get("x-degraded").map(|step| step.to_str().unwrap())
}

/// Axum calls `layer` for each route, but all routes share one limit.
#[tokio::test]
async fn routes_share_one_limit_and_health_is_exempt() {
    let server = Server::start();
    let waiting = (0..4).map(|_| {
        let request = server.client.get(format!("{}/wait/1500", server.url));
        // A request may be refused because the other three and the polling request fill the limit.
        tokio::spawn(until("the request is admitted", async move || {
            let answer = request.try_clone().unwrap().send().await.unwrap();
            (answer.status() != StatusCode::SERVICE_UNAVAILABLE).then(|| answer.status())
        }))
    });
    let waiting: Vec<_> = waiting.collect();
    let refused = until("the limit is reached", async || {
        let other_route = server.get("/").await;
        (other_route.status() != StatusCode::OK).then_some(other_route)
    })
    .await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["content-type"], "application/problem+json");
    assert_eq!(refused.headers()["retry-after"], "1");
    for path in ["/healthz", "/ready", "/live", "/startup"] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
    }
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), StatusCode::OK, "admitted requests are answered");
    }
    assert_eq!(server.get("/").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn slow_request_gets_504_at_the_total_timeout() {
    let server = Server::start();
    let asked = Instant::now();
    let late = server.get("/wait/60000").await;
    assert_eq!(late.status(), StatusCode::GATEWAY_TIMEOUT);
    assert!(asked.elapsed() >= Duration::from_secs(2));
    assert!(late.text().await.unwrap().contains("total_timeout"));
}

#[tokio::test]
async fn broken_dependency_is_replaced_by_fallback_until_repaired() {
    let server = Server::start();
    let healthy = server.get("/prices").await;
    assert_eq!(degraded(&healthy), None);
    assert!(healthy.text().await.unwrap().contains("today"));

    server.post("/demo/break").await;
    for _ in 0..6 {
        let answer = server.get("/prices").await;
        assert_eq!((answer.status(), degraded(&answer)), (StatusCode::OK, Some("last-week")));
        assert!(answer.text().await.unwrap().contains("last week"));
    }
    let health = until("health shows the breaker", async || {
        let health = server.text("/healthz").await;
        health.contains("degraded").then_some(health)
    })
    .await;
    assert!(health.contains("prices"), "{health}");
    assert_eq!(server.get("/ready").await.status(), StatusCode::OK, "a degraded server stays ready");

    server.post("/demo/repair").await;
    until("the breaker is closed", async || {
        let answer = server.get("/prices").await;
        assert_eq!(answer.status(), StatusCode::OK);
        server.text("/healthz").await.contains(r#""status":"ok""#).then_some(())
    })
    .await;
    assert!(server.text("/prices").await.contains("today"));
}

/// Both routes share the breaker.
#[tokio::test]
async fn open_breaker_stops_calls_from_both_routes() {
    let server = Server::start();
    server.post("/demo/break").await;
    for _ in 0..30 {
        for path in ["/prices", "/basket"] {
            assert_eq!(degraded(&server.get(path).await), Some("last-week"), "{path}");
        }
    }
    let asked: u32 = server.text("/demo/asked").await.parse().unwrap();
    assert!((3..30).contains(&asked), "asked {asked} times for 60 requests");
}

#[tokio::test]
async fn handler_passes_degraded_mark_on() {
    let server = Server::start();
    let basket = server.get("/basket").await;
    assert_eq!(degraded(&basket), None);
    assert!(!basket.text().await.unwrap().contains("may have changed"));
    server.post("/demo/break").await;
    let basket = server.get("/basket").await;
    assert_eq!((basket.status(), degraded(&basket)), (StatusCode::OK, Some("last-week")));
    assert!(basket.text().await.unwrap().contains("may have changed"));
}

/// After SIGTERM the server is not ready at once, answers the requests in flight, and exits with 0.
#[tokio::test]
async fn sigterm_drains_the_server() {
    let mut server = Server::start();
    let request = server.client.get(format!("{}/wait/1500", server.url)).send();
    let in_flight = tokio::spawn(async move { request.await.unwrap().status() });
    // The listener closes a second later, so the request is accepted in any case.
    assert!(Command::new("kill").arg(server.child.id().to_string()).status().unwrap().success());
    until("it is not ready", async || {
        (server.get("/ready").await.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(())
    })
    .await;
    assert_eq!(in_flight.await.unwrap(), StatusCode::OK);
    let status = until("it ends", async || server.child.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));
}

//! The endpoints, as a router without a socket.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::time::Duration;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use mainstay_core::Random;
use mainstay_drain::{Cause, Drain};
use mainstay_health::{Check, CheckOutcome, Health, HealthBuilder};
use serde_json::{Value, json};
use tokio::time::sleep;
use tower::ServiceExt;

const S: Duration = Duration::from_secs(1);
const DSN: &str = "postgres://admin:hunter2@db.internal/orders";

fn exact() -> HealthBuilder {
    Health::builder().random(Random::scripted(&[0.0]))
}

struct Answer {
    status: StatusCode,
    headers: header::HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answer { status: head.status, headers: head.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(health: &Health, path: &str) -> Answer {
    send(&health.router(), Request::get(path).body(Body::empty()).unwrap()).await
}

fn healthy(name: &'static str) -> Check {
    Check::new(name, || async { CheckOutcome::healthy() })
}

fn failing(name: &'static str) -> Check {
    Check::new(name, || async { Err::<(), _>(format!("{DSN}: connection refused")) })
}

#[tokio::test(start_paused = true)]
async fn bodies_match_the_documentation() {
    let health = exact().check(healthy("database").critical()).check(failing("search")).build().unwrap();
    let startup = get(&health, "/startup").await;
    assert_eq!((startup.status.as_u16(), startup.body.as_str()), (503, r#"{"started":false}"#));
    let ready = get(&health, "/ready").await;
    assert_eq!((ready.status.as_u16(), ready.body.as_str()), (503, r#"{"ready":false,"reason":"database not ready"}"#));
    sleep(S).await;
    let report = get(&health, "/healthz").await;
    assert_eq!(report.status, StatusCode::OK);
    assert!(report.body.starts_with(r#"{"status":"degraded","timestamp":""#), "{}", report.body);
    let body = report.json();
    body["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let checks = json!({
        "database": { "status": "healthy", "critical": true },
        "search": { "status": "unhealthy", "critical": false },
    });
    assert_eq!(body["checks"], checks);
    assert_eq!(get(&health, "/ready").await.body, r#"{"ready":true}"#);
    assert_eq!(get(&health, "/live").await.body, r#"{"alive":true}"#);
    assert_eq!(get(&health, "/startup").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn critical_failure_is_503_and_live_stays_200() {
    let health = exact().check(failing("database").critical()).build().unwrap();
    sleep(S).await;
    assert_eq!(get(&health, "/healthz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&health, "/healthz").await.json()["status"], "unhealthy");
    assert_eq!(get(&health, "/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&health, "/live").await.status, StatusCode::OK);
}

/// Defect of another library: liveness depends on a database, and the process restarts in a loop.
#[tokio::test(start_paused = true)]
async fn live_is_503_only_after_declared_death() {
    let health = exact().check(failing("database").critical()).build().unwrap();
    sleep(3600 * S).await;
    assert_eq!(get(&health, "/live").await.status, StatusCode::OK);
    health.declare_dead(DSN);
    let live = get(&health, "/live").await;
    assert_eq!((live.status.as_u16(), live.body.as_str()), (503, r#"{"alive":false}"#));
}

#[tokio::test(start_paused = true)]
async fn during_a_drain_ready_stays_503_and_live_stays_200() {
    let drain = Drain::new();
    let health = exact().check(healthy("database").critical()).drain(&drain).build().unwrap();
    health.until_ready().await;
    drain.begin(Cause::Terminate);
    for _ in 0..10 {
        let ready = get(&health, "/ready").await;
        assert_eq!((ready.status.as_u16(), ready.body.as_str()), (503, r#"{"ready":false,"reason":"draining"}"#));
        assert_eq!(get(&health, "/live").await.status, StatusCode::OK);
        assert_eq!(get(&health, "/startup").await.status, StatusCode::OK);
        sleep(5 * S).await;
    }
}

#[tokio::test(start_paused = true)]
async fn other_methods_are_405_and_no_response_may_be_cached() {
    let health = exact().check(failing("a").critical()).group("g", ["a"]).build().unwrap();
    let router = Router::new().nest("/internal", health.router());
    assert_eq!(Health::PATHS, ["/healthz", "/ready", "/live", "/startup"]);
    for path in Health::PATHS.iter().chain(&["/healthz/g", "/ready/g", "/healthz/x", "/ready/x"]) {
        let path = format!("/internal{path}");
        let ask = |method| Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
        let got = send(&router, ask(Method::GET)).await;
        let head = send(&router, ask(Method::HEAD)).await;
        assert_eq!((head.status, head.body.as_str()), (got.status, ""), "{path}");
        for answer in [&got, &head] {
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store", "{path}");
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json", "{path}");
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let refused = send(&router, ask(method)).await;
            assert_eq!(refused.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
            assert_eq!(refused.headers[header::ALLOW], "GET, HEAD");
            assert_eq!(refused.headers[header::CACHE_CONTROL], "no-store", "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn groups_have_endpoints() {
    let health = exact()
        .check(healthy("database").critical())
        .check(failing("queue").critical())
        .group("reads", ["database"])
        .group("writes", ["database", "queue"])
        .build()
        .unwrap();
    sleep(S).await;
    assert_eq!(get(&health, "/healthz/reads").await.json()["checks"].as_object().unwrap().len(), 1);
    assert_eq!(get(&health, "/healthz/writes").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(&health, "/ready/writes").await.json()["reason"], "queue not ready");
    assert_eq!(get(&health, "/ready/others").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn accept_health_json_selects_that_form() {
    let health = exact().check(healthy("database").critical()).check(failing("search")).build().unwrap();
    sleep(S).await;
    let ask = Request::get("/healthz").header(header::ACCEPT, "text/html, application/health+json;q=0.9");
    let answer = send(&health.router(), ask.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/health+json");
    let body = answer.json();
    assert_eq!(body["status"], "warn");
    assert_eq!(body["checks"]["database"][0]["status"], "pass");
    assert_eq!(body["checks"]["search"][0]["status"], "fail");
    assert!(!answer.body.contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn show_details_adds_details() {
    let health = exact().check(failing("search")).show_details().build().unwrap();
    sleep(S).await;
    let search = &get(&health, "/healthz").await.json()["checks"]["search"];
    assert_eq!(search["message"], format!("{DSN}: connection refused"));
    assert_eq!(search["consecutive_failures"], 1);
    assert_eq!(search["duration_ms"], 0.0);
    search["since"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
}

#[tokio::test(start_paused = true)]
async fn check_names_are_escaped() {
    let name = "a\"}<b>\n";
    let health = exact().check(failing(name).critical()).build().unwrap();
    sleep(S).await;
    assert_eq!(get(&health, "/healthz").await.json()["checks"][name]["status"], "unhealthy");
    assert_eq!(get(&health, "/ready").await.json()["reason"], r#"a"}<b>\n not ready"#);
}

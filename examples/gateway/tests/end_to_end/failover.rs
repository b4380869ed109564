//! The primary dies, hangs, resets, fails or throttles: clients are served, and traffic returns only after the hold and
//! enough good probes.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    client::{get, post, send, until},
    gateway::{Backend, Gateway, Harness},
    load::Load,
};

/// Returns the primary's part of `/status.json`.
async fn primary(gateway: &Gateway) -> Value {
    gateway.status().await["failover"]["endpoints"][0].clone()
}

#[tokio::test]
async fn killed_primary_is_left_and_traffic_returns() {
    let mut harness = Harness::start(&[]);
    let answer = harness.gateway.get("/api/v1/json").await;
    assert_eq!((answer.served_by(), answer.header("x-degraded")), ("primary", ""));
    let (address, load) = (harness.primary.address(), Load::on(harness.gateway.address()));
    let killed = Instant::now();
    harness.primary.process().signal("KILL");
    harness.until_active("backup").await;
    let answer = harness.gateway.get("/api/v1/json").await;
    assert_eq!((answer.served_by(), answer.header("x-degraded")), ("backup", "backup"));
    let status = harness.gateway.status().await;
    assert_eq!(status["failover"]["state"], "on_backup");
    assert!(status["failover"]["reason"].as_str().unwrap().contains("primary"), "{status:#}");

    let _primary = Backend::restart("primary", address);
    harness.until_active("primary").await;
    // The hold is 1 s, minus a tenth of jitter.
    assert!(killed.elapsed() > Duration::from_millis(900), "{:?}", killed.elapsed());
    let served = load.end().await;
    assert!(served.all_succeeded(), "{served:?}");
}

/// The kernel accepts connections for a stopped process, which does not answer.
#[tokio::test]
async fn stopped_primary_is_left_and_traffic_returns() {
    let mut harness = Harness::start(&[]);
    let load = Load::on(harness.gateway.address());
    harness.primary.process().stop().await;
    harness.until_active("backup").await;
    harness.primary.process().signal("CONT");
    harness.until_active("primary").await;
    let served = load.end().await;
    assert!(served.all_succeeded(), "{served:?}");
}

/// An attempt may take 30 s, but no request waits that long.
#[tokio::test]
async fn silent_primary_does_not_delay_requests_until_timeout() {
    let settings = [("ATTEMPT_TIMEOUT_SECONDS", "30"), ("REQUEST_TIMEOUT_SECONDS", "90")];
    let mut harness = Harness::start(&settings);
    assert_eq!(harness.gateway.get("/api/v1/json").await.served_by(), "primary");
    harness.primary.process().stop().await;
    for _ in 0..5 {
        // The client of these tests waits for less than 30 s.
        let answer = harness.gateway.get("/api/v1/json").await;
        assert_eq!(answer.served_by(), "backup", "{answer:?}");
    }
}

/// The delay does not depend on measured latencies, of which there are none before the first requests.
#[tokio::test]
async fn first_request_has_the_configured_delay_of_a_second_attempt() {
    let settings = [("BACKEND_HEALTH_TIMEOUT_SECONDS", "0.2"), ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "60")];
    let harness = Harness::start(&settings);
    harness.primary.fault(json!({ "fault": "hang" })).await;
    assert_eq!(primary(&harness.gateway).await["second_attempt_delay"], 0.2);
    let asked = Instant::now();
    assert_eq!(harness.gateway.get("/api/v1/json").await.served_by(), "backup");
    assert!(asked.elapsed() >= Duration::from_millis(200), "{:?}", asked.elapsed());
}

async fn backup_hides_fault(fault: Value) {
    let harness = Harness::start(&[]);
    let load = Load::on(harness.gateway.address());
    harness.primary.fault(fault.clone()).await;
    harness.until_active("backup").await;
    harness.primary.recover().await;
    harness.until_active("primary").await;
    let served = load.end().await;
    assert!(served.all_succeeded(), "{fault}: {served:?}");
}

#[tokio::test]
async fn hanging_primary_is_hidden_by_backup() {
    backup_hides_fault(json!({ "fault": "hang" })).await;
}

#[tokio::test]
async fn resetting_primary_is_hidden_by_backup() {
    backup_hides_fault(json!({ "fault": "reset" })).await;
}

#[tokio::test]
async fn primary_with_500_is_hidden_by_backup() {
    backup_hides_fault(json!({ "fault": "fail", "status": 500 })).await;
}

#[tokio::test]
async fn primary_with_503_is_hidden_by_backup() {
    backup_hides_fault(json!({ "fault": "fail", "status": 503, "retry_after_seconds": 1 })).await;
}

/// Defect: a primary that asked for an hour was left for 103 s, with a hold of 1 s in the settings.
#[tokio::test]
async fn retry_after_of_primary_changes_no_hold() {
    backup_hides_fault(json!({ "fault": "fail", "status": 503, "retry_after_seconds": 3600 })).await;
}

/// A 429 limits this client: the backup does not answer in place of the primary. `Retry-After` is beyond the deadline, so
/// that the gateway does not wait for it.
#[tokio::test]
async fn primary_with_429_is_passed_to_the_client() {
    let harness = Harness::start(&[("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "3600")]);
    harness.primary.fault(json!({ "fault": "fail", "status": 429, "retry_after_seconds": 3600 })).await;
    let answer = harness.gateway.get("/api/v1/json").await;
    assert_eq!((answer.status, answer.served_by()), (StatusCode::TOO_MANY_REQUESTS, "primary"));
}

/// Errors of clients do not count against a backend.
#[tokio::test]
async fn client_errors_do_not_leave_the_primary() {
    let harness = Harness::start(&[]);
    for _ in 0..10 {
        let answer = harness.gateway.get("/api/v1/bytes/many").await;
        assert_eq!((answer.status, answer.served_by()), (StatusCode::BAD_REQUEST, "primary"));
    }
    assert_eq!(harness.gateway.status().await["failover"]["active"], "primary");
}

#[tokio::test]
async fn healthy_primary_gets_no_traffic_during_hold() {
    let harness = Harness::start(&[("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "600")]);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    harness.until_active("backup").await;
    harness.primary.recover().await;
    until("the gate is open", async || {
        let gate = &primary(&harness.gateway).await["breaker"]["recovery"];
        (gate["have"].as_u64()? >= gate["need"].as_u64()?).then_some(())
    })
    .await;
    assert_eq!(harness.gateway.get("/api/v1/json").await.served_by(), "backup");
    assert!(primary(&harness.gateway).await["hold_left"].is_f64());
}

#[tokio::test]
async fn failing_primary_gets_no_traffic_after_hold() {
    let harness = Harness::start(&[("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "0.2")]);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    harness.until_active("backup").await;
    let failed = primary(&harness.gateway).await["probes_failed"].as_u64().unwrap();
    let failing = until("the hold is over and probes went on failing", async || {
        let primary = primary(&harness.gateway).await;
        (primary["hold_left"].is_null() && primary["probes_failed"].as_u64()? > failed + 1).then_some(primary)
    })
    .await;
    assert_eq!(failing["active"], false, "{failing:#}");
    assert_eq!(harness.gateway.get("/api/v1/json").await.served_by(), "backup");
    harness.primary.recover().await;
    harness.until_active("primary").await;
}

#[tokio::test]
async fn clients_see_no_error_if_primary_is_dead_at_start() {
    let mut primary = Backend::start("primary");
    primary.process().signal("KILL");
    primary.process().ended().await;
    let backup = Backend::start("backup");
    let gateway = Gateway::before(&primary, &[("BACKEND_API_FALLBACK_URL", &backup.url())]);
    for _ in 0..10 {
        let answer = gateway.get("/api/v1/json").await;
        assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "backup"), "{answer:?}");
    }
}

#[tokio::test]
async fn all_down_gets_errors_at_once_until_a_backend_returns() {
    let mut harness = Harness::start(&[]);
    let address = harness.backup.address();
    harness.primary.process().signal("KILL");
    harness.backup.process().signal("KILL");
    until("all are down", async || (harness.gateway.status().await["failover"]["state"] == "all_down").then_some(()))
        .await;
    let answer = harness.gateway.get("/api/v1/json").await;
    assert!(answer.status.is_server_error(), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.served_by(), "gateway");
    assert!(!answer.body.contains("127.0.0.1"), "no addresses of backends in an answer: {answer:?}");
    let log = harness.gateway.until_logged("no endpoint is usable").await;
    assert_eq!(log.matches("no endpoint is usable").count(), 1, "one line per change of state");

    let _backup = Backend::restart("backup", address);
    until("the backup serves", async || {
        let answer = harness.gateway.get("/api/v1/json").await;
        (answer.served_by() == "backup" && answer.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn primary_without_backup_is_tried_again() {
    let mut primary = Backend::start("primary");
    let gateway = Gateway::before(&primary, &[]);
    primary.process().signal("KILL");
    until("it is down", async || {
        gateway.get("/api/v1/json").await;
        (gateway.status().await["failover"]["state"] == "all_down").then_some(())
    })
    .await;
    assert!(gateway.get("/api/v1/json").await.status.is_server_error());
    assert_eq!(gateway.until_logged("no backup").await.matches("no backup").count(), 1, "logged as an error, once");
    let _primary = Backend::restart("primary", primary.address());
    until("it serves", async || (gateway.get("/api/v1/json").await.status == StatusCode::OK).then_some(())).await;
}

#[tokio::test]
async fn backups_are_tried_in_order() {
    let mut harness = Harness::start(&[]);
    let second = Backend::start("second");
    let backups = format!("{},{}", harness.backup.url(), second.url());
    let gateway = Gateway::before(&harness.primary, &[("BACKEND_API_FALLBACK_URL", &backups)]);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    until("the first backup serves", async || (gateway.status().await["failover"]["active"] == "backup").then_some(()))
        .await;
    harness.backup.process().signal("KILL");
    until("the second backup serves", async || {
        (gateway.status().await["failover"]["active"] == "backup-2").then_some(())
    })
    .await;
    let answer = gateway.get("/api/v1/json").await;
    assert_eq!((answer.served_by(), answer.header("x-demo-backend")), ("backup-2", "second"));
}

/// A backend may have executed a POST before the answer was lost. A key permits the repetition.
#[tokio::test]
async fn post_is_repeated_only_with_idempotency_key() {
    // The threshold keeps the primary active.
    let harness = Harness::start(&[("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000")]);
    harness.primary.fault(json!({ "fault": "reset" })).await;
    let answer = post(harness.gateway.address(), "/api/v1/echo", "an order").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{answer:?}");
    let request =
        Request::post(format!("http://{}/api/v1/echo", harness.gateway.address())).header("idempotency-key", "7");
    let answer = send(request.body(Body::from("an order")).unwrap()).await;
    assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "backup"));
    assert_eq!(answer.json()["body"], "an order");
}

/// The other tests rely on this.
#[tokio::test]
async fn backends_answer_with_their_names() {
    let harness = Harness::start(&[]);
    assert_eq!(get(harness.backup.address(), "/api/v1/json").await.json()["backend"], "backup");
    assert_eq!(get(harness.primary.address(), "/api/v1/healthz").await.json()["status"], "ok");
}

//! The primary dies, hangs, resets, fails or is throttled: clients go on being served, and traffic returns only when
//! hold and gate allow.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    client::{get, post, send, until},
    gateway::{Backend, Gateway, Trio},
    load::Load,
};

/// What `GET /status.json` says of the primary.
async fn primary(gateway: &Gateway) -> Value {
    gateway.status().await["failover"]["endpoints"][0].clone()
}

#[tokio::test]
async fn the_primary_is_killed_and_comes_back() {
    let mut trio = Trio::start(&[]);
    let answer = trio.gateway.get("/api/v1/json").await;
    assert_eq!((answer.served_by(), answer.header("x-degraded")), ("primary", ""));
    let (address, load) = (trio.primary.address(), Load::on(trio.gateway.address()));
    let killed = Instant::now();
    trio.primary.process().signal("KILL");
    trio.until_active("backup").await;
    let answer = trio.gateway.get("/api/v1/json").await;
    assert_eq!((answer.served_by(), answer.header("x-degraded")), ("backup", "backup"));
    let status = trio.gateway.status().await;
    assert_eq!(status["failover"]["state"], "on_backup");
    assert!(status["failover"]["reason"].as_str().unwrap().contains("primary"), "{status:#}");

    let _primary = Backend::restart("primary", address);
    trio.until_active("primary").await;
    // The hold is one second, less a tenth of jitter.
    assert!(killed.elapsed() > Duration::from_millis(900), "{:?}", killed.elapsed());
    let served = load.end().await;
    assert!(served.all_well(), "{served:?}");
}

/// Stopped, the process accepts connections (its kernel does) and never answers.
#[tokio::test]
async fn the_primary_is_stopped_and_goes_on() {
    let mut trio = Trio::start(&[]);
    let load = Load::on(trio.gateway.address());
    trio.primary.process().stop().await;
    trio.until_active("backup").await;
    trio.primary.process().signal("CONT");
    trio.until_active("primary").await;
    let served = load.end().await;
    assert!(served.all_well(), "{served:?}");
}

/// An attempt may take thirty seconds: nobody waits for that.
#[tokio::test]
async fn a_silent_primary_delays_no_request_until_its_timeout() {
    let settings = [("ATTEMPT_TIMEOUT_SECONDS", "30"), ("REQUEST_TIMEOUT_SECONDS", "90")];
    let mut trio = Trio::start(&settings);
    assert_eq!(trio.gateway.get("/api/v1/json").await.served_by(), "primary");
    trio.primary.process().stop().await;
    for _ in 0..5 {
        // The client of these tests would not wait for thirty seconds.
        let answer = trio.gateway.get("/api/v1/json").await;
        assert_eq!(answer.served_by(), "backup", "{answer:?}");
    }
}

/// The first requests of all are no exception, though nothing is known yet of how long a good answer takes.
#[tokio::test]
async fn the_delay_of_a_second_attempt_is_as_set_from_the_first_request_on() {
    let settings = [("BACKEND_HEALTH_TIMEOUT_SECONDS", "0.2"), ("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "60")];
    let trio = Trio::start(&settings);
    trio.primary.fault(json!({ "fault": "hang" })).await;
    assert_eq!(primary(&trio.gateway).await["second_attempt_delay"], "200ms");
    let asked = Instant::now();
    assert_eq!(trio.gateway.get("/api/v1/json").await.served_by(), "backup");
    assert!(asked.elapsed() >= Duration::from_millis(200), "{:?}", asked.elapsed());
}

async fn hidden_by_the_backup(fault: Value) {
    let trio = Trio::start(&[]);
    let load = Load::on(trio.gateway.address());
    trio.primary.fault(fault.clone()).await;
    trio.until_active("backup").await;
    trio.primary.recover().await;
    trio.until_active("primary").await;
    let served = load.end().await;
    assert!(served.all_well(), "{fault}: {served:?}");
}

#[tokio::test]
async fn the_primary_hangs() {
    hidden_by_the_backup(json!({ "fault": "hang" })).await;
}

#[tokio::test]
async fn the_primary_resets_connections() {
    hidden_by_the_backup(json!({ "fault": "reset" })).await;
}

#[tokio::test]
async fn the_primary_answers_500() {
    hidden_by_the_backup(json!({ "fault": "fail", "status": 500 })).await;
}

#[tokio::test]
async fn the_primary_answers_429() {
    hidden_by_the_backup(json!({ "fault": "fail", "status": 429, "retry_after_seconds": 1 })).await;
}

/// The clients' own mistakes say nothing about a backend.
#[tokio::test]
async fn the_primary_answers_404() {
    let trio = Trio::start(&[]);
    for _ in 0..10 {
        let answer = trio.gateway.get("/api/v1/bytes/many").await;
        assert_eq!((answer.status, answer.served_by()), (StatusCode::BAD_REQUEST, "primary"));
    }
    assert_eq!(trio.gateway.status().await["failover"]["active"], "primary");
}

#[tokio::test]
async fn a_healthy_primary_gets_nothing_before_the_hold_is_over() {
    let trio = Trio::start(&[("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "600")]);
    trio.primary.fault(json!({ "fault": "fail" })).await;
    trio.until_active("backup").await;
    trio.primary.recover().await;
    until("the gate is open", async || {
        let gate = &primary(&trio.gateway).await["breaker"]["recovery"];
        (gate["have"].as_u64()? >= gate["need"].as_u64()?).then_some(())
    })
    .await;
    assert_eq!(trio.gateway.get("/api/v1/json").await.served_by(), "backup");
    assert!(primary(&trio.gateway).await["hold_left"].is_string());
}

#[tokio::test]
async fn an_ailing_primary_gets_nothing_after_the_hold_is_over() {
    let trio = Trio::start(&[("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "0.2")]);
    trio.primary.fault(json!({ "fault": "fail" })).await;
    trio.until_active("backup").await;
    let failed = primary(&trio.gateway).await["probes_failed"].as_u64().unwrap();
    let ailing = until("the hold is over and probes went on failing", async || {
        let primary = primary(&trio.gateway).await;
        (primary["hold_left"].is_null() && primary["probes_failed"].as_u64()? > failed + 1).then_some(primary)
    })
    .await;
    assert_eq!(ailing["active"], false, "{ailing:#}");
    assert_eq!(trio.gateway.get("/api/v1/json").await.served_by(), "backup");
    trio.primary.recover().await;
    trio.until_active("primary").await;
}

#[tokio::test]
async fn nobody_sees_that_the_primary_was_dead_from_the_start() {
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
async fn with_both_down_clients_are_told_so_at_once_and_served_again_as_soon_as_one_is_up() {
    let mut trio = Trio::start(&[]);
    let address = trio.backup.address();
    trio.primary.process().signal("KILL");
    trio.backup.process().signal("KILL");
    until("all are down", async || (trio.gateway.status().await["failover"]["state"] == "all_down").then_some(()))
        .await;
    let answer = trio.gateway.get("/api/v1/json").await;
    assert!(answer.status.is_server_error(), "{answer:?}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.served_by(), "gateway");
    assert!(!answer.body.contains("127.0.0.1"), "what failed is nobody's business: {answer:?}");
    let log = trio.gateway.until_said("no endpoint is usable").await;
    assert_eq!(log.matches("no endpoint is usable").count(), 1, "one line per change of state");

    let _backup = Backend::restart("backup", address);
    until("the backup serves", async || {
        let answer = trio.gateway.get("/api/v1/json").await;
        (answer.served_by() == "backup" && answer.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_a_backup_the_primary_keeps_being_tried() {
    let mut primary = Backend::start("primary");
    let gateway = Gateway::before(&primary, &[]);
    primary.process().signal("KILL");
    until("it is down", async || {
        gateway.get("/api/v1/json").await;
        (gateway.status().await["failover"]["state"] == "all_down").then_some(())
    })
    .await;
    assert!(gateway.get("/api/v1/json").await.status.is_server_error());
    assert_eq!(gateway.until_said("no backup").await.matches("no backup").count(), 1, "logged as an error, once");
    let _primary = Backend::restart("primary", primary.address());
    until("it serves", async || (gateway.get("/api/v1/json").await.status == StatusCode::OK).then_some(())).await;
}

#[tokio::test]
async fn backups_are_tried_in_their_order() {
    let mut trio = Trio::start(&[]);
    let second = Backend::start("second");
    let backups = format!("{},{}", trio.backup.url(), second.url());
    let gateway = Gateway::before(&trio.primary, &[("BACKEND_API_FALLBACK_URL", &backups)]);
    trio.primary.fault(json!({ "fault": "fail" })).await;
    until("the first backup serves", async || (gateway.status().await["failover"]["active"] == "backup").then_some(()))
        .await;
    trio.backup.process().signal("KILL");
    until("the second backup serves", async || {
        (gateway.status().await["failover"]["active"] == "backup-2").then_some(())
    })
    .await;
    let answer = gateway.get("/api/v1/json").await;
    assert_eq!((answer.served_by(), answer.header("x-demo-backend")), ("backup-2", "second"));
}

/// A POST may have been done before its answer was lost: it is sent again only if the client says that it may be.
#[tokio::test]
async fn a_post_is_sent_again_only_with_an_idempotency_key() {
    // Nothing but these requests is to count.
    let trio = Trio::start(&[("BACKEND_HEALTH_FAILURE_THRESHOLD", "1000")]);
    trio.primary.fault(json!({ "fault": "reset" })).await;
    let answer = post(trio.gateway.address(), "/api/v1/echo", "an order").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{answer:?}");
    let request =
        Request::post(format!("http://{}/api/v1/echo", trio.gateway.address())).header("idempotency-key", "7");
    let answer = send(request.body(Body::from("an order")).unwrap()).await;
    assert_eq!((answer.status, answer.served_by()), (StatusCode::OK, "backup"));
    assert_eq!(answer.json()["body"], "an order");
}

/// A backend in a process of its own answers as itself, whatever is before it: what the other tests rely on.
#[tokio::test]
async fn backends_say_who_they_are() {
    let trio = Trio::start(&[]);
    assert_eq!(get(trio.backup.address(), "/api/v1/json").await.json()["backend"], "backup");
    assert_eq!(get(trio.primary.address(), "/api/v1/healthz").await.json()["status"], "ok");
}

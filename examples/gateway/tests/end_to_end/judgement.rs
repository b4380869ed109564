//! Ordinary traffic that must not move, and failures that must, over sockets.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    client::{get, post, until},
    gateway::Gateway,
    load::Load,
    scripted::{Reply, Scripted, ok},
};

async fn gateway_before(primary: &Scripted, backup: &Scripted, settings: &[(&str, &str)]) -> Gateway {
    let (primary, backup) = (primary.url(), backup.url());
    let backends = [("BACKEND_API_URL", &*primary), ("BACKEND_API_FALLBACK_URL", &*backup)];
    Gateway::start(&[&backends, settings].concat())
}

/// Defect: the health checks of both failed, the primary was killed, and all of 816 requests got 502 although the backup
/// answered.
#[tokio::test]
async fn all_down_serves_from_the_backup_if_the_primary_is_dead() {
    let sick = |name: &'static str, status: &str| {
        let health = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_bytes();
        Scripted::with_health(health, move |_, _| Reply::Write(ok(name)))
    };
    let (primary, backup) = (sick("primary", "404 Not Found").await, sick("backup", "503 Service Unavailable").await);
    let gateway = gateway_before(&primary, &backup, &[]).await;
    let state = async || gateway.status().await["failover"]["state"].clone();
    until("all are down", async || (state().await == "all_down").then_some(())).await;
    let load = Load::on(gateway.address());
    assert_eq!(gateway.get("/api/v1/json").await.body, "primary");
    drop(primary);
    let mut broken = 0;
    for _ in 0..100 {
        let answer = post(gateway.address(), "/api/v1/json", "").await;
        match answer.status {
            // A connection that breaks after it has taken a POST: the primary may have executed it, so it is not repeated.
            StatusCode::BAD_GATEWAY => broken += 1,
            status => assert_eq!((status, answer.body.as_str()), (StatusCode::OK, "backup")),
        }
    }
    assert!(broken <= 2, "{broken}");
    let served = load.end().await;
    assert!(served.all_succeeded(), "{served:?}");
    assert_eq!(state().await, "all_down");
}

/// A backend with a route that is broken and one that gives no answer.
async fn backend(name: &'static str) -> Scripted {
    Scripted::start(move |head, _| match head.split(' ').nth(1) {
        Some("/api/v1/broken") => Reply::Write(b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n".to_vec()),
        Some("/api/v1/slow") => Reply::Nothing,
        _ => Reply::Write(ok(name)),
    })
    .await
}

/// Defect: 20 POSTs to a route that is broken everywhere left a healthy primary.
#[tokio::test]
async fn posts_to_a_broken_route_leave_no_backend() {
    let (primary, backup) = (backend("primary").await, backend("backup").await);
    let gateway = gateway_before(&primary, &backup, &[]).await;
    until("the backends have been compared", async || {
        for _ in 0..10 {
            let answer = post(gateway.address(), "/api/v1/broken", "").await;
            assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(gateway.get("/api/v1/json").await.status, StatusCode::OK);
        }
        let status = gateway.status().await;
        let primary = &status["failover"]["endpoints"][0];
        (primary["comparisons"] == 1 && primary["compared_with"].is_null()).then_some(())
    })
    .await;
    assert_eq!(gateway.status().await["failover"]["epoch"], 0);
    assert_eq!(gateway.get("/api/v1/json").await.served_by(), "primary");
}

/// Defect: clients who gave up on a route that is slow everywhere took a healthy primary out.
#[tokio::test]
async fn clients_who_give_up_on_a_slow_route_leave_no_backend() {
    let (primary, backup) = (backend("primary").await, backend("backup").await);
    let gateway = gateway_before(&primary, &backup, &[]).await;
    let (address, load) = (gateway.address(), Load::on(gateway.address()));
    for _ in 0..2 {
        let mut clients = JoinSet::new();
        for _ in 0..40 {
            clients.spawn(timeout(Duration::from_millis(1_200), get(address, "/api/v1/slow")));
        }
        assert!(clients.join_all().await.iter().all(Result::is_err), "no answer");
    }
    let served = load.end().await;
    assert!(served.all_succeeded(), "{served:?}");
    let status = gateway.status().await;
    assert_eq!((&status["failover"]["epoch"], &status["failover"]["active"]), (&json!(0), &json!("primary")));
}

//! Ordinary traffic that must not move, and failures that must, over sockets.

use http::StatusCode;

use crate::{
    client::{post, until},
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
    for _ in 0..100 {
        let answer = post(gateway.address(), "/api/v1/json", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "backup"));
    }
    let served = load.end().await;
    assert!(served.all_succeeded(), "{served:?}");
    assert_eq!(state().await, "all_down");
}

//! Health endpoints, status, metrics, logs.

use std::collections::{HashMap, HashSet};

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    client::{send, until},
    gateway::{Backend, Gateway, Harness},
    scripted::{Reply, Scripted, ok},
};

#[tokio::test]
async fn health_endpoints_have_their_bodies_and_methods() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[]);
    until("it has started", async || (gateway.get("/startup").await.status == StatusCode::OK).then_some(())).await;
    assert_eq!(gateway.get("/live").await.json(), json!({ "alive": true }));
    assert_eq!(gateway.get("/ready").await.json(), json!({ "ready": true }));
    let health = gateway.get("/healthz").await;
    assert_eq!((health.status, health.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(health.json()["status"], "ok");
    for path in ["/healthz", "/ready", "/live", "/startup", "/status.json", "/metrics"] {
        let request = |method| Request::builder().method(method).uri(format!("http://{}{path}", gateway.address()));
        let head = send(request(Method::HEAD).body(Body::empty()).unwrap()).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""), "{path}");
        let post = send(request(Method::POST).body(Body::empty()).unwrap()).await;
        assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
}

#[tokio::test]
async fn gateway_on_backup_is_degraded_and_ready() {
    let harness = Harness::start(&[]);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    harness.until_active("backup").await;
    let health = harness.gateway.get("/healthz").await;
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &json!("degraded")), "{health:?}");
    assert_eq!(harness.gateway.get("/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn status_shows_every_handle() {
    let harness = Harness::start(&[]);
    harness.gateway.get("/api/v1/json").await;
    let status = harness.gateway.status().await;
    assert_eq!(status["failover"]["endpoints"][1]["name"], "backup");
    assert_eq!(status["failover"]["endpoints"][1]["url"], harness.backup.url());
    assert_eq!(status["gateway"]["environment"], "development");
    for handle in ["health", "entrance", "retry", "failover"] {
        assert!(status[handle].is_object(), "{handle}: {status:#}");
    }
}

#[tokio::test]
async fn metrics_are_valid_and_follow_a_failover() {
    let harness = Harness::start(&[]);
    let before = metrics(&harness.gateway).await;
    assert_eq!(before[r#"failover_active{failover="backends",endpoint="primary"}"#], 1.0);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    harness.until_active("backup").await;
    for _ in 0..5 {
        harness.gateway.get("/api/v1/json").await;
    }
    let after = metrics(&harness.gateway).await;
    assert_eq!(after[r#"failover_active{failover="backends",endpoint="primary"}"#], 0.0);
    assert_eq!(after[r#"failover_active{failover="backends",endpoint="backup"}"#], 1.0);
    let state = |state: &str| after[&format!(r#"circuit_breaker_state{{name="primary",state="{state}"}}"#)];
    assert_eq!((state("open") + state("half_open"), state("closed")), (1.0, 0.0));
    let calls = r#"circuit_breaker_calls_total{name="backup",outcome="success"}"#;
    assert!(after[calls] >= before[calls] + 5.0);
}

/// Defect: a call whose client gave up was in no outcome.
#[tokio::test]
async fn abandoned_call_is_an_outcome_of_the_metrics() {
    let silent = Scripted::start(|_, _| Reply::Write(Vec::new())).await;
    let gateway = Gateway::start(&[("BACKEND_API_URL", &silent.url())]);
    let mut client = TcpStream::connect(gateway.address()).await.unwrap();
    client.write_all(b"GET /api/v1/x HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let until_sample = async |series: &str| {
        until(series, async || (metrics(&gateway).await[series] == 1.0).then_some(())).await;
    };
    until_sample(r#"bulkhead_active_calls{resource="primary"}"#).await;
    drop(client);
    until_sample(r#"circuit_breaker_calls_total{name="primary",outcome="abandoned"}"#).await;
}

/// Returns every sample. Checks the text as `promtool check metrics` would: HELP and TYPE once and before the samples of
/// their family, well-formed names and values, no series twice, counters named `_total`.
async fn metrics(gateway: &Gateway) -> HashMap<String, f64> {
    let answer = gateway.get("/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert!(answer.body.ends_with('\n'));
    let (mut helped, mut types, mut samples) = (HashSet::new(), HashMap::new(), HashMap::new());
    let mut family = "";
    for line in answer.body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, text) = help.split_once(' ').expect(line);
            assert!(helped.insert(name) && !text.is_empty(), "{line}");
            family = name;
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect(line);
            assert!(matches!(kind, "counter" | "gauge") && helped.contains(name), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(types.insert(name, kind).is_none(), "{line}");
        } else {
            let (series, value) = line.rsplit_once(' ').expect(line);
            let name = series.split('{').next().unwrap();
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{line}");
            assert_eq!((name, types.contains_key(name)), (family, true), "{line}");
            let value: f64 = value.parse().expect(line);
            assert!(value.is_finite() && samples.insert(series.to_owned(), value).is_none(), "{line}");
        }
    }
    samples
}

#[tokio::test]
async fn change_of_state_is_one_line_of_text() {
    let harness = Harness::start(&[]);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    harness.until_active("backup").await;
    harness.primary.recover().await;
    let log = harness.gateway.until_logged("back on the primary").await;
    let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!((lines("switched to a backup"), lines("back on the primary")), (1, 1));
    assert!(!log.contains('\u{1b}'), "no colours without a terminal");
}

#[tokio::test]
async fn json_log_has_one_object_per_line() {
    let harness = Harness::start(&[("LOG_FORMAT", "json")]);
    harness.primary.fault(json!({ "fault": "fail" })).await;
    let log = harness.gateway.until_logged("switched to a backup").await;
    // The first line is the address of the gateway, on stdout.
    let events: Vec<Value> = log
        .lines()
        .filter(|line| !line.starts_with("gateway listens on"))
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let switch = events.iter().find(|event| event["message"] == "switched to a backup");
    assert_eq!(switch.unwrap_or_else(|| panic!("{log}"))["level"], "WARN");
}

/// Defect: no counter told how clients were answered.
#[tokio::test]
async fn answers_are_counted_by_endpoint_and_class_of_status() {
    let backend = Scripted::start(|head, _| match head {
        head if head.contains("/api/v1/broken ") => {
            Reply::Write(b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n".to_vec())
        }
        head if head.contains("/api/v1/moved ") => {
            Reply::Write(b"HTTP/1.1 302 X\r\ncontent-length: 0\r\n\r\n".to_vec())
        }
        _ => Reply::Write(ok("well")),
    })
    .await;
    let gateway = Gateway::start(&[("BACKEND_API_URL", &backend.url())]);
    let post = Request::post(format!("http://{}/api/v1/broken", gateway.address()));
    assert_eq!(send(post.body(Body::empty()).unwrap()).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    for (path, status) in [("/api/v1/x", 200), ("/api/v1/y", 200), ("/api/v1/moved", 302), ("/nowhere", 404)] {
        assert_eq!(gateway.get(path).await.status, status, "{path}");
    }
    let metrics = metrics(&gateway).await;
    let count = |endpoint: &str, class: &str| {
        metrics[&format!(r#"gateway_responses_total{{endpoint="{endpoint}",status="{class}"}}"#)]
    };
    assert_eq!(["2xx", "3xx", "4xx", "5xx", "other"].map(|class| count("primary", class)), [2.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(["2xx", "3xx", "4xx", "5xx", "other"].map(|class| count("gateway", class)), [0.0, 0.0, 1.0, 0.0, 0.0]);
}

/// Defect: a backup that was down was invisible until it was needed.
#[tokio::test]
async fn backup_that_is_down_is_named_while_the_gateway_stays_ready() {
    let (primary, backup, mut dead) = (Backend::start("primary"), Backend::start("backup"), Backend::start("dead"));
    let (urls, address) = (format!("{},{}", backup.url(), dead.url()), dead.address().to_string());
    dead.process().signal("KILL");
    let gateway = Gateway::before(&primary, &[("BACKEND_API_FALLBACK_URL", &urls)]);
    let log = gateway.until_logged("it gives no cover").await;
    let line = log.lines().find(|line| line.contains("it gives no cover")).unwrap();
    assert!(line.contains("WARN") && line.contains("backup-2"), "{line}");
    let line = log.lines().find(|line| line.contains("probe failed")).unwrap();
    assert!(line.contains(&format!("http://{address}/api/v1/healthz")), "{line}");

    let health = gateway.get("/healthz").await;
    let check = health.json()["checks"]["backends"].clone();
    assert_eq!((health.status, &health.json()["status"]), (StatusCode::OK, &json!("degraded")), "{health:?}");
    let message = check["message"].as_str().unwrap();
    assert!(message.starts_with("backup-2: no cover for primary: the first probe: unhealthy: "), "{message}");
    assert!(message.ends_with(&format!(" (http://{address}/api/v1/healthz)")), "{message}");
    let summary = gateway.status().await["summary"].to_string();
    assert!(summary.contains("; backup-2: no cover for primary: "), "{summary}");
    assert_eq!(gateway.get("/ready").await.status, StatusCode::OK);
    assert_eq!(gateway.get("/api/v1/json").await.served_by(), "primary");
}

/// Defect: the path of the probe could not be set, and no text said what it was.
#[tokio::test]
async fn path_of_the_probe_is_a_setting_and_in_the_log() {
    let primary = Backend::start("primary");
    let gateway = Gateway::before(&primary, &[("BACKEND_HEALTH_PROBE_PATH", "/api/v1/json")]);
    until("its probe is good", async || {
        let status = gateway.status().await;
        let endpoint = &status["failover"]["endpoints"][0];
        assert_eq!(endpoint["probe_url"], format!("{}/api/v1/json", primary.url()));
        (endpoint["last_probe"]["outcome"] == "healthy").then_some(())
    })
    .await;
    let gateway = Gateway::before(&primary, &[("BACKEND_HEALTH_PROBE_PATH", "/nowhere")]);
    let log = gateway.until_logged("probe failed").await;
    let line = log.lines().find(|line| line.contains("probe failed")).unwrap();
    assert!(line.contains(&format!("{}/nowhere", primary.url())) && line.contains("404"), "{line}");
}

#[tokio::test]
async fn production_shows_no_address() {
    let (primary, backup) = (Backend::start("primary"), Backend::start("backup"));
    let url = backup.url();
    let settings = [
        ("ENVIRONMENT", "production"),
        ("BACKEND_API_FALLBACK_URL", url.as_str()),
        ("BACKEND_HEALTH_PROBE_PATH", "/nowhere"),
    ];
    let gateway = Gateway::before(&primary, &settings);
    let status = until("both are down", async || {
        Some(gateway.get("/status.json").await.body).filter(|status| status.contains("(primary/nowhere)"))
    })
    .await;
    assert!(!status.contains(&primary.address().to_string()) && !status.contains(&backup.address().to_string()));
    let health = gateway.get("/healthz").await.body;
    assert!(!health.contains("nowhere"), "{health}");
}

#[tokio::test]
async fn production_shows_no_details() {
    let backend = Backend::start("primary");
    let gateway = Gateway::before(&backend, &[("ENVIRONMENT", "production")]);
    let status = gateway.status().await;
    assert_eq!(status["gateway"]["environment"], "production");
    assert!(gateway.get("/healthz").await.json()["checks"]["backends"]["since"].is_null());
}

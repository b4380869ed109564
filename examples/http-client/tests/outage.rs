//! Both clients in the standard stack, over real sockets, in HTTP/1.1 and HTTP/2.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

use std::{process::Command, time::Duration};

use http_client::{
    demo::{Fault, Server},
    stack::{Client, TOTAL, Wire},
    with_hyper, with_reqwest,
};
use mainstay::{BoxError, Reason, Refusal, failover::stack::StandardHandles};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

/// Longer than any step of these tests takes, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

struct Harness {
    primary: Server,
    backup: Server,
    clients: [(Client, StandardHandles); 4],
}

impl Harness {
    async fn new() -> Self {
        let (primary, backup) = (Server::start("primary").await.unwrap(), Server::start("backup").await.unwrap());
        let (first, second) = (primary.address(), backup.address());
        let clients = [
            with_reqwest::client(first, second, Wire::Http1).unwrap(),
            with_hyper::client(first, second, Wire::Http1).unwrap(),
            with_reqwest::client(first, second, Wire::Http2).unwrap(),
            with_hyper::client(first, second, Wire::Http2).unwrap(),
        ];
        Self { primary, backup, clients }
    }

    fn set(&self, fault: Fault) {
        self.primary.set(fault);
        self.backup.set(fault);
    }
}

async fn ask(client: &Client) -> Result<(u16, String), BoxError> {
    client.clone().oneshot("/orders".to_owned()).await
}

fn active(handles: &StandardHandles) -> Option<String> {
    handles.failover.snapshot().active.map(|name| name.to_string())
}

async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + TEST_TIMEOUT;
    while !condition().await {
        assert!(Instant::now() < end, "waited {TEST_TIMEOUT:?} until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn outage_causes_no_errors_and_traffic_returns() {
    let harness = Harness::new().await;
    for (client, handles) in &harness.clients {
        assert_eq!(ask(client).await.unwrap(), (200, "orders of the primary".into()), "{}", handles.failover.name());
    }
    harness.primary.set(Fault::Broken);
    for (client, handles) in &harness.clients {
        until("the primary is left", async || {
            assert_eq!(ask(client).await.unwrap(), (200, "orders of the backup".into()));
            active(handles).as_deref() == Some("backup")
        })
        .await;
        assert!(handles.failover.snapshot().to_string().contains("is on backup"));
    }
    harness.primary.set(Fault::None);
    for (client, handles) in &harness.clients {
        until("traffic is back", async || {
            let (status, from) = ask(client).await.unwrap();
            assert_eq!(status, 200);
            active(handles).as_deref() == Some("primary") && from == "orders of the primary"
        })
        .await;
    }
}

#[tokio::test]
async fn retry_waits_for_retry_after() {
    for which in 0..4 {
        let harness = Harness::new().await;
        let (client, handles) = &harness.clients[which];
        harness.set(Fault::BusyUntil(Instant::now() + Duration::from_millis(500)));
        let began = Instant::now();
        let answer = ask(client).await.unwrap();
        let name = handles.failover.name();
        assert_eq!(answer.0, 200, "{name}: {answer:?}");
        assert!(began.elapsed() >= Duration::from_secs(1), "{name}: {:?}", began.elapsed());
        assert_eq!(handles.retry.snapshot().retries, 1, "{name}");
    }
}

#[tokio::test]
async fn silent_primary_is_bypassed() {
    let harness = Harness::new().await;
    harness.primary.set(Fault::Silent);
    for (client, handles) in &harness.clients {
        assert_eq!(ask(client).await.unwrap(), (200, "orders of the backup".into()), "{}", handles.failover.name());
        assert_eq!(handles.failover.snapshot().second_attempts.on_delay, 1, "{}", handles.failover.name());
    }
}

#[tokio::test]
async fn call_ends_at_its_total_timeout() {
    let harness = Harness::new().await;
    harness.set(Fault::Silent);
    for (client, handles) in &harness.clients {
        let began = Instant::now();
        let error = ask(client).await.unwrap_err();
        let (took, name) = (began.elapsed(), handles.failover.name());
        let reason = error.rejected().unwrap_or_else(|| panic!("{name}: {error:?}")).reason();
        let late = [Reason::TotalTimeout, Reason::AttemptTimeout, Reason::DeadlineExceeded];
        assert!(late.contains(&reason), "{name}: {reason:?}");
        assert!(took < TOTAL + TEST_TIMEOUT / 4, "{name}: {took:?}");
    }
}

#[test]
fn demonstration_runs_to_its_end() {
    demonstrate("http1");
}

#[test]
fn demonstration_runs_to_its_end_over_http2() {
    demonstrate("http2");
}

fn demonstrate(wire: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_http-client")).arg(wire).output().unwrap();
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{story}");
    for client in ["reqwest", "hyper"] {
        for part in [r#"200 "orders of the primary""#, r#"200 "orders of the backup""#] {
            assert!(story.contains(&format!("{client}: {part}")), "no {client}: {part} in\n{story}");
        }
        assert!(story.contains(&format!("{client} is on backup")), "{story}");
    }
}

//! The client in its stack, over real sockets.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::{process::Command, time::Duration};

use lines::{
    client::{self, Client},
    server::{Fault, Server},
};
use mainstay::{BoxError, Reason, Refusal, failover::stack::StandardHandles};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

/// Longer than any step of these tests takes, even on a busy machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(20);

struct Harness {
    primary: Server,
    backup: Server,
    client: Client,
    handles: StandardHandles,
}

impl Harness {
    async fn new() -> Self {
        let (primary, backup) = (Server::start("primary").await.unwrap(), Server::start("backup").await.unwrap());
        let (client, handles) = client::client(primary.address(), backup.address()).unwrap();
        Self { primary, backup, client, handles }
    }

    fn set(&self, fault: Fault) {
        self.primary.set(fault);
        self.backup.set(fault);
    }

    fn commands(&self) -> u32 {
        self.primary.commands() + self.backup.commands()
    }
}

async fn ask(client: &Client, line: &str) -> Result<String, BoxError> {
    Ok(client.clone().oneshot(line.into()).await?.0)
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
async fn stopped_primary_causes_no_errors_and_traffic_returns() {
    let Harness { primary, backup: _backup, client, handles } = Harness::new().await;
    assert_eq!(ask(&client, "GET answer").await.unwrap(), "OK 42 of the primary");
    let address = primary.address();
    primary.stop().await;
    until("the primary is left", async || {
        assert_eq!(ask(&client, "GET answer").await.unwrap(), "OK 42 of the backup");
        active(&handles).as_deref() == Some("backup")
    })
    .await;
    let _primary = Server::start_at(address, "primary").await.unwrap();
    until("traffic is back", async || ask(&client, "GET answer").await.unwrap() == "OK 42 of the primary").await;
    assert_eq!(active(&handles).as_deref(), Some("primary"));
}

#[tokio::test]
async fn busy_server_is_retried_after_its_wait() {
    let harness = Harness::new().await;
    harness.set(Fault::BusyOnce);
    let began = Instant::now();
    let answer = ask(&harness.client, "GET answer").await.unwrap();
    assert!(answer.starts_with("OK 42"), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(harness.handles.retry.snapshot().retries, 1);
}

#[tokio::test]
async fn set_is_sent_once() {
    let harness = Harness::new().await;
    harness.set(Fault::HangsUp);
    ask(&harness.client, "SET answer 7").await.unwrap_err();
    assert_eq!(harness.commands(), 1);
    harness.set(Fault::BusyOnce);
    assert_eq!(ask(&harness.client, "SET answer 7").await.unwrap(), "BUSY 500", "the reply of the server");
    assert_eq!(harness.commands(), 2);
}

#[tokio::test]
async fn caller_error_is_returned_and_does_not_count() {
    let harness = Harness::new().await;
    for _ in 0..10 {
        assert_eq!(ask(&harness.client, "GETT answer").await.unwrap(), "WRONG what?");
    }
    assert_eq!((active(&harness.handles).as_deref(), harness.backup.commands()), (Some("primary"), 0));
}

#[tokio::test]
async fn silent_primary_is_bypassed_and_two_silent_servers_time_out() {
    let harness = Harness::new().await;
    harness.primary.set(Fault::Silent);
    assert_eq!(ask(&harness.client, "GET answer").await.unwrap(), "OK 42 of the backup");
    assert_eq!(harness.handles.failover.snapshot().second_attempts.on_delay, 1);
    harness.backup.set(Fault::Silent);
    let began = Instant::now();
    let error = ask(&harness.client, "GET answer").await.unwrap_err();
    let late = [Reason::TotalTimeout, Reason::AttemptTimeout, Reason::DeadlineExceeded];
    assert!(late.contains(&error.rejected().unwrap().reason()), "{error}");
    assert!(began.elapsed() < TEST_TIMEOUT / 2, "{:?}", began.elapsed());
}

#[test]
fn demonstration_runs_to_its_end() {
    let output = Command::new(env!("CARGO_BIN_EXE_lines")).output().unwrap();
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{story}");
    for part in ["WRONG what?", "of the backup", "SET answer 7: unexpected end of file", "is on primary for"] {
        assert!(story.contains(part), "no {part:?} in\n{story}");
    }
}

//! The client in its stack, over real sockets.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{process::Command, time::Duration};

use lines::{
    client::{self, Client},
    server::{Fault, Server},
};
use mainstay::{BoxError, Reason, Refusal, failover::stack::StandardHandles};
use tokio::time::{Instant, sleep};
use tower::ServiceExt;

/// Whatever the machine is busy with: far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

struct Place {
    primary: Server,
    backup: Server,
    client: Client,
    handles: StandardHandles,
}

impl Place {
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

async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so().await {
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Nobody listens any more, and then somebody does again.
#[tokio::test]
async fn a_refused_connection_is_not_noticed_and_traffic_returns() {
    let Place { primary, backup: _backup, client, handles } = Place::new().await;
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
async fn a_server_that_is_busy_is_asked_again_when_it_said() {
    let place = Place::new().await;
    place.set(Fault::BusyOnce);
    let began = Instant::now();
    let answer = ask(&place.client, "GET answer").await.unwrap();
    assert!(answer.starts_with("OK 42"), "{answer}");
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(place.handles.retry.snapshot().retries, 1);
}

#[tokio::test]
async fn what_changes_something_is_sent_once() {
    let place = Place::new().await;
    place.set(Fault::HangsUp);
    ask(&place.client, "SET answer 7").await.unwrap_err();
    assert_eq!(place.commands(), 1);
    place.set(Fault::BusyOnce);
    assert_eq!(ask(&place.client, "SET answer 7").await.unwrap(), "BUSY 500", "as the server said it");
    assert_eq!(place.commands(), 2);
}

/// However often: it says nothing about the server.
#[tokio::test]
async fn a_callers_mistake_goes_back_to_the_caller() {
    let place = Place::new().await;
    for _ in 0..10 {
        assert_eq!(ask(&place.client, "GETT answer").await.unwrap(), "WRONG what?");
    }
    assert_eq!((active(&place.handles).as_deref(), place.backup.commands()), (Some("primary"), 0));
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for_and_two_of_them_not_for_ever() {
    let place = Place::new().await;
    place.primary.set(Fault::Silent);
    assert_eq!(ask(&place.client, "GET answer").await.unwrap(), "OK 42 of the backup");
    assert_eq!(place.handles.failover.snapshot().second_attempts.on_delay, 1);
    place.backup.set(Fault::Silent);
    let began = Instant::now();
    let error = ask(&place.client, "GET answer").await.unwrap_err();
    let late = [Reason::TotalTimeout, Reason::AttemptTimeout, Reason::DeadlineExceeded];
    assert!(late.contains(&error.rejected().unwrap().reason()), "{error}");
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
}

#[test]
fn the_story_is_told_to_its_end() {
    let output = Command::new(env!("CARGO_BIN_EXE_lines")).output().unwrap();
    let story = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{story}");
    for part in ["WRONG what?", "of the backup", "SET answer 7: unexpected end of file", "is on primary for"] {
        assert!(story.contains(part), "no {part:?} in\n{story}");
    }
}

//! Requests that the end of a runtime drops say nothing about an endpoint.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::time::Duration;

use common::{Fate, Script, settings};
use mainstay_failover::{Endpoint, Failover, FailoverSettings, FailoverState};
use tokio::{
    runtime::{Builder, Runtime},
    time::sleep,
};
use tower::ServiceExt;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// Returns the state after requests were dropped: by the end of their runtime, or by their callers.
fn state_after(drop_requests: fn(&Failover<Script>)) -> FailoverState {
    let script = Script::new("only");
    // Without a delay, because a long silence would count before the requests are dropped.
    let settings = FailoverSettings { second_attempt: None, ..settings() };
    let failover = Failover::with_settings("x", [Endpoint::new("only", script.clone())], settings).unwrap();
    script.set(Fate::Hang);
    drop_requests(&failover);
    assert_eq!((script.calls(), script.live()), (30, 0));
    failover.handle().snapshot().state
}

/// Defect: the requests counted as failures, and the endpoint was left.
#[test]
fn runtime_that_ends_leaves_no_endpoint() {
    let state = state_after(|failover| {
        let runtime = runtime();
        (0..30).for_each(|id| drop(runtime.spawn(failover.clone().oneshot(id))));
        runtime.block_on(sleep_five_seconds());
    });
    assert_eq!(state, FailoverState::OnPrimary);
}

#[test]
fn callers_that_give_up_leave_an_endpoint_without_a_probe() {
    let state = state_after(|failover| {
        runtime().block_on(async {
            let calls: Vec<_> = (0..30).map(|id| tokio::spawn(failover.clone().oneshot(id))).collect();
            sleep_five_seconds().await;
            for call in calls {
                call.abort();
                assert!(call.await.unwrap_err().is_cancelled());
            }
        });
    });
    assert_eq!(state, FailoverState::AllDown);
}

async fn sleep_five_seconds() {
    sleep(Duration::from_secs(5)).await;
}

//! An endpoint is judged by how its streams end.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{convert::Infallible, time::Duration};

use mainstay_core::{
    BoxError, FailureKind, Outcome,
    test::{Stream, Streaming},
};
use mainstay_failover::{Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState, HoldSettings};
use tokio::time::advance;
use tower::{Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);
const FAILED: Outcome = Outcome::failure(FailureKind::Network);

/// Two endpoints without probes: the first is left after two failures in a row, and tried again after a second by one
/// request at a time.
fn two() -> (impl Service<u32, Response = Stream, Error = BoxError> + Clone, FailoverHandle) {
    let settings = FailoverSettings {
        consecutive_failures: Some(2),
        failure_rate: None,
        hold: HoldSettings { base: SECOND, jitter: 0.0, ..HoldSettings::default() },
        recovery_successes: 1,
        trial_lease: 10 * SECOND,
        ..FailoverSettings::default()
    };
    let stream = service_fn(|_: u32| async { Ok::<_, Infallible>(Stream::default()) });
    let endpoints = ["primary", "backup"].map(|name| Endpoint::new(name, stream));
    let failover = Failover::with_settings("x", endpoints, settings).unwrap().with_policy(Streaming);
    let handle = failover.handle().clone();
    (failover, handle)
}

fn active(handle: &FailoverHandle) -> FailoverState {
    handle.snapshot().state
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_streams_break_off_is_left() {
    let (failover, handle) = two();
    let streams = [failover.clone().oneshot(1).await.unwrap(), failover.clone().oneshot(2).await.unwrap()];
    assert_eq!(handle.snapshot().endpoints[0].breaker.successes, 0, "not before their ends");
    streams.into_iter().for_each(|stream| stream.end(FAILED));
    assert_eq!(active(&handle), FailoverState::OnBackup);
    assert_eq!(handle.snapshot().reason, "primary: 2 failures in a row");
    // What ends now was sent to the backup, and is recorded there.
    failover.oneshot(3).await.unwrap().end(Outcome::Success);
    assert_eq!(handle.snapshot().endpoints[1].breaker.successes, 1);
}

#[tokio::test(start_paused = true)]
async fn one_live_stream_at_a_time_shows_that_an_endpoint_is_back() {
    let (failover, handle) = two();
    for _ in 0..2 {
        failover.clone().oneshot(1).await.unwrap().end(FAILED);
    }
    advance(SECOND).await;
    let trial = failover.clone().oneshot(1).await.unwrap();
    let meanwhile = failover.clone().oneshot(2).await.unwrap();
    assert_eq!(active(&handle), FailoverState::OnBackup);
    drop(meanwhile);
    trial.end(Outcome::Success);
    assert_eq!(active(&handle), FailoverState::OnPrimary);
}

/// The probing of a router that nobody holds any more stops, whoever still reads.
#[tokio::test(start_paused = true)]
async fn a_stream_keeps_no_router_alive_and_may_outlive_it() {
    let (failover, handle) = two();
    let mut changes = handle.watch();
    let stream = failover.oneshot(1).await.unwrap();
    drop(handle);
    assert!(changes.changed().await.is_err());
    stream.end(FAILED);
}

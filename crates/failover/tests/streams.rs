//! Streams: their outcome is recorded at their end.
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

/// Returns a failover over two endpoints without probes: the first is left after two consecutive failures, and gets one
/// trial request at a time after a second.
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
async fn broken_streams_leave_the_endpoint() {
    let (failover, handle) = two();
    let streams = [failover.clone().oneshot(1).await.unwrap(), failover.clone().oneshot(2).await.unwrap()];
    assert_eq!(handle.snapshot().endpoints[0].breaker.successes, 0, "nothing is recorded before the end");
    streams.into_iter().for_each(|stream| stream.end(FAILED));
    assert_eq!(active(&handle), FailoverState::OnBackup);
    assert_eq!(handle.snapshot().reason, "primary: 2 failures in a row");
    // This stream comes from the backup, and is recorded there.
    failover.oneshot(3).await.unwrap().end(Outcome::Success);
    assert_eq!(handle.snapshot().endpoints[1].breaker.successes, 1);
}

#[tokio::test(start_paused = true)]
async fn one_trial_stream_at_a_time_recovers_the_endpoint() {
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

/// A stream that is still read must not keep the prober running.
#[tokio::test(start_paused = true)]
async fn stream_outlives_the_failover_and_does_not_keep_it_alive() {
    let (failover, handle) = two();
    let mut changes = handle.watch();
    let stream = failover.oneshot(1).await.unwrap();
    drop(handle);
    assert!(changes.changed().await.is_none());
    stream.end(FAILED);
}

//! Streams: their outcome is recorded at their end.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{cell::Cell, convert::Infallible, time::Duration};

use mainstay_core::{
    BoxError, FailureKind, Outcome, Random,
    test::{Stream, Streaming},
};
use mainstay_failover::{Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState, HoldSettings};
use tokio::time::advance;
use tower::{Service, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);
const FAILED: Outcome = Outcome::failure(FailureKind::Network);

/// Returns a failover over endpoints of these names without probes. An endpoint that was left gets one trial request at a time
/// after a second.
fn failover<const N: usize>(
    names: [&'static str; N],
) -> (impl Service<u32, Response = Stream, Error = BoxError> + Clone, FailoverHandle) {
    // The comparison draws the same endpoints in each run.
    Random::seed_thread(7);
    let settings = FailoverSettings {
        consecutive_failures: Some(2),
        failure_rate: None,
        hold: HoldSettings { base: SECOND, jitter: 0.0, ..HoldSettings::default() },
        recovery_successes: 1,
        trial_lease: 10 * SECOND,
        ..FailoverSettings::default()
    };
    let endpoints = names.map(|name| {
        let serve = move |_: u32| async move {
            NEWEST.set(name);
            Ok::<_, Infallible>(Stream::default())
        };
        Endpoint::new(name, service_fn(serve))
    });
    let failover = Failover::with_settings("x", endpoints, settings).unwrap().with_policy(Streaming);
    let handle = failover.handle().clone();
    (failover, handle)
}

thread_local! {
    /// The endpoint of the newest stream.
    static NEWEST: Cell<&'static str> = const { Cell::new("") };
}

fn active(handle: &FailoverHandle) -> FailoverState {
    handle.snapshot().state
}

#[tokio::test(start_paused = true)]
async fn broken_streams_leave_the_endpoint() {
    let (only, handle) = failover(["only"]);
    let streams = [only.clone().oneshot(1).await.unwrap(), only.clone().oneshot(2).await.unwrap()];
    assert_eq!(handle.snapshot().endpoints[0].breaker.successes, 0, "nothing is recorded before the end");
    streams.into_iter().for_each(|stream| stream.end(FAILED));
    assert_eq!(active(&handle), FailoverState::AllDown);
    // With a backup, the two are compared.
    let (two, handle) = failover(["primary", "backup"]);
    let mut streams = 0;
    while active(&handle) == FailoverState::OnPrimary {
        let stream = two.clone().oneshot(1).await.unwrap();
        stream.end(if NEWEST.get() == "primary" { FAILED } else { Outcome::Success });
        streams += 1;
    }
    let snapshot = handle.snapshot();
    assert!((26..100).contains(&streams) && snapshot.endpoints[1].breaker.successes >= 8, "{streams}: {snapshot}");
}

#[tokio::test(start_paused = true)]
async fn one_trial_stream_at_a_time_recovers_the_endpoint() {
    let (failover, handle) = failover(["primary", "backup"]);
    handle.take_out("primary", "test").unwrap();
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
    let (failover, handle) = failover(["primary", "backup"]);
    let mut changes = handle.watch();
    let stream = failover.oneshot(1).await.unwrap();
    drop(handle);
    assert!(changes.changed().await.is_none());
    stream.end(FAILED);
}

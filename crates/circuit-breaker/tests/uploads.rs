//! Requests whose bodies are on their way for long: the time of the caller is not that of the dependency.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::time::Duration;

use mainstay_circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, Recovery, SlowCalls, State};
use mainstay_core::{
    UploadClock,
    test::{Probe, ProbePolicy, Reply, Request, call},
};
use tokio::time::{advance, sleep, timeout};
use tower::Layer;

const SECOND: Duration = Duration::from_secs(1);

fn settings() -> BreakerSettings {
    let slow = SlowCalls { duration: 2 * SECOND, rate: 0.5 };
    BreakerSettings { consecutive_failures: Some(3), slow_calls: Some(slow), ..BreakerSettings::default() }
}

/// Sends 5 s of upload to a dependency that answers 1 s after its end, or never.
async fn upload(breaker: &Breaker, then: Reply, leaves: Duration) {
    let (probe, clock) = (Probe::new(), UploadClock::new(60 * SECOND));
    probe.always(then);
    let mut service = CircuitBreakerLayer::with(breaker.clone()).with_policy(ProbePolicy).layer(probe.clone());
    let request = Request::default().with_upload_clock(clock.clone());
    let body = async {
        for _ in 0..10 {
            clock.record_wait();
            sleep(SECOND / 2).await;
            clock.record_piece();
        }
        sleep(SECOND).await;
        probe.release();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = timeout(leaves, call(&mut service, request)) => {}
        () = body => {}
    }
}

#[tokio::test(start_paused = true)]
async fn upload_of_a_slow_caller_is_neither_slow_nor_abandoned() {
    let breaker = Breaker::with_settings("x", settings()).unwrap();
    for _ in 0..40 {
        upload(&breaker, Reply::Hold, 60 * SECOND).await;
        upload(&breaker, Reply::Hold, 4 * SECOND).await;
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.successes, snapshot.slow, snapshot.failures), (State::Closed, 40, 0, 0));
    assert_eq!((snapshot.dropped, snapshot.abandoned), (40, 0));
}

#[tokio::test(start_paused = true)]
async fn call_that_is_abandoned_after_its_upload_is_a_failure() {
    let breaker = Breaker::with_settings("x", settings()).unwrap();
    for leaves in [SECOND * 59 / 10, 6 * SECOND, 60 * SECOND, 60 * SECOND] {
        upload(&breaker, Reply::Hang, leaves).await;
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.dropped, snapshot.abandoned, snapshot.state), (1, 3, State::Open));
    assert_eq!(snapshot.slow, 2, "they waited for 55 s after the upload");
}

/// The lease frees the permit, and counts for nothing.
#[tokio::test(start_paused = true)]
async fn trial_call_whose_upload_outlasts_its_lease_does_not_fail() {
    let recovery =
        Recovery::Trials { permits: 1, lease: SECOND, criteria: mainstay_circuit_breaker::TrialCriteria::Successes(1) };
    let breaker = Breaker::with_settings("x", BreakerSettings { recovery, ..settings() }).unwrap();
    breaker.trip("test");
    advance(SECOND).await;
    let uploading = breaker.clone();
    tokio::spawn(async move { upload(&uploading, Reply::Hold, 60 * SECOND).await });
    sleep(SECOND / 2).await;
    assert!(breaker.try_acquire().is_err(), "the one permit is in use");
    sleep(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker.try_acquire().unwrap().record(mainstay_core::Outcome::Success);
    assert_eq!((breaker.state(), breaker.snapshot().openings), (State::Closed, 1));
}

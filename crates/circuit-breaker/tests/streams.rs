//! A call whose response streams is classified by the end of the stream.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{io, time::Duration};

use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, CircuitBreakerLayer, OpenSettings, Recovery, SlowCalls, State, TrialCriteria,
};
use mainstay_core::{
    BoxError, FailureKind, Outcome,
    test::{Stream, Streaming},
};
use tokio::time::{advance, sleep};
use tower::{Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

/// One trial call, with a lease of ten seconds.
fn breaker(mut settings: BreakerSettings) -> Breaker {
    settings.open = OpenSettings { jitter: 0.0, ..OpenSettings::constant(SECOND) };
    settings.recovery = Recovery::Trials { permits: 1, lease: 10 * SECOND, criteria: TrialCriteria::Successes(1) };
    Breaker::with_settings("streams", settings).unwrap()
}

fn two_failures() -> Breaker {
    breaker(BreakerSettings { consecutive_failures: Some(2), failure_rate: None, ..BreakerSettings::default() })
}

async fn begin(breaker: &Breaker, head_after: Duration) -> Stream {
    let service = service_fn(move |()| async move {
        sleep(head_after).await;
        Ok::<_, io::Error>(Stream::default())
    });
    let layer = CircuitBreakerLayer::with(breaker.clone()).with_policy(Streaming);
    let stream: Result<_, BoxError> = layer.layer(service).oneshot(()).await;
    stream.unwrap()
}

fn failure() -> Outcome {
    Outcome::failure(FailureKind::Network)
}

/// Classified at the head, each stream would be a success and end the streak.
#[tokio::test(start_paused = true)]
async fn streams_that_break_off_open_the_breaker() {
    let breaker = two_failures();
    begin(&breaker, Duration::ZERO).await.end(failure());
    assert_eq!((breaker.state(), breaker.snapshot().consecutive_failures), (State::Closed, 1));
    begin(&breaker, Duration::ZERO).await.end(failure());
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn stream_counts_once_at_its_end() {
    let breaker = two_failures();
    let stream = begin(&breaker, Duration::ZERO).await;
    assert_eq!((breaker.snapshot().successes, breaker.snapshot().window_calls), (0, 0));
    stream.end(Outcome::Success);
    assert_eq!(breaker.snapshot().successes, 1);
}

#[tokio::test(start_paused = true)]
async fn dropped_stream_is_neutral_however_long_it_ran() {
    let breaker = two_failures();
    for _ in 0..3 {
        let stream = begin(&breaker, Duration::ZERO).await;
        advance(60 * SECOND).await;
        drop(stream);
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.failures, snapshot.abandoned, snapshot.ignored), (State::Closed, 0, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn duration_is_measured_at_the_head() {
    let slow_calls = Some(SlowCalls { duration: SECOND, rate: 1.0 });
    let breaker = breaker(BreakerSettings { slow_calls, minimum_calls: 1, ..BreakerSettings::default() });
    let quick = begin(&breaker, Duration::ZERO).await;
    advance(10 * SECOND).await;
    quick.end(Outcome::Success);
    assert_eq!((breaker.snapshot().slow, breaker.state()), (0, State::Closed));
    begin(&breaker, 2 * SECOND).await.end(Outcome::Success);
    assert_eq!(breaker.snapshot().slow, 1);
}

#[tokio::test(start_paused = true)]
async fn stream_of_an_earlier_epoch_changes_nothing() {
    let breaker = two_failures();
    let (good, bad) = (begin(&breaker, Duration::ZERO).await, begin(&breaker, Duration::ZERO).await);
    breaker.trip("test");
    advance(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    good.end(Outcome::Success);
    bad.end(failure());
    assert_eq!((breaker.state(), breaker.snapshot().late), (State::HalfOpen, 2));
}

async fn half_open() -> (Breaker, Stream) {
    let breaker = two_failures();
    breaker.trip("test");
    advance(SECOND).await;
    let trial = begin(&breaker, Duration::ZERO).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    (breaker, trial)
}

#[tokio::test(start_paused = true)]
async fn end_of_a_trial_stream_decides_the_state() {
    for (end, state) in
        [(Outcome::Success, State::Closed), (failure(), State::Open), (Outcome::ignored(), State::HalfOpen)]
    {
        let (breaker, trial) = half_open().await;
        assert!(breaker.try_acquire().is_err(), "the stream holds its permit until it ends");
        trial.end(end);
        assert_eq!(breaker.state(), state);
    }
}

/// A subscription may last for days: an expired lease counts against calls without a response head only.
#[tokio::test(start_paused = true)]
async fn trial_stream_that_outlives_its_lease_closes_the_breaker() {
    let (breaker, trial) = half_open().await;
    advance(10 * SECOND).await;
    assert_eq!(breaker.state(), State::Closed);
    trial.end(failure());
    assert_eq!((breaker.state(), breaker.snapshot().late), (State::Closed, 1));
}

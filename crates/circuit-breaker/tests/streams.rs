//! A call whose answer goes on is classified by its end.
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

fn two_in_a_row() -> Breaker {
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

/// At the head each of them was a success, and would have ended the row.
#[tokio::test(start_paused = true)]
async fn streams_that_break_off_open_it() {
    let breaker = two_in_a_row();
    begin(&breaker, Duration::ZERO).await.end(failure());
    assert_eq!((breaker.state(), breaker.snapshot().consecutive_failures), (State::Closed, 1));
    begin(&breaker, Duration::ZERO).await.end(failure());
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_stream_counts_once_and_not_before_its_end() {
    let breaker = two_in_a_row();
    let stream = begin(&breaker, Duration::ZERO).await;
    assert_eq!((breaker.snapshot().successes, breaker.snapshot().window_calls), (0, 0));
    stream.end(Outcome::Success);
    assert_eq!(breaker.snapshot().successes, 1);
}

/// However long it ran.
#[tokio::test(start_paused = true)]
async fn one_that_is_given_up_on_says_nothing() {
    let breaker = two_in_a_row();
    for _ in 0..3 {
        let stream = begin(&breaker, Duration::ZERO).await;
        advance(60 * SECOND).await;
        drop(stream);
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.failures, snapshot.abandoned, snapshot.ignored), (State::Closed, 0, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn how_long_a_call_took_is_measured_at_the_head() {
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
async fn a_stream_from_before_it_opened_changes_nothing_after() {
    let breaker = two_in_a_row();
    let (good, bad) = (begin(&breaker, Duration::ZERO).await, begin(&breaker, Duration::ZERO).await);
    breaker.trip("test");
    advance(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    good.end(Outcome::Success);
    bad.end(failure());
    assert_eq!((breaker.state(), breaker.snapshot().late), (State::HalfOpen, 2));
}

async fn half_open() -> (Breaker, Stream) {
    let breaker = two_in_a_row();
    breaker.trip("test");
    advance(SECOND).await;
    let trial = begin(&breaker, Duration::ZERO).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    (breaker, trial)
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_trial_decides() {
    for (end, state) in
        [(Outcome::Success, State::Closed), (failure(), State::Open), (Outcome::Ignored, State::HalfOpen)]
    {
        let (breaker, trial) = half_open().await;
        assert!(breaker.try_acquire().is_err(), "its place is taken until it ends");
        trial.end(end);
        assert_eq!(breaker.state(), state);
    }
}

/// A subscription may last for days; a lease that ends counts against calls that have not answered.
#[tokio::test(start_paused = true)]
async fn a_trial_that_streams_past_its_lease_has_shown_that_it_is_back() {
    let (breaker, trial) = half_open().await;
    advance(10 * SECOND).await;
    assert_eq!(breaker.state(), State::Closed);
    trial.end(failure());
    assert_eq!((breaker.state(), breaker.snapshot().late), (State::Closed, 1));
}

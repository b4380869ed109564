//! The pace of trial calls: by time, and by refused calls.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, GateLayer, KeyedBreakers, OpenSettings, Recovery, State, TrialCriteria,
};
use mainstay_core::{FailureKind, Outcome, Repeat};
use tokio::time::advance;
use tower::{Layer, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);
const BASE: Duration = Duration::from_millis(500);

fn failure() -> Outcome {
    Outcome::failure(FailureKind::Network)
}

/// A breaker without jitter that has opened four times: its open time is 4 s.
async fn relapsed() -> Breaker {
    let open = OpenSettings { jitter: 0.0, ..OpenSettings::default() };
    let breaker = Breaker::with_settings("test", BreakerSettings { open, ..BreakerSettings::default() }).unwrap();
    breaker.trip("test");
    for time in [1, 2, 4] {
        advance(time * BASE).await;
        breaker.try_acquire().unwrap().record(failure());
    }
    assert_eq!((breaker.state(), breaker.snapshot().openings), (State::Open, 4));
    breaker
}

fn refuse(breaker: &Breaker, calls: u32) {
    (0..calls).for_each(|_| assert!(breaker.try_acquire().is_err()));
}

/// After a repair, an open time of up to 8 s lost hundreds of calls to a busy dependency.
#[tokio::test(start_paused = true)]
async fn sixty_refused_calls_make_a_trial_call_due_after_the_base_time() {
    let breaker = relapsed().await;
    advance(BASE / 2).await;
    refuse(&breaker, 60);
    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(BASE / 2));
    advance(BASE / 2).await;
    assert!(breaker.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn fewer_refused_calls_leave_the_open_time() {
    let breaker = relapsed().await;
    refuse(&breaker, 59);
    advance(4 * SECOND - Duration::from_millis(1)).await;
    assert!(breaker.refusal().is_some());
    advance(Duration::from_millis(1)).await;
    assert!(breaker.try_acquire().is_ok());
}

/// Three calls of every opening went to a dependency that was still down.
#[tokio::test(start_paused = true)]
async fn second_trial_call_waits_for_the_success_of_the_first() {
    let breaker = relapsed().await;
    advance(4 * SECOND).await;
    let first = breaker.try_acquire().unwrap();
    refuse(&breaker, 1);
    first.record(Outcome::Success);
    let (second, third) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
    refuse(&breaker, 1);
    second.record(Outcome::Success);
    third.record(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

/// A trial call without an answer must not delay the next one until its lease ends.
#[tokio::test(start_paused = true)]
async fn pending_trial_call_delays_the_next_one_by_the_open_time_or_by_sixty_refused_calls() {
    let breaker = relapsed().await;
    advance(4 * SECOND).await;
    let pending = breaker.try_acquire().unwrap();
    advance(4 * SECOND - Duration::from_millis(1)).await;
    refuse(&breaker, 1);
    advance(Duration::from_millis(1)).await;
    let second = breaker.try_acquire().unwrap();
    refuse(&breaker, 60);
    advance(BASE).await;
    let third = breaker.try_acquire().unwrap();
    advance(8 * SECOND).await;
    refuse(&breaker, 1);
    for trial in [second, third] {
        trial.record(Outcome::Success);
    }
    breaker.try_acquire().unwrap().record(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
    drop(pending);
}

/// A trial call that was sent before a repair times out after it. Each such call cost a second of refusals, then 60 more.
#[tokio::test(start_paused = true)]
async fn calls_refused_during_a_trial_call_count_towards_the_next() {
    let breaker = relapsed().await;
    advance(4 * SECOND).await;
    let trial = breaker.try_acquire().unwrap();
    refuse(&breaker, 40);
    advance(SECOND).await;
    trial.record(failure());
    assert_eq!(breaker.state(), State::Open);
    refuse(&breaker, 18);
    assert!(breaker.try_acquire().unwrap_err().retry_after() > Some(SECOND));
    refuse(&breaker, 1);
    assert!(breaker.try_acquire().is_ok(), "60 refused calls, and `base` since the last trial call");
}

/// The refused call that makes a trial call due may come while the last one still runs.
#[tokio::test(start_paused = true)]
async fn failed_trial_call_does_not_delay_the_one_that_is_due() {
    let breaker = relapsed().await;
    advance(4 * SECOND).await;
    let trial = breaker.try_acquire().unwrap();
    refuse(&breaker, 60);
    advance(BASE / 5).await;
    trial.record(failure());
    refuse(&breaker, 1);
    advance(BASE - BASE / 5).await;
    assert!(breaker.try_acquire().is_ok());
}

/// What a server asks for is a lower bound.
#[tokio::test(start_paused = true)]
async fn refused_calls_do_not_shorten_what_the_server_asked_for() {
    let breaker = relapsed().await;
    advance(4 * SECOND).await;
    let asked = Outcome::Failure { kind: FailureKind::Network, repeat: Repeat::After(6 * SECOND) };
    breaker.try_acquire().unwrap().record(asked);
    refuse(&breaker, 60);
    advance(5 * SECOND).await;
    assert!(breaker.refusal().is_some());
    advance(SECOND).await;
    assert!(breaker.try_acquire().is_ok());
}

/// A gate that waited for a permit slept until the lease ended, although a trial call had succeeded.
#[tokio::test(start_paused = true)]
async fn success_of_a_trial_call_wakes_a_gate_that_waits_for_a_permit() {
    let recovery = Recovery::Trials { permits: 1, lease: 30 * SECOND, criteria: TrialCriteria::Successes(3) };
    let settings = BreakerSettings { recovery, ..BreakerSettings::default() };
    let breaker = Breaker::with_settings("test", settings).unwrap();
    breaker.trip("test");
    advance(SECOND).await;
    let trial = breaker.try_acquire().unwrap();
    let echo = tower::service_fn(|request: u32| std::future::ready(Ok::<_, std::io::Error>(request)));
    let gate = GateLayer::with(breaker.clone()).layer(echo);
    let waiting = tokio::spawn(gate.oneshot(1));
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    trial.record(Outcome::Success);
    assert_eq!(waiting.await.unwrap().unwrap(), 1);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn constant_open_time_is_not_shortened() {
    let settings =
        BreakerSettings { open: OpenSettings { jitter: 0.0, ..OpenSettings::constant(SECOND) }, ..Default::default() };
    let breaker = Breaker::with_settings("test", settings).unwrap();
    breaker.trip("test");
    refuse(&breaker, 1_000);
    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(SECOND));
    advance(SECOND).await;
    let trials: Vec<_> = (0..3).map(|_| breaker.try_acquire()).collect();
    assert!(trials.iter().all(Result::is_ok), "without a pace the permits are free at once");
}

#[test]
fn ten_consecutive_failures_open_a_breaker_and_five_that_of_a_key() {
    let fail = |breaker: &Breaker, calls| {
        (0..calls).for_each(|_| breaker.record(failure()));
        breaker.state()
    };
    let (single, keyed) = (Breaker::new("single"), KeyedBreakers::<u32>::new("keyed").get(&1));
    assert_eq!((fail(&single, 9), fail(&single, 1)), (State::Closed, State::Open));
    assert_eq!((fail(&keyed, 4), fail(&keyed, 1)), (State::Closed, State::Open));
}

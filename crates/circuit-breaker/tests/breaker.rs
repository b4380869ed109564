//! Behaviour of a breaker; defects of other implementations are in `defects.rs`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{collections::HashSet, time::Duration};

use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, GateLayer, Growth, Mode, OpenSettings, Recovery, SlowCalls, State,
};
use mainstay_core::{
    FailureKind, Level, Outcome, Repeat,
    test::{Probe, Request, call},
};
use proptest::prelude::*;
use tokio::time::advance;
use tower::Layer;

const SECOND: Duration = Duration::from_secs(1);

fn failure() -> Outcome {
    Outcome::failure(FailureKind::Network)
}

fn three_failures() -> BreakerSettings {
    BreakerSettings {
        consecutive_failures: Some(3),
        failure_rate: None,
        open: OpenSettings { jitter: 0.0, ..OpenSettings::constant(SECOND) },
        ..BreakerSettings::default()
    }
}

fn by_probes() -> BreakerSettings {
    let recovery = Recovery::Probes { successes: 3, fresh_for: 12 * SECOND };
    let open = OpenSettings {
        base: 30 * SECOND,
        max: 300 * SECOND,
        growth: Growth::Linear,
        jitter: 0.0,
        decay: 60 * SECOND,
        refusals_per_trial: None,
    };
    BreakerSettings { recovery, open, ..three_failures() }
}

fn breaker(settings: BreakerSettings) -> Breaker {
    Breaker::with_settings("test", settings).unwrap()
}

fn fail_three_times(breaker: &Breaker) {
    (0..3).for_each(|_| breaker.record(failure()));
}

#[tokio::test(start_paused = true)]
async fn overloads_count_in_rates_but_not_in_the_streak() {
    let streak = breaker(three_failures());
    for outcome in [failure(), failure(), Outcome::overloaded(None), Outcome::overloaded(None)] {
        streak.record(outcome);
    }
    assert_eq!(streak.state(), State::Closed);
    streak.record(failure());
    assert_eq!(streak.state(), State::Open, "overloads do not end the streak");
    let rate = Breaker::new("test");
    (0..20).for_each(|_| rate.record(Outcome::overloaded(None)));
    assert_eq!(rate.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn open_time_doubles_with_each_opening_and_decays_while_closed() {
    let open = OpenSettings { jitter: 0.0, ..OpenSettings::default() };
    let breaker = breaker(BreakerSettings { open, ..three_failures() });
    let mut times = Vec::new();
    for _ in 0..6 {
        breaker.trip("test");
        times.push(breaker.snapshot().open_left.unwrap().as_millis());
        advance(8 * SECOND).await;
        assert_eq!(breaker.state(), State::HalfOpen);
    }
    assert_eq!(times, [500, 1_000, 2_000, 4_000, 8_000, 8_000]);
    (0..3).for_each(|_| breaker.try_acquire().unwrap().record(Outcome::Success));
    assert_eq!(breaker.state(), State::Closed);
    advance(5 * 30 * SECOND).await;
    breaker.trip("test");
    assert_eq!(breaker.snapshot().openings, 2, "six openings, five healthy periods");
}

#[tokio::test(start_paused = true)]
async fn open_time_varies_by_ten_percent() {
    let times: HashSet<_> = (0..50)
        .map(|_| {
            let breaker = Breaker::new("test");
            breaker.trip("test");
            breaker.snapshot().open_left.unwrap().as_nanos()
        })
        .collect();
    assert!(times.len() > 40);
    assert!(times.iter().all(|time| (450_000_000..=550_000_000).contains(time)));
}

#[tokio::test(start_paused = true)]
async fn retry_after_extends_the_open_time_up_to_ten_times_the_maximum() {
    let asks = |wait| Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::After(wait));
    let breaker = breaker(three_failures());
    (0..3).for_each(|_| breaker.record(asks(5 * SECOND)));
    assert_eq!(breaker.snapshot().open_left, Some(5 * SECOND));
    breaker.reset("test");
    (0..3).for_each(|_| breaker.record(asks(3_600 * SECOND)));
    assert_eq!(breaker.snapshot().open_left, Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn slow_successes_open_the_breaker() {
    let slow_calls = Some(SlowCalls { duration: SECOND, rate: 0.5 });
    let breaker = breaker(BreakerSettings { slow_calls, failure_rate: None, ..BreakerSettings::default() });
    for i in 0..20 {
        let permit = breaker.try_acquire().unwrap();
        if i % 2 == 0 {
            advance(SECOND).await;
        }
        permit.record(Outcome::Success);
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.slow), (State::Open, 10));
    assert_eq!(snapshot.reason, "10 of 20 calls were slow");
}

#[tokio::test(start_paused = true)]
async fn slow_trial_call_counts_as_a_failure() {
    let slow_calls = Some(SlowCalls { duration: SECOND, rate: 0.5 });
    let breaker = breaker(BreakerSettings { slow_calls, failure_rate: None, ..BreakerSettings::default() });
    breaker.trip("slow");
    advance(SECOND).await;
    let permit = breaker.try_acquire().unwrap();
    advance(SECOND).await;
    permit.record(Outcome::Success);
    assert_eq!((breaker.state(), breaker.snapshot().reason.as_str()), (State::Open, "1 of 1 trial calls failed"));
}

#[tokio::test(start_paused = true)]
async fn probes_close_after_open_time_and_a_fresh_streak() {
    let breaker = breaker(by_probes());
    fail_three_times(&breaker);
    assert!(breaker.try_acquire().is_err());
    // Successes during the open time count, but do not end it.
    (0..3).for_each(|_| breaker.record_probe(Outcome::Success));
    assert_eq!(breaker.snapshot().recovery.map(|progress| (progress.have, progress.need)), Some((3, 3)));
    advance(29 * SECOND).await;
    assert_eq!(breaker.state(), State::Open);
    advance(SECOND).await;
    // The open time has passed, but the newest success is 30 s old.
    assert_eq!(breaker.state(), State::Open);
    assert!(breaker.try_acquire().is_err());
    breaker.record_probe(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn failed_or_overloaded_probe_ends_the_streak() {
    let breaker = breaker(by_probes());
    fail_three_times(&breaker);
    advance(30 * SECOND).await;
    for outcome in [failure(), Outcome::overloaded(None)] {
        (0..2).for_each(|_| breaker.record_probe(Outcome::Success));
        breaker.record_probe(outcome);
        assert_eq!(breaker.snapshot().recovery.unwrap().have, 0);
    }
    // An ignored probe does not end the streak.
    (0..2).for_each(|_| breaker.record_probe(Outcome::Success));
    breaker.record_probe(Outcome::ignored());
    breaker.record_probe(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn open_time_grows_by_its_base_and_closes_at_its_end_without_another_probe() {
    let breaker = breaker(by_probes());
    for k in 1..=3_u32 {
        fail_three_times(&breaker);
        assert_eq!(breaker.snapshot().open_left, Some(30 * SECOND * k));
        advance(30 * SECOND * k - SECOND).await;
        (0..3).for_each(|_| breaker.record_probe(Outcome::Success));
        assert!(breaker.try_acquire().is_err());
        advance(SECOND).await;
        assert!(breaker.try_acquire().is_ok(), "at the first instant, without another probe");
    }
}

#[tokio::test(start_paused = true)]
async fn operator_modes_override_the_rules() {
    let breaker = breaker(three_failures());
    breaker.force_open("ann");
    advance(3_600 * SECOND).await;
    let refusal = breaker.try_acquire().unwrap_err();
    assert_eq!((refusal.retry_after(), breaker.state()), (None, State::Open));
    assert_eq!(breaker.snapshot().reason, "forced open by ann");
    breaker.disable("bob");
    fail_three_times(&breaker);
    assert!(breaker.try_acquire().is_ok());
    breaker.reset("bob");
    assert_eq!((breaker.state(), breaker.mode()), (State::Closed, Mode::Normal));
    let reasons: Vec<_> = breaker.transitions().into_iter().map(|transition| transition.reason).collect();
    assert_eq!(reasons, ["forced open by ann", "disabled by bob", "reset by bob"]);
}

#[tokio::test(start_paused = true)]
async fn shadow_mode_reports_and_refuses_nothing() {
    let breaker = breaker(three_failures());
    breaker.shadow("ann");
    (0..10).for_each(|_| breaker.try_acquire().unwrap().record(failure()));
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.mode, snapshot.would_have_refused), (State::Open, Mode::Shadow, 7));
    assert_eq!(breaker.subscribe().get().level, Level::Healthy);
}

#[tokio::test(start_paused = true)]
async fn reconfigured_breaker_keeps_its_window() {
    let breaker = Breaker::new("test");
    (0..30).for_each(|i| breaker.record(if i % 3 == 0 { failure() } else { Outcome::Success }));
    assert_eq!(breaker.state(), State::Closed);
    breaker.reconfigure(BreakerSettings { failure_rate: Some(0.3), ..BreakerSettings::default() }).unwrap();
    assert_eq!(breaker.snapshot().window_calls, 30);
    breaker.record(failure());
    assert_eq!(breaker.state(), State::Open);
    let other =
        BreakerSettings { window: mainstay_circuit_breaker::WindowSettings::LastCalls(50), ..Default::default() };
    assert_eq!(breaker.reconfigure(other).unwrap_err().field(), "window");
}

#[tokio::test(start_paused = true)]
async fn ramp_admits_a_growing_share() {
    let breaker = breaker(BreakerSettings { ramp: Some(10 * SECOND), ..three_failures() });
    breaker.trip("test");
    advance(SECOND).await;
    (0..3).for_each(|_| breaker.try_acquire().unwrap().record(Outcome::Success));
    let share = || (0..10_000).filter(|_| breaker.try_acquire().is_ok()).count();
    assert!((800..1_200).contains(&share()));
    advance(5 * SECOND).await;
    assert!((5_200..5_800).contains(&share()));
    advance(5 * SECOND).await;
    assert_eq!(share(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn gate_is_unready_while_open_and_ready_after_the_open_time() {
    let (probe, breaker) = (Probe::new(), breaker(three_failures()));
    let mut service = GateLayer::with(breaker.clone()).layer(probe.clone());
    breaker.trip("test");
    let mut waiting = tokio_test::task::spawn(call(&mut service, Request::default()));
    assert!(waiting.poll().is_pending());
    assert_eq!(probe.ready_polls(), 0);
    // The paused clock advances to the end of the open time.
    assert!(waiting.await.is_ok());
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn racing_threads_open_the_breaker_once() {
    for _ in 0..300 {
        let breaker = breaker(three_failures());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3 {
                        if let Ok(permit) = breaker.try_acquire() {
                            permit.record(failure());
                        }
                    }
                });
            }
        });
        assert_eq!((breaker.state(), breaker.transitions().len()), (State::Open, 1));
    }
}

proptest! {
    /// In every sequence of steps the log has no gaps and an open breaker refuses; after a minute without failures, three
    /// successes close it.
    #[test]
    fn any_sequence_of_steps_recovers(steps in proptest::collection::vec((0_u8..8, 0_u64..3_000), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let breaker = breaker(three_failures());
            let mut held = Vec::new();
            for (step, ms) in steps {
                match step {
                    0 => held.extend(breaker.try_acquire()),
                    1 => if let Some(permit) = held.pop() { permit.record(Outcome::Success) },
                    2 => if let Some(permit) = held.pop() { permit.record(failure()) },
                    3 => drop(held.pop()),
                    4 => breaker.record(failure()),
                    5 => breaker.record(Outcome::ignored()),
                    6 => breaker.trip("step"),
                    _ => advance(Duration::from_millis(ms)).await,
                }
                let snapshot = breaker.snapshot();
                if snapshot.state == State::Open {
                    prop_assert!(breaker.try_acquire().is_err());
                }
            }
            let log = breaker.transitions();
            prop_assert!(log.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1 && pair[1].from == pair[0].to));
            // Some callers still hold permits.
            advance(60 * SECOND).await;
            let _ = breaker.state();
            advance(60 * SECOND).await;
            for _ in 0..3 {
                prop_assert!(breaker.try_acquire().is_ok());
                breaker.try_acquire().unwrap().record(Outcome::Success);
            }
            prop_assert_eq!(breaker.state(), State::Closed);
            Ok(())
        })?;
    }
}

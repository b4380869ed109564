//! What a breaker does, beyond the defects of others.
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

fn three_in_a_row() -> BreakerSettings {
    BreakerSettings {
        consecutive_failures: Some(3),
        failure_rate: None,
        open: OpenSettings { jitter: 0.0, ..OpenSettings::constant(SECOND) },
        ..BreakerSettings::default()
    }
}

fn by_probes() -> BreakerSettings {
    let recovery = Recovery::Probes { successes: 3, fresh_for: 12 * SECOND };
    let open =
        OpenSettings { base: 30 * SECOND, max: 300 * SECOND, growth: Growth::Linear, jitter: 0.0, decay: 60 * SECOND };
    BreakerSettings { recovery, open, ..three_in_a_row() }
}

fn breaker(settings: BreakerSettings) -> Breaker {
    Breaker::with_settings("test", settings).unwrap()
}

fn fail_three_times(breaker: &Breaker) {
    (0..3).for_each(|_| breaker.record(failure()));
}

#[tokio::test(start_paused = true)]
async fn overloads_count_in_rates_but_not_in_the_row() {
    let row = breaker(three_in_a_row());
    for outcome in [failure(), failure(), Outcome::overloaded(None), Outcome::overloaded(None)] {
        row.record(outcome);
    }
    assert_eq!(row.state(), State::Closed);
    row.record(failure());
    assert_eq!(row.state(), State::Open, "they do not end the row either");
    let rate = Breaker::new("test");
    (0..20).for_each(|_| rate.record(Outcome::overloaded(None)));
    assert_eq!(rate.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn the_open_time_doubles_with_relapses_and_decays_with_health() {
    let open = OpenSettings { jitter: 0.0, ..OpenSettings::default() };
    let breaker = breaker(BreakerSettings { open, ..three_in_a_row() });
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
async fn jitter_spreads_the_open_time_by_ten_percent() {
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
async fn a_server_may_ask_for_a_longer_break_but_not_for_an_hour() {
    let asks = |wait| Outcome::failure(FailureKind::Unavailable).with_repeat(Repeat::After(wait));
    let breaker = breaker(three_in_a_row());
    (0..3).for_each(|_| breaker.record(asks(5 * SECOND)));
    assert_eq!(breaker.snapshot().open_left, Some(5 * SECOND));
    breaker.reset("test");
    (0..3).for_each(|_| breaker.record(asks(3_600 * SECOND)));
    assert_eq!(breaker.snapshot().open_left, Some(10 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn slow_calls_open_it_whatever_their_outcome() {
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

/// What opened it must not close it.
#[tokio::test(start_paused = true)]
async fn a_slow_trial_call_counts_as_a_failure() {
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
async fn probes_close_it_when_hold_gate_and_freshness_agree() {
    let breaker = breaker(by_probes());
    fail_three_times(&breaker);
    assert!(breaker.try_acquire().is_err());
    // Successes during the hold count, but do not end it.
    (0..3).for_each(|_| breaker.record_probe(Outcome::Success));
    assert_eq!(breaker.snapshot().recovery.map(|gate| (gate.have, gate.need)), Some((3, 3)));
    advance(29 * SECOND).await;
    assert_eq!(breaker.state(), State::Open);
    advance(SECOND).await;
    // The hold is over, but the newest success is 30 s old.
    assert_eq!(breaker.state(), State::Open);
    assert!(breaker.try_acquire().is_err());
    breaker.record_probe(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_overloaded_probe_begins_the_row_anew() {
    let breaker = breaker(by_probes());
    fail_three_times(&breaker);
    advance(30 * SECOND).await;
    for spoiler in [failure(), Outcome::overloaded(None)] {
        (0..2).for_each(|_| breaker.record_probe(Outcome::Success));
        breaker.record_probe(spoiler);
        assert_eq!(breaker.snapshot().recovery.unwrap().have, 0);
    }
    // Says nothing about the dependency.
    (0..2).for_each(|_| breaker.record_probe(Outcome::Success));
    breaker.record_probe(Outcome::Ignored);
    breaker.record_probe(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_hold_grows_by_its_base_and_a_fresh_gate_opens_by_itself_at_its_end() {
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
async fn operators_have_the_last_word() {
    let breaker = breaker(three_in_a_row());
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
async fn the_shadow_mode_reports_and_refuses_nothing() {
    let breaker = breaker(three_in_a_row());
    breaker.shadow("ann");
    (0..10).for_each(|_| breaker.try_acquire().unwrap().record(failure()));
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.mode, snapshot.would_have_refused), (State::Open, Mode::Shadow, 7));
    assert_eq!(breaker.subscribe().get().level, Level::Healthy);
}

#[tokio::test(start_paused = true)]
async fn settings_change_live_and_keep_the_window() {
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
async fn the_ramp_admits_a_growing_share() {
    let breaker = breaker(BreakerSettings { ramp: Some(10 * SECOND), ..three_in_a_row() });
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
async fn a_gate_is_unready_while_open_and_opens_by_itself() {
    let (probe, breaker) = (Probe::new(), breaker(three_in_a_row()));
    let mut service = GateLayer::with(breaker.clone()).layer(probe.clone());
    breaker.trip("test");
    let mut waiting = tokio_test::task::spawn(call(&mut service, Request::default()));
    assert!(waiting.poll().is_pending());
    assert_eq!(probe.ready_polls(), 0);
    // The paused clock goes on to the end of the open time.
    assert!(waiting.await.is_ok());
    assert_eq!(breaker.state(), State::HalfOpen);
}

#[test]
fn racing_threads_open_it_exactly_once() {
    for _ in 0..300 {
        let breaker = breaker(three_in_a_row());
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
    /// Whatever happens: the log has no gaps, an open breaker refuses, trial calls stay within their number, and
    /// after a quiet minute with successes it closes.
    #[test]
    fn never_wedges(steps in proptest::collection::vec((0_u8..8, 0_u64..3_000), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let breaker = breaker(three_in_a_row());
            let mut held = Vec::new();
            for (step, ms) in steps {
                match step {
                    0 => held.extend(breaker.try_acquire()),
                    1 => if let Some(permit) = held.pop() { permit.record(Outcome::Success) },
                    2 => if let Some(permit) = held.pop() { permit.record(failure()) },
                    3 => drop(held.pop()),
                    4 => breaker.record(failure()),
                    5 => breaker.record(Outcome::Ignored),
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
            // Callers that hold permits for ever change nothing about it.
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

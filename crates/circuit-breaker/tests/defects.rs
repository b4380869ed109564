//! Defects of other implementations, and earlier ones of this crate; one test each.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Duration,
};

use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, CircuitBreakerLayer, GateLayer, KeyedBreakerSettings, KeyedBreakers, OpenSettings,
    Recovery, SlowCalls, State, TrialCriteria, WindowSettings,
};
use mainstay_core::{
    FailureKind, Outcome, Reason, Refusal, Rejected,
    test::{Probe, Readiness, Reply, Request, call},
};
use tokio::time::advance;
use tower::{Layer, Service};

const SECOND: Duration = Duration::from_secs(1);

fn failure() -> Outcome {
    Outcome::failure(FailureKind::Network)
}

/// Opens after three consecutive failures, for exactly a second; three trial calls.
fn three_failures() -> BreakerSettings {
    BreakerSettings {
        consecutive_failures: Some(3),
        failure_rate: None,
        open: OpenSettings { jitter: 0.0, ..OpenSettings::constant(SECOND) },
        ..BreakerSettings::default()
    }
}

fn breaker(settings: BreakerSettings) -> Breaker {
    Breaker::with_settings("test", settings).unwrap()
}

async fn half_open(settings: BreakerSettings) -> Breaker {
    let breaker = breaker(settings);
    breaker.trip("test");
    advance(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    breaker
}

/// A peer: after 1,000 successes it took 1,000 failures to open.
#[tokio::test(start_paused = true)]
async fn many_successes_do_not_delay_opening() {
    let by_rate = BreakerSettings { consecutive_failures: None, ..BreakerSettings::default() };
    let breaker = breaker(by_rate);
    (0..1_000).for_each(|_| breaker.record(Outcome::Success));
    (0..49).for_each(|_| breaker.record(failure()));
    assert_eq!(breaker.state(), State::Closed);
    breaker.record(failure());
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(breaker.snapshot().reason, "50 of 100 calls failed");
}

/// A peer ignored `minimum_calls` below the window's size.
#[tokio::test(start_paused = true)]
async fn minimum_below_the_window_opens_at_the_minimum() {
    let by_rate = BreakerSettings { consecutive_failures: None, ..BreakerSettings::default() };
    let breaker = breaker(by_rate);
    (0..19).for_each(|_| breaker.record(failure()));
    assert_eq!((breaker.state(), breaker.snapshot().failure_rate), (State::Closed, None));
    breaker.record(failure());
    assert_eq!(breaker.state(), State::Open);
}

/// A peer: the caller dropped a trial call, and the half-open state never ended.
#[tokio::test(start_paused = true)]
async fn dropped_trial_call_releases_its_permit() {
    let breaker = half_open(three_failures()).await;
    let permits: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    let refusal = breaker.try_acquire().unwrap_err();
    assert!(refusal.retry_after().unwrap() > Duration::ZERO, "a half-open refusal has a retry-after");
    drop(permits);
    assert_eq!(breaker.state(), State::HalfOpen);
    for _ in 0..3 {
        breaker.try_acquire().unwrap().record(Outcome::Success);
    }
    assert_eq!(breaker.state(), State::Closed);
}

/// A peer: a trial call that hung kept the breaker half-open forever.
#[tokio::test(start_paused = true)]
async fn hung_trial_call_expires_as_a_failure() {
    let breaker = half_open(three_failures()).await;
    let hung: Vec<_> = (0..3).map(|_| breaker.try_acquire().unwrap()).collect();
    assert!(breaker.try_acquire().is_err());
    advance(30 * SECOND).await;
    assert_eq!(breaker.state(), State::Open, "expiry counts as a failure");
    advance(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    // The hung calls end in a later epoch: nothing changes.
    hung.into_iter().for_each(|permit| permit.record(Outcome::Success));
    assert_eq!((breaker.state(), breaker.snapshot().late), (State::HalfOpen, 3));
}

/// A peer: successes aged out of a time window, so that half-open never closed.
#[tokio::test(start_paused = true)]
async fn trials_longer_than_the_time_window_close_the_breaker() {
    let window = WindowSettings::Last(SECOND);
    let breaker = half_open(BreakerSettings { window, ..three_failures() }).await;
    for _ in 0..3 {
        let permit = breaker.try_acquire().unwrap();
        advance(5 * SECOND).await;
        permit.record(Outcome::Success);
    }
    assert_eq!(breaker.state(), State::Closed);
}

/// Peers: results of calls that were admitted before the opening closed or reopened the half-open circuit.
#[tokio::test(start_paused = true)]
async fn results_of_an_earlier_epoch_change_nothing() {
    let breaker = breaker(three_failures());
    let early: Vec<_> = (0..8).map(|_| breaker.try_acquire().unwrap()).collect();
    breaker.trip("test");
    advance(SECOND).await;
    assert_eq!(breaker.state(), State::HalfOpen);
    for (i, permit) in early.into_iter().enumerate() {
        permit.record(if i % 2 == 0 { Outcome::Success } else { failure() });
    }
    assert_eq!((breaker.state(), breaker.snapshot().late), (State::HalfOpen, 8));
}

/// Peers never counted a dropped future, so `timeout(breaker)` over a hung backend never tripped.
#[tokio::test(start_paused = true)]
async fn timeout_around_the_breaker_opens_it() {
    let (probe, breaker) = (Probe::new(), breaker(three_failures()));
    probe.always(Reply::Hang);
    let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe);
    for _ in 0..3 {
        let call = tokio::time::timeout(2 * SECOND, call(&mut service, Request::default()));
        assert!(call.await.is_err());
    }
    assert_eq!((breaker.state(), breaker.snapshot().abandoned), (State::Open, 3));
}

/// Peers counted a cancellation as a success (and closed), or as a failure.
#[tokio::test(start_paused = true)]
async fn call_that_is_dropped_early_is_neutral() {
    let breaker = half_open(three_failures()).await;
    for _ in 0..10 {
        drop(breaker.try_acquire().unwrap());
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.successes, snapshot.failures), (State::HalfOpen, 0, 0));
    assert_eq!((snapshot.dropped, snapshot.abandoned), (10, 0));
}

/// A peer never counted a panic.
#[tokio::test(start_paused = true)]
async fn panic_is_a_failure() {
    let (probe, breaker) = (Probe::new(), breaker(three_failures()));
    probe.always(Reply::Panic);
    for _ in 0..3 {
        let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe.clone());
        let task = tokio::spawn(async move { call(&mut service, Request::default()).await });
        assert!(task.await.unwrap_err().is_panic());
    }
    assert_eq!((breaker.state(), breaker.snapshot().failures), (State::Open, 3));
}

/// A panic that a layer outside catches, before it drops the call, was not counted. One in `call` was.
#[tokio::test(start_paused = true)]
async fn panic_that_is_caught_outside_is_a_failure() {
    for reply in [Reply::Panic, Reply::PanicInCall] {
        let (probe, breaker) = (Probe::new(), breaker(three_failures()));
        probe.always(reply);
        let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe);
        for _ in 0..3 {
            let mut call = Box::pin(call(&mut service, Request::default()));
            let caught = poll_fn(|cx| {
                let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
                polled.map_or_else(|_panic| Poll::Ready(true), |polled| polled.map(|_| false))
            });
            assert!(caught.await);
            drop(call);
        }
        let snapshot = breaker.snapshot();
        assert_eq!(
            (snapshot.state, snapshot.failures, snapshot.reason.as_str()),
            (State::Open, 3, "3 failures in a row")
        );
    }
}

/// A peer never counted an error of `poll_ready`.
#[tokio::test(start_paused = true)]
async fn readiness_error_is_a_failure() {
    let (probe, breaker) = (Probe::new(), breaker(three_failures()));
    probe.set_readiness(Readiness::Fail);
    let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe);
    for _ in 0..3 {
        assert!(call(&mut service, Request::default()).await.is_err());
    }
    let error = call(&mut service, Request::default()).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::CircuitOpen);
}

/// A peer: local bulkhead refusals opened the breaker of a healthy backend.
#[tokio::test(start_paused = true)]
async fn refusals_by_layers_below_never_open_the_breaker() {
    let breaker = breaker(three_failures());
    for _ in 0..100 {
        let refused = breaker.run(|| async { Err::<(), _>(Rejected::new(Reason::BulkheadFull, "below")) }).await;
        assert_eq!(refused.unwrap_err().rejected().unwrap().reason(), Reason::BulkheadFull);
    }
    assert_eq!((breaker.state(), breaker.snapshot().rejected_below), (State::Closed, 100));
}

/// Both release the permit of the trial call, and do not close the breaker.
#[tokio::test(start_paused = true)]
async fn refusals_and_ignored_calls_are_neutral_in_half_open() {
    let breaker = half_open(three_failures()).await;
    for _ in 0..20 {
        breaker.try_acquire().unwrap().record(Outcome::ignored());
        breaker.try_acquire().unwrap().record(Outcome::rejected(None));
    }
    assert_eq!(breaker.state(), State::HalfOpen);
}

/// Peers: each call of `layer` made a state of its own, so a breaker in axum never opened.
#[tokio::test(start_paused = true)]
async fn services_of_one_layer_share_the_breaker() {
    let (probe, layer) = (Probe::new(), CircuitBreakerLayer::with(breaker(three_failures())));
    probe.always(Reply::Fail);
    for _ in 0..3 {
        assert!(call(&mut layer.layer(probe.clone()), Request::default()).await.is_err());
    }
    assert_eq!(layer.handle().state(), State::Open);
    assert!(call(&mut layer.layer(probe.clone()), Request::default()).await.unwrap_err().rejected().is_some());
    assert_eq!(probe.calls(), 3);
}

/// A peer: an open breaker first waited for inner readiness.
#[tokio::test(start_paused = true)]
async fn open_breaker_refuses_while_the_inner_service_is_pending() {
    let (probe, breaker) = (Probe::new(), breaker(three_failures()));
    probe.set_readiness(Readiness::Pending);
    let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe.clone());
    let mut waiting = tokio_test::task::spawn(async move { call(&mut service, Request::default()).await });
    assert!(waiting.poll().is_pending());
    breaker.trip("test");
    assert!(waiting.is_woken(), "a change of state wakes the tasks that wait for the inner service");
    let error = waiting.await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::CircuitOpen);
    assert_eq!(probe.reserved(), 0);
}

/// A peer kept a permit of the inner service while it refused.
#[tokio::test(start_paused = true)]
async fn refusing_service_keeps_no_readiness_of_the_inner_service() {
    let (probe, breaker) = (Probe::new(), breaker(three_failures()));
    let mut service = CircuitBreakerLayer::with(breaker.clone()).layer(probe.clone());
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    assert_eq!(probe.reserved(), 1);
    breaker.trip("test");
    assert!(service.call(Request::default()).await.is_err());
    assert_eq!(probe.reserved(), 0);
}

/// Peers read std's clock, which a paused runtime does not stop. The end of the open time is inclusive.
#[tokio::test(start_paused = true)]
async fn open_time_ends_at_its_exact_instant_of_the_paused_clock() {
    let breaker = breaker(three_failures());
    breaker.trip("test");
    advance(SECOND - Duration::from_nanos(1)).await;
    assert_eq!(breaker.state(), State::Open);
    advance(Duration::from_nanos(1)).await;
    assert!(breaker.try_acquire().is_ok());
}

/// A peer took 35 s to close after 5 s of failures, because single samples decided each of its stages.
#[tokio::test(start_paused = true)]
async fn rate_criteria_close_despite_background_errors() {
    let criteria = TrialCriteria::Rate { calls: 10, failure_rate: 0.5 };
    let recovery = Recovery::Trials { permits: 10, lease: SECOND, criteria };
    let breaker = half_open(BreakerSettings { recovery, ..three_failures() }).await;
    breaker.try_acquire().unwrap().record(failure());
    assert_eq!(breaker.state(), State::HalfOpen);
    (0..6).for_each(|_| breaker.try_acquire().unwrap().record(Outcome::Success));
    assert_eq!(breaker.state(), State::Closed);
}

/// Peers: a zero in the settings hung the breaker, a threshold of 1.0 panicked in `layer`, one of 0.0 never closed.
#[test]
fn settings_out_of_range_are_errors_and_a_rate_of_one_works() {
    let wrong = |change: fn(&mut BreakerSettings)| {
        let mut settings = BreakerSettings::default();
        change(&mut settings);
        Breaker::with_settings("test", settings).unwrap_err().field().to_owned()
    };
    assert_eq!(wrong(|s| s.failure_rate = Some(0.0)), "failure_rate");
    assert_eq!(wrong(|s| s.failure_rate = Some(f64::NAN)), "failure_rate");
    assert_eq!(wrong(|s| s.consecutive_failures = Some(0)), "consecutive_failures");
    assert_eq!(wrong(|s| s.window = WindowSettings::LastCalls(0)), "window.last_calls");
    assert_eq!(wrong(|s| s.minimum_calls = 0), "minimum_calls");
    assert_eq!(wrong(|s| s.minimum_calls = 101), "minimum_calls");
    assert_eq!(wrong(|s| s.abandoned_after = Some(Duration::ZERO)), "abandoned_after");
    assert_eq!(wrong(|s| s.open.base = Duration::ZERO), "open.base");
    assert_eq!(wrong(|s| s.open.max = Duration::from_millis(1)), "open.max");
    assert_eq!(wrong(|s| s.open.jitter = 1.0), "open.jitter");
    assert_eq!(wrong(|s| s.recovery = Recovery::trials(0)), "recovery.trials.criteria.successes");
    assert_eq!(wrong(|s| s.slow_calls = Some(SlowCalls { duration: SECOND, rate: 0.0 })), "slow_calls.rate");
    let all = breaker(BreakerSettings { failure_rate: Some(1.0), ..BreakerSettings::default() });
    (0..20).for_each(|_| all.record(failure()));
    assert_eq!(all.state(), State::Open);
}

/// A half-open breaker that was told to recover by probes admitted no call and heeded no probe, for ever.
#[tokio::test(start_paused = true)]
async fn half_open_breaker_recovers_by_probes_after_a_change_of_settings() {
    let probes = BreakerSettings { recovery: Recovery::Probes { successes: 2, fresh_for: SECOND }, ..three_failures() };
    let breaker = half_open(three_failures()).await;
    let trial = breaker.try_acquire().unwrap();
    breaker.reconfigure(probes).unwrap();
    assert_eq!(
        (breaker.state(), breaker.snapshot().openings),
        (State::Open, 1),
        "probes decide, and no opening is counted"
    );
    assert!(breaker.try_acquire().is_err());
    trial.record(Outcome::Success);
    breaker.record_probe(Outcome::Success);
    assert_eq!(breaker.state(), State::Open);
    breaker.record_probe(Outcome::Success);
    assert_eq!(breaker.state(), State::Closed);
}

/// A gate that waited for the probes of an open breaker was not woken for the trial calls.
#[tokio::test(start_paused = true)]
async fn open_breaker_recovers_by_trials_after_a_change_of_settings() {
    let probes = BreakerSettings { recovery: Recovery::Probes { successes: 2, fresh_for: SECOND }, ..three_failures() };
    let breaker = breaker(probes);
    breaker.trip("test");
    let mut gate = GateLayer::with(breaker.clone()).layer(Probe::new());
    let mut waiting = tokio_test::task::spawn(async move { call(&mut gate, Request::default()).await });
    advance(2 * SECOND).await;
    assert!(waiting.poll().is_pending());
    breaker.reconfigure(three_failures()).unwrap();
    assert!(waiting.is_woken());
    assert!(waiting.await.is_ok());
    assert_eq!(breaker.state(), State::HalfOpen);
}

/// A breaker that nothing could open was accepted.
#[test]
fn breaker_without_a_rule_is_an_error() {
    let settings = BreakerSettings { failure_rate: None, consecutive_failures: None, ..BreakerSettings::default() };
    let error = Breaker::with_settings("test", settings.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "test: failure_rate = none: can't be off while every rule is off: set consecutive_failures, failure_rate or slow_calls"
    );
    assert!(breaker(three_failures()).reconfigure(settings).is_err());
}

/// A snapshot showed the openings of long ago, which no longer count.
#[tokio::test(start_paused = true)]
async fn openings_in_a_snapshot_decay() {
    let breaker = breaker(three_failures());
    for _ in 0..3 {
        breaker.trip("test");
        advance(SECOND).await;
        (0..3).for_each(|_| breaker.try_acquire().unwrap().record(Outcome::Success));
    }
    assert_eq!((breaker.state(), breaker.snapshot().openings), (State::Closed, 3));
    advance(30 * SECOND).await;
    assert_eq!(breaker.snapshot().openings, 2);
    breaker.shadow("test");
    assert_eq!(breaker.snapshot().openings, 2, "a change of mode gives no step back");
    advance(Duration::from_secs(3600)).await;
    assert_eq!(breaker.snapshot().openings, 0);
}

/// A peer ran listeners inside its lock: a listener that read metrics deadlocked.
#[tokio::test(start_paused = true)]
async fn watcher_reads_the_breaker_without_deadlock() {
    let breaker = breaker(three_failures());
    let mut watch = breaker.watch();
    breaker.trip("test");
    let state = watch.changed().await;
    assert_eq!((state, breaker.snapshot().state), (Some(State::Open), State::Open));
}

/// Keys were never evicted. An open breaker must not be.
#[tokio::test(start_paused = true)]
async fn full_store_evicts_clean_breakers_and_keeps_open_ones() {
    let settings = KeyedBreakerSettings { breaker: three_failures(), capacity: 32 };
    let breakers = KeyedBreakers::with_settings("shards", settings).unwrap();
    breakers.get(&0).trip("test");
    for key in 1..10_000 {
        drop(breakers.get(&key));
        assert!(breakers.len() <= 32);
    }
    assert_eq!(breakers.get(&0).state(), State::Open);
    for key in 10_000..11_000 {
        breakers.get(&key).trip("test");
    }
    assert_eq!(breakers.get(&99_999).name(), "shards/(other)", "no clean breaker is left: new keys share one");
    assert!(breakers.len() <= 32);
}

/// Breakers of dead hosts were never evicted, until all new keys shared one breaker.
#[tokio::test(start_paused = true)]
async fn full_store_evicts_half_open_breakers_without_a_trial() {
    let settings = KeyedBreakerSettings { breaker: three_failures(), capacity: 32 };
    let breakers = KeyedBreakers::with_settings("hosts", settings).unwrap();
    (0..32).for_each(|key| breakers.get(&key).trip("test"));
    assert_eq!(breakers.get(&32).name(), "hosts/(other)", "all breakers are open");
    advance(Duration::from_secs(3600)).await;
    let trial = breakers.get(&0).try_acquire().unwrap();
    (32..64).for_each(|key| assert_eq!(breakers.get(&key).name().as_str(), format!("hosts/{key}")));
    assert_eq!(breakers.get(&0).state(), State::HalfOpen, "its trial call is in flight");
    drop(trial);
}

/// Keys that recovered, or failed once, filled the store for ever: all new keys then shared one breaker.
#[tokio::test(start_paused = true)]
async fn old_failures_and_openings_keep_no_key() {
    let recovery = Recovery::trials(1);
    let settings = KeyedBreakerSettings { breaker: BreakerSettings { recovery, ..three_failures() }, capacity: 64 };
    let breakers = KeyedBreakers::with_settings("hosts", settings).unwrap();
    for key in 0..64 {
        match key % 2 {
            0 => breakers.get(&key).trip("test"),
            _ => breakers.get(&key).record(failure()),
        }
    }
    advance(2 * SECOND).await;
    (0..64).for_each(|key| breakers.get(&key).try_acquire().unwrap().record(Outcome::Success));
    (1..64).step_by(2).for_each(|key| breakers.get(&key).record(failure()));
    advance(31 * SECOND).await;
    breakers.get(&0).record(failure());
    (64..127).for_each(|key| assert_eq!(breakers.get(&key).name().as_str(), format!("hosts/{key}")));
    assert_eq!(breakers.get(&0).snapshot().failures, 1, "its failure is new");
}

/// With 1 % failures 99 % of the keys came to share the breaker of the overflow.
#[tokio::test(start_paused = true)]
async fn keys_with_recent_failures_make_room_for_new_ones() {
    let settings = KeyedBreakerSettings { breaker: BreakerSettings::default(), capacity: 128 };
    let breakers = KeyedBreakers::with_settings("hosts", settings).unwrap();
    for key in 0..10_000 {
        let breaker = breakers.get(&key);
        assert_eq!(breaker.name().as_str(), format!("hosts/{key}"));
        breaker.record(failure());
        advance(Duration::from_millis(1)).await;
    }
}

/// The failure of a call whose key was evicted meanwhile was lost.
#[tokio::test(start_paused = true)]
async fn key_with_a_call_in_flight_is_not_evicted() {
    let settings = KeyedBreakerSettings { breaker: three_failures(), capacity: 8 };
    let breakers = KeyedBreakers::with_settings("shards", settings).unwrap();
    let in_flight = breakers.get(&0).try_acquire().unwrap();
    (1..100).for_each(|key| drop(breakers.get(&key)));
    in_flight.record(failure());
    assert_eq!(breakers.get(&0).snapshot().consecutive_failures, 1);

    // All keys are in use: the others share one breaker.
    let held: Vec<_> = (200..208).map(|key| breakers.get(&key).try_acquire().unwrap()).collect();
    assert_eq!(breakers.get(&300).name(), "shards/(other)");
    drop(held);
    assert_eq!(breakers.get(&301).name(), "shards/301");
}

/// The settings of a store could not change after it was made.
#[tokio::test(start_paused = true)]
async fn reconfigured_keyed_breakers_keep_their_states_and_counts() {
    let settings = KeyedBreakerSettings { breaker: three_failures(), capacity: 32 };
    let breakers = KeyedBreakers::with_settings("shards", settings.clone()).unwrap();
    breakers.get(&0).trip("test");
    (1..32).for_each(|key| drop(breakers.get(&key)));
    breakers.get(&31).record(Outcome::failure(FailureKind::Network));

    let mut smaller = KeyedBreakerSettings { capacity: 4, ..settings.clone() };
    smaller.breaker.consecutive_failures = Some(2);
    breakers.reconfigure(smaller.clone()).unwrap();
    assert_eq!(breakers.settings(), smaller);
    breakers.get(&31).record(Outcome::failure(FailureKind::Network));
    assert_eq!(breakers.get(&31).snapshot().reason, "2 failures in a row", "the failure from before counts");
    assert_eq!(breakers.get(&0).state(), State::Open);
    // The new key evicted breakers above the smaller capacity.
    assert_eq!((breakers.get(&99).settings(), breakers.len()), (smaller.breaker.clone(), 4));

    let mut wrong = settings;
    wrong.breaker.window = WindowSettings::LastCalls(7);
    wrong.breaker.minimum_calls = 7;
    let error = breakers.reconfigure(wrong).unwrap_err().to_string();
    assert!(error.contains("breaker.window"), "{error}");
    assert_eq!(breakers.settings(), smaller);
}

/// A breaker with too few calls for a rate was evicted with its failures.
#[tokio::test(start_paused = true)]
async fn breaker_with_a_failure_in_its_window_is_not_evicted() {
    let settings = KeyedBreakerSettings { breaker: BreakerSettings::default(), capacity: 8 };
    let breakers = KeyedBreakers::with_settings("shards", settings).unwrap();
    breakers.get(&0).record(Outcome::failure(FailureKind::Network));
    breakers.get(&0).record(Outcome::Success);
    (1..100).for_each(|key| drop(breakers.get(&key)));
    assert_eq!(breakers.get(&0).snapshot().failures, 1);
}

#[tokio::test(start_paused = true)]
async fn typed_error_comes_from_the_service_and_from_the_breaker() {
    #[derive(Debug)]
    struct Mine(Option<Rejected>);
    impl From<Rejected> for Mine {
        fn from(rejected: Rejected) -> Self {
            Self(Some(rejected))
        }
    }
    impl Refusal for Mine {
        fn rejected(&self) -> Option<&Rejected> {
            self.0.as_ref()
        }

        fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.rejected().map(|rejected| rejected as _)
        }
    }
    let layer = CircuitBreakerLayer::with(breaker(three_failures())).with_error::<Mine>();
    let mut service = layer.layer(tower::service_fn(|_: ()| async { Err::<(), _>(Mine(None)) }));
    for _ in 0..3 {
        assert!(service.call(()).await.unwrap_err().rejected().is_none());
    }
    assert!(service.call(()).await.unwrap_err().rejected().is_some());
}

//! Breakers by key: settings of single keys, figures, and the status of the whole.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_circuit_breaker::{
    BreakerSettings, KeyedBreakerSettings, KeyedBreakers, OpenSettings, SlowCalls, State, WindowSettings,
};
use mainstay_core::{FailureKind, Level, Outcome};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

fn failure() -> Outcome {
    Outcome::failure(FailureKind::Network)
}

fn breakers(capacity: u32) -> KeyedBreakers<u32> {
    let open = OpenSettings { jitter: 0.0, ..OpenSettings::constant(SECOND) };
    let breaker = BreakerSettings { open, ..KeyedBreakerSettings::default().breaker };
    KeyedBreakers::with_settings("keys", KeyedBreakerSettings { breaker, capacity }).unwrap()
}

#[tokio::test(start_paused = true)]
async fn settings_of_one_key_survive_eviction_and_common_changes() {
    let breakers = breakers(2);
    let own = BreakerSettings { consecutive_failures: Some(1), ..breakers.settings().breaker };
    breakers.set(&1, own.clone()).unwrap();
    breakers.get(&1).record(failure());
    assert_eq!(breakers.get(&1).state(), State::Open);
    breakers.get(&2).record(failure());
    assert_eq!(breakers.get(&2).state(), State::Closed);

    advance(3600 * SECOND).await;
    let _kept = breakers.get(&2);
    drop(breakers.get(&3));
    assert_eq!(breakers.snapshot_of(&1), None, "it was evicted");
    let mut common = breakers.settings();
    common.breaker.consecutive_failures = Some(7);
    breakers.reconfigure(common).unwrap();
    assert_eq!(breakers.get(&1).settings(), own);
    assert_eq!(breakers.get(&2).settings().consecutive_failures, Some(7));

    assert!(breakers.unset(&1) && !breakers.unset(&1));
    assert_eq!(breakers.get(&1).settings().consecutive_failures, Some(7));
}

#[tokio::test(start_paused = true)]
async fn settings_of_one_key_are_checked_and_bounded() {
    let breakers = breakers(2);
    let common = breakers.settings().breaker;
    let wrong = |own| breakers.set(&1, own).unwrap_err().field().to_owned();
    assert_eq!(wrong(BreakerSettings { minimum_calls: 0, ..common.clone() }), "minimum_calls");
    let window = WindowSettings::LastCalls(50);
    assert_eq!(wrong(BreakerSettings { window, ..common.clone() }), "window");
    breakers.set(&1, common.clone()).unwrap();
    breakers.set(&2, common.clone()).unwrap();
    breakers.set(&2, common.clone()).unwrap();
    let error = breakers.set(&3, common).unwrap_err().to_string();
    assert_eq!(error, "keys with settings of their own = 3: must be 1 to 2");
}

/// A rule that was off at the last change could not be turned on again, although its window was there.
#[tokio::test(start_paused = true)]
async fn rule_for_slow_calls_is_turned_off_and_on() {
    let slow_calls = Some(SlowCalls { duration: SECOND, rate: 0.5 });
    let mut settings = KeyedBreakerSettings::default();
    settings.breaker.slow_calls = slow_calls;
    let breakers = KeyedBreakers::<u32>::with_settings("keys", settings.clone()).unwrap();
    let mut off = settings.clone();
    off.breaker.slow_calls = None;
    breakers.reconfigure(off).unwrap();
    // Made while the rule is off.
    let _ = breakers.get(&1);
    breakers.reconfigure(settings).unwrap();
    assert_eq!(breakers.get(&1).settings().slow_calls, slow_calls);
}

#[tokio::test(start_paused = true)]
async fn sums_include_evicted_breakers_and_never_fall() {
    let breakers = breakers(4);
    let mut before = 0;
    for key in 0..1_000 {
        let breaker = breakers.get(&key);
        breaker.record(failure());
        breaker.record(Outcome::Success);
        drop(breaker.try_acquire());
        drop(breaker);
        let snapshot = breakers.snapshot();
        assert_eq!(snapshot.failures, before + 1);
        before = snapshot.failures;
    }
    let snapshot = breakers.snapshot();
    assert_eq!((snapshot.successes, snapshot.failures, snapshot.dropped), (1_000, 1_000, 1_000));
    assert_eq!((snapshot.evicted, snapshot.breakers.len(), snapshot.capacity), (996, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn keys_and_snapshots_show_what_is_kept_and_make_nothing() {
    let breakers = breakers(8);
    assert_eq!(breakers.snapshot_of(&1), None);
    assert!(breakers.is_empty());
    (0..5).for_each(|_| breakers.get(&2).record(failure()));
    breakers.get(&1).record(Outcome::Success);
    let mut keys = breakers.keys();
    keys.sort_unstable();
    assert_eq!(keys, [1, 2]);
    assert_eq!(breakers.snapshot_of(&1).unwrap().successes, 1);
    let snapshot = breakers.snapshot();
    let names: Vec<_> = snapshot.breakers.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["keys/2", "keys/1"], "open ones first");
    assert_eq!((snapshot.open, snapshot.half_open, snapshot.shared.name.as_str()), (1, 0, "keys/(other)"));
    assert_eq!(breakers.name(), "keys");
}

#[tokio::test(start_paused = true)]
async fn status_is_degraded_while_a_breaker_is_not_closed() {
    let breakers = breakers(2);
    let mut status = breakers.subscribe();
    assert_eq!(status.get().level, Level::Healthy);
    breakers.get(&1).trip("test");
    breakers.get(&2).trip("test");
    let now = status.changed().await.unwrap();
    assert_eq!((now.level, now.reason.as_str()), (Level::Degraded, "2 breakers are not closed"));
    // All are open: the third key shares a breaker, which counts too.
    breakers.get(&3).force_open("ann");
    assert_eq!(status.get().reason, "3 breakers are not closed");
    breakers.get(&3).reset("ann");
    breakers.get(&1).reset("ann");
    assert_eq!(status.get().reason, "1 breaker is not closed");
    // Half-open, with no trial call: evicted for a new key.
    advance(2 * SECOND).await;
    assert_eq!(breakers.get(&2).state(), State::HalfOpen);
    assert_eq!(status.get().reason, "1 breaker is not closed");
    let _kept = breakers.get(&1);
    drop(breakers.get(&4));
    assert_eq!(breakers.snapshot_of(&2), None);
    assert_eq!(status.get().level, Level::Healthy);
    breakers.get(&9).trip("test");
    breakers.reset_all("ann");
    assert_eq!(status.get().level, Level::Healthy);
}

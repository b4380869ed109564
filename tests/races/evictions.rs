//! A key that is evicted while it is used loses no state and no count.

use std::{
    future::Future,
    pin::Pin,
    sync::Mutex,
    task::{Context, Waker},
    time::Duration,
};

use mainstay_bulkhead::{KeyedBulkheadSettings, KeyedLimits, LimitSettings, Permit};
use mainstay_circuit_breaker::{BreakerSettings, KeyedBreakerSettings, KeyedBreakers, OpenSettings, State};
use mainstay_core::{FailureKind, Outcome, Rejected};

use crate::round::race;

type Waiting = Pin<Box<dyn Future<Output = Result<Permit, Rejected>> + Send>>;

fn poll_once(waiting: &mut Waiting) {
    let _ = waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

/// Limits of one call and one place in the queue, for one key at a time.
fn limits() -> KeyedLimits<u32> {
    let limit = LimitSettings { limit: 1, queue: 1, max_wait: None, ..LimitSettings::default() };
    KeyedLimits::with_settings("race", KeyedBulkheadSettings { limit, capacity: 1 }).unwrap()
}

/// A call that gave up was counted after its place had come free, when its key could be evicted already.
#[test]
fn keyed_bulkhead_counts_a_call_that_gives_up_while_its_key_is_evicted() {
    let make = || {
        let limits = limits();
        let permit = limits.try_acquire(&1).unwrap();
        let mut waiting: Waiting = {
            let limits = limits.clone();
            Box::pin(async move { limits.acquire(&1).await })
        };
        poll_once(&mut waiting);
        drop(permit);
        (limits, Mutex::new(Some(waiting)))
    };
    race(
        make,
        |(_, waiting)| drop(waiting.lock().unwrap().take()),
        |(limits, _)| drop((0..20).find_map(|_| limits.try_acquire(&2).ok())),
        |(limits, _)| limits.snapshot().abandoned != 1,
    );
}

/// A refusal was counted after its call had looked, when the key could be evicted already.
#[test]
fn keyed_bulkhead_counts_a_refusal_while_its_key_is_evicted() {
    let make = || {
        let limit = LimitSettings { limit: 1, ..LimitSettings::default() };
        let limits = KeyedLimits::with_settings("race", KeyedBulkheadSettings { limit, capacity: 1 }).unwrap();
        let permit = limits.try_acquire(&1).unwrap();
        (limits, Mutex::new(Some(permit)))
    };
    let release_and_evict = |(limits, permit): &(KeyedLimits<u32>, Mutex<Option<Permit>>)| {
        drop(permit.lock().unwrap().take());
        drop(limits.try_acquire(&2));
    };
    let lost = |(limits, _): &(KeyedLimits<u32>, Mutex<Option<Permit>>)| {
        let snapshot = limits.snapshot();
        snapshot.permitted + snapshot.rejected.full + snapshot.no_room != 3
    };
    race(make, |(limits, _)| drop(limits.try_acquire(&1)), release_and_evict, lost);
}

/// A call found its breaker, which was evicted, and its failure was lost.
#[test]
fn keyed_breaker_that_is_found_is_not_evicted_before_its_call_ends() {
    let make = || {
        let open = OpenSettings::constant(Duration::from_secs(3_600));
        let breaker = BreakerSettings { consecutive_failures: Some(1), open, ..BreakerSettings::default() };
        let breakers =
            KeyedBreakers::<u32>::with_settings("race", KeyedBreakerSettings { breaker, capacity: 1 }).unwrap();
        drop(breakers.get(&1));
        breakers
    };
    let fail = |breakers: &KeyedBreakers<u32>| {
        let permit = breakers.get(&1).try_acquire();
        if let Ok(permit) = permit {
            permit.record(Outcome::failure(FailureKind::Network));
        }
    };
    // The other key may be in use for so long that the first one shares the overflow breaker.
    let forgotten = |breakers: &KeyedBreakers<u32>| breakers.snapshots().iter().all(|one| one.state != State::Open);
    race(make, fail, |breakers| drop(breakers.get(&2)), forgotten);
}

/// A breaker that was made while the settings changed kept the old ones.
#[test]
fn keyed_breaker_made_during_a_change_has_the_new_settings() {
    let changed = |breakers: &KeyedBreakers<u32>| {
        let mut settings = breakers.settings();
        settings.breaker.minimum_calls = 30;
        breakers.reconfigure(settings).unwrap();
    };
    race(
        || KeyedBreakers::<u32>::new("race"),
        |breakers| drop(breakers.get(&1)),
        changed,
        |breakers| breakers.get(&1).settings().minimum_calls != 30,
    );
}

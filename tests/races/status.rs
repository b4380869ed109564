//! A status ends at the last change, whichever thread publishes it.

use std::sync::Mutex;

use mainstay_bulkhead::Limit;
use mainstay_circuit_breaker::{Breaker, State};
use mainstay_core::Level;
use mainstay_failover::{Endpoint, FailoverHandle, FailoverState};

use crate::round::race;

/// The status and the watch of a breaker showed the state before the last one until the next change.
#[test]
fn breaker_publishes_its_last_state() {
    let is_stale = |breaker: &Breaker| {
        let (level, state) = match breaker.state() {
            State::Closed => (Level::Healthy, State::Closed),
            state => (Level::Unhealthy, state),
        };
        breaker.subscribe().get().level != level || breaker.watch().get() != state
    };
    race(|| Breaker::new("race"), |breaker| breaker.force_open("left"), |breaker| breaker.reset("right"), is_stale);
}

/// A limit whose last permit came back while another call was refused stayed degraded.
#[test]
fn bulkhead_is_healthy_after_its_last_permit_came_back() {
    let make = || {
        let limit = Limit::new("race", 1).unwrap();
        let permit = limit.try_acquire().unwrap();
        (limit, Mutex::new(Some(permit)))
    };
    race(
        make,
        |(limit, _)| drop(limit.try_acquire()),
        |(_, permit)| drop(permit.lock().unwrap().take()),
        |(limit, _)| limit.subscribe().get().level != Level::Healthy,
    );
}

/// The status said "healthy" on the backup until the next change.
#[test]
fn failover_publishes_its_last_state() {
    let make = || FailoverHandle::new("race", ["a", "b"].map(Endpoint::named)).unwrap();
    let is_stale = |failover: &FailoverHandle| {
        let state = failover.snapshot().state;
        let level = if state == FailoverState::OnPrimary { Level::Healthy } else { Level::Degraded };
        failover.subscribe().get().level != level || failover.watch().get() != state
    };
    race(make, |failover| failover.take_out("a", "left").unwrap(), |failover| failover.reset("right"), is_stale);
    let force = |failover: &FailoverHandle| failover.force("b", "left").unwrap();
    race(make, force, |failover| failover.automatic("right"), is_stale);
}

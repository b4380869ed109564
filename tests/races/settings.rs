//! Of two changes of the settings at once, one wins as a whole, and a change of one setting is not lost.

use std::time::Duration;

use mainstay_bulkhead::{Limit, LimitRegistry, LimitSettings};
use mainstay_failover::{
    Endpoint, FailoverHandle, FailoverSettings,
    stack::{Standard, StandardHandles, StandardSettings},
};
use mainstay_fallback::{FallbackHandle, FallbackSettings, value};
use tower::{BoxError, service_fn};

use crate::round::race;

/// The limit came from one change, and the queue from the other.
#[test]
fn bulkhead_has_the_settings_of_one_change() {
    let set =
        |limit: &Limit, n: u32| limit.reconfigure(LimitSettings { limit: n, queue: n, ..Default::default() }).unwrap();
    let is_mixed = |limit: &Limit| limit.settings().limit != limit.settings().queue;
    race(|| Limit::new("race", 1).unwrap(), |limit| set(limit, 2), |limit| set(limit, 3), is_mixed);
}

/// A resize read the other settings, and wrote them back over newer ones.
#[test]
fn resize_of_a_bulkhead_loses_no_other_change() {
    let queue = |limit: &Limit| limit.reconfigure(LimitSettings { limit: 5, queue: 7, ..Default::default() }).unwrap();
    race(
        || Limit::new("race", 1).unwrap(),
        |limit| limit.resize(5).unwrap(),
        queue,
        |limit| (limit.settings().limit, limit.settings().queue) != (5, 7),
    );
}

#[test]
fn limit_made_during_a_change_of_its_registry_has_the_new_settings() {
    let change = |limits: &LimitRegistry| limits.reconfigure(LimitSettings { limit: 7, ..Default::default() }).unwrap();
    race(LimitRegistry::new, |limits| drop(limits.get("x")), change, |limits| limits.get("x").settings().limit != 7);
}

#[test]
fn fallback_has_the_settings_of_one_change() {
    let set = |fallback: &FallbackHandle, seconds: u64| {
        let settle_after = Duration::from_secs(seconds);
        let settings = FallbackSettings { on_rejected: seconds == 2, settle_after, ..FallbackSettings::default() };
        fallback.reconfigure(&settings).unwrap();
    };
    let is_mixed = |fallback: &FallbackHandle| {
        let settings = fallback.settings();
        settings.on_rejected != (settings.settle_after.as_secs() == 2)
    };
    let make = || FallbackHandle::new("race", &value(1));
    race(make, |fallback| set(fallback, 2), |fallback| set(fallback, 3), is_mixed);
}

/// What requests read came from one change, and what `settings` returns from the other.
#[test]
fn failover_has_the_settings_of_one_change() {
    let make = || FailoverHandle::new("race", ["a", "b"].map(Endpoint::named)).unwrap();
    let set = |failover: &FailoverHandle, n: u32| {
        let settings = FailoverSettings { dry_run: n == 2, recovery_successes: n, ..Default::default() };
        failover.reconfigure(settings).unwrap();
    };
    let is_mixed = |failover: &FailoverHandle| {
        let settings = failover.settings();
        settings.dry_run != (settings.recovery_successes == 2) || failover.snapshot().dry_run != settings.dry_run
    };
    race(make, |failover| set(failover, 2), |failover| set(failover, 3), is_mixed);
}

/// One layer of the stack had the settings of one change, and another layer those of the other.
#[test]
fn standard_stack_has_the_settings_of_one_change() {
    let make = || {
        let service = service_fn(async |_: u32| Ok::<_, BoxError>(()));
        let endpoints = [Endpoint::new("a", service)];
        Standard::new("race", endpoints, StandardSettings::default()).unwrap().handles().clone()
    };
    let set = |handles: &StandardHandles, n: u32| {
        let mut settings = StandardSettings::default();
        settings.retry.max_attempts = n;
        settings.bulkhead.limit = n;
        handles.reconfigure(&settings).unwrap();
    };
    let is_mixed = |handles: &StandardHandles| {
        handles.retry.settings().max_attempts != handles.endpoints[0].limit.settings().limit
    };
    race(make, |handles| set(handles, 2), |handles| set(handles, 4), is_mixed);
}

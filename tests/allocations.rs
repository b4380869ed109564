//! The happy path and refusals with a typed error allocate nothing, and futures stay small.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    future::{Future, ready},
    hint::black_box,
    num::ParseIntError,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, CircuitBreakerLayer, GateLayer, KeyedBreakerSettings, KeyedBreakers, SlowCalls,
    WindowSettings,
};
use mainstay_core::{BoxError, Outcome, Reason, Refusal, Window};
use mainstay_failover::{
    AllDown, Endpoint, Failover, FailoverSettings,
    stack::{Standard, StandardSettings},
};
use mainstay_fallback::{FallbackLayer, backup, value};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use mainstay_tests::{Echo, Error};
use mainstay_timeout::TimeoutLayer;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, service_fn};

/// Enough to include work that is done once for many calls: rotating windows, a budget's credits.
const CALLS: u64 = 2_000;

/// Makes one call, which must be ready in the first poll.
fn call<S: Service<u64>>(service: &mut S) -> Result<S::Response, S::Error> {
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(ready) = service.poll_ready(&mut cx) else { panic!("not ready at once") };
    ready?;
    let Poll::Ready(result) = pin!(service.call(1)).poll(&mut cx) else { panic!("not done at once") };
    result
}

/// Returns the allocations of `CALLS` calls on this thread, after a warm-up.
fn allocations<S: Service<u64>>(service: &mut S, is_expected: impl Fn(&Result<S::Response, S::Error>) -> bool) -> u64 {
    let mut calls = || (0..CALLS).for_each(|_| assert!(is_expected(&call(service))));
    calls();
    allocation_counter::measure(calls).count_total
}

/// Asserts that successful calls allocate nothing, on this thread and on another one, and that the future of a call has
/// at most `most_bytes` bytes.
#[track_caller]
fn assert_free<S>(what: &str, mut service: S, most_bytes: usize)
where
    S: Service<u64, Response = u64> + Clone + Send + 'static,
{
    let bytes = size_of::<S::Future>();
    println!("{what}: a future of {bytes} bytes, around one of {}", size_of::<<Echo as Service<u64>>::Future>());
    assert!(bytes <= most_bytes, "{what}: a future of {bytes} bytes, more than {most_bytes}");
    assert_eq!(allocations(&mut service, Result::is_ok), 0, "{what}: allocations in {CALLS} calls");
    let mut other = service.clone();
    let elsewhere = std::thread::spawn(move || allocations(&mut other, Result::is_ok)).join();
    assert_eq!(elsewhere.unwrap(), 0, "{what}: allocations in {CALLS} calls on another thread");
}

/// Asserts that calls are refused for `reason`, and that each refusal takes `each` allocations.
#[track_caller]
fn assert_refusals<S>(what: &str, mut service: S, reason: Reason, each: u64)
where
    S: Service<u64, Error: Refusal>,
{
    let is_refused = |result: &Result<S::Response, S::Error>| {
        result.as_ref().err().and_then(Refusal::rejected).is_some_and(|refusal| refusal.reason() == reason)
    };
    assert_eq!(allocations(&mut service, is_refused), each * CALLS, "{what}: allocations in {CALLS} refusals");
}

fn breaker(settings: BreakerSettings) -> CircuitBreakerLayer {
    CircuitBreakerLayer::with(Breaker::with_settings("breaker", settings).unwrap())
}

#[test]
fn closed_breaker_allocates_nothing() {
    let slow_calls = Some(SlowCalls { duration: Duration::from_secs(1), rate: 0.5 });
    let span = WindowSettings::Last(Duration::from_secs(10));
    let plain = BreakerSettings::default;
    assert_free("breaker", breaker(plain()).layer(Echo), 96);
    assert_free("breaker, typed", breaker(plain()).with_error::<Error>().layer(Echo), 96);
    let quiet = BreakerSettings { abandoned_after: None, ..plain() };
    assert_free("breaker without abandoned calls", breaker(quiet).layer(Echo), 96);
    let large = BreakerSettings { window: WindowSettings::LastCalls(1_000), ..plain() };
    assert_free("breaker, last 1,000", breaker(large).layer(Echo), 96);
    let timed = BreakerSettings { window: span, slow_calls, consecutive_failures: Some(5), ..plain() };
    assert_free("breaker with every rule, over time", breaker(timed).layer(Echo), 96);
    assert_free("gate", GateLayer::with(Breaker::new("gate")).layer(Echo), 96);
}

/// The memory of a store that an operator sizes by its keys: most of them never fail.
#[test]
fn breaker_of_a_clean_key_takes_few_bytes() {
    const KEYS: i64 = 10_000;
    let settings = KeyedBreakerSettings { capacity: 20_000, ..KeyedBreakerSettings::default() };
    let breakers = KeyedBreakers::with_settings("keys", settings).unwrap();
    let call = |key| breakers.get(&key).try_acquire().map(|permit| permit.record(Outcome::Success)).is_ok();
    let used = allocation_counter::measure(|| assert!((0..KEYS).all(call)));
    let each = used.bytes_current / KEYS;
    assert!(each <= 1_200, "{each} bytes a key");
}

/// Defect of another library: a time window that stores every call, so that recording a call takes time in proportion to
/// the calls stored. The benches measure the time itself.
#[test]
fn time_window_does_not_grow_with_a_million_calls() {
    let window = Window::last(Duration::from_secs(60));
    let record = || assert!(black_box(window.record(false, 0, Instant::now)).is_some());
    record();
    let million = allocation_counter::measure(|| (0..1_000_000).for_each(|_| record()));
    assert_eq!(million.count_total, 0);
}

#[test]
fn bulkhead_with_free_permit_allocates_nothing() {
    let bulkhead = || BulkheadLayer::new("bulkhead", 1).unwrap();
    assert_free("bulkhead", bulkhead().layer(Echo), 64);
    assert_free("bulkhead, typed", bulkhead().with_error::<Error>().layer(Echo), 64);
    let queueing = Limit::with_settings("bulkhead", LimitSettings { limit: 1, ..LimitSettings::resource() }).unwrap();
    assert_free("bulkhead with a queue", BulkheadLayer::with(queueing).layer(Echo), 64);
}

#[test]
fn successful_first_attempt_allocates_nothing() {
    assert_free("retry", RetryLayer::new("retry").layer(Echo), 192);
    assert_free("retry, typed", RetryLayer::new("retry").with_error::<Error>().layer(Echo), 192);
}

#[test]
fn unused_fallback_allocates_nothing() {
    assert_free("fallback to a value", FallbackLayer::new("fallback", value(0_u64)).layer(Echo), 128);
    let steps = || backup(Echo).or(value(0_u64));
    assert_free("fallback to a backup", FallbackLayer::new("fallback", steps()).layer(Echo), 128);
    assert_free("fallback, typed", FallbackLayer::new("fallback", steps()).with_error::<Error>().layer(Echo), 128);
}

#[test]
fn timeout_over_ready_response_allocates_nothing() {
    let timeout = || TimeoutLayer::attempt("timeout", Duration::from_secs(1)).unwrap();
    // Tokio's timer takes most of the bytes; its size depends on tokio's features.
    assert_free("timeout", timeout().layer(Echo), 160);
    assert_free("timeout, typed", timeout().with_error::<Error>().layer(Echo), 160);
}

fn failover(settings: FailoverSettings) -> Failover<Echo> {
    let endpoints = ["primary", "backup"].map(|name| Endpoint::new(name, Echo));
    Failover::with_settings("failover", endpoints, settings).unwrap()
}

#[test]
fn failover_with_healthy_primary_allocates_nothing() {
    assert_free("failover", failover(FailoverSettings::default()), 480);
    assert_free("failover, typed", failover(FailoverSettings::default()).with_error::<Error>(), 480);
}

#[test]
fn stack_of_four_layers_allocates_nothing() {
    let boxed = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value(0_u64)))
        .layer(RetryLayer::new("retry"))
        .layer(CircuitBreakerLayer::new("breaker"))
        .layer(BulkheadLayer::new("bulkhead", 1).unwrap())
        .service(Echo);
    assert_free("fallback(retry(breaker(bulkhead)))", boxed, 288);
    let typed = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value(0_u64)).with_error::<Error>())
        .layer(RetryLayer::with(Retrier::new("retry")).with_error::<Error>())
        .layer(CircuitBreakerLayer::new("breaker").with_error::<Error>())
        .layer(BulkheadLayer::new("bulkhead", 1).unwrap().with_error::<Error>())
        .service(Echo);
    assert_free("fallback(retry(breaker(bulkhead))), typed", typed, 288);
}

#[test]
fn standard_stack_allocates_nothing() {
    let standard = || {
        let endpoints = ["primary", "backup"].map(|name| Endpoint::new(name, Echo));
        Standard::new("standard", endpoints, StandardSettings::default()).unwrap()
    };
    assert_free("standard stack", standard().build(), 720);
    assert_free("standard stack, typed", standard().with_error::<Error>().build(), 720);
    assert_free(
        "fallback(standard stack)",
        FallbackLayer::new("fallback", value(0_u64)).layer(standard().build()),
        736,
    );
}

#[test]
fn refusal_allocates_only_the_boxed_error() {
    let open = || {
        let layer = CircuitBreakerLayer::new("breaker");
        layer.handle().force_open("test");
        layer
    };
    assert_refusals("open breaker, typed", open().with_error::<Error>().layer(Echo), Reason::CircuitOpen, 0);
    assert_refusals("open breaker", open().layer(Echo), Reason::CircuitOpen, 1);
    let full = || {
        let layer = BulkheadLayer::new("bulkhead", 1).unwrap();
        let permit = layer.handle().try_acquire().unwrap();
        (layer, permit)
    };
    let (layer, _permit) = full();
    assert_refusals("full bulkhead, typed", layer.with_error::<Error>().layer(Echo), Reason::BulkheadFull, 0);
    let (layer, _permit) = full();
    assert_refusals("full bulkhead", layer.layer(Echo), Reason::BulkheadFull, 1);
    let down = || {
        let failover = failover(FailoverSettings { all_down: Some(AllDown::Refuse), ..FailoverSettings::default() });
        for name in ["primary", "backup"] {
            failover.handle().take_out(name, "test").unwrap();
        }
        failover
    };
    assert_refusals("failover, typed", down().with_error::<Error>(), Reason::NoHealthyEndpoint, 0);
    assert_refusals("failover", down(), Reason::NoHealthyEndpoint, 1);
    let under_retry = RetryLayer::new("retry").with_error::<Error>().layer(open().with_error::<Error>().layer(Echo));
    assert_refusals("retry over an open breaker, typed", under_retry, Reason::CircuitOpen, 0);
}

/// Settings of a breaker that failures do not open.
fn never_opens() -> BreakerSettings {
    BreakerSettings { consecutive_failures: Some(1_000_000), failure_rate: None, ..BreakerSettings::default() }
}

/// A layer that boxes a typed error and unboxes it again returns it as it was, so the allocations are counted.
#[test]
fn typed_error_of_the_service_is_not_boxed() {
    #[track_caller]
    fn assert_not_boxed<S: Service<u64, Response = u64, Error = Error>>(what: &str, mut service: S) {
        let is_down = |result: &Result<u64, Error>| *result == Err(Error::Down);
        assert_eq!(allocations(&mut service, is_down), 0, "{what}: allocations in {CALLS} failed calls");
    }
    let down = service_fn(|_: u64| ready(Err::<u64, _>(Error::Down)));
    let once = || {
        let settings = RetrySettings { max_attempts: 1, ..RetrySettings::default() };
        RetryLayer::with(Retrier::with_settings("retry", settings).unwrap()).with_error::<Error>()
    };
    let fallback = || {
        let layer = FallbackLayer::new("fallback", value(0_u64).named("value"));
        assert!(layer.handle().switch_off("value"));
        layer.with_error::<Error>()
    };
    let bulkhead = || BulkheadLayer::new("bulkhead", 1).unwrap().with_error::<Error>();
    let timeout = || TimeoutLayer::attempt("timeout", Duration::from_secs(1)).unwrap().with_error::<Error>();
    let breaker = || breaker(never_opens()).with_error::<Error>();
    assert_not_boxed("breaker", breaker().layer(down));
    let gate = Breaker::with_settings("gate", never_opens()).unwrap();
    assert_not_boxed("gate", GateLayer::with(gate).with_error::<Error>().layer(down));
    assert_not_boxed("bulkhead", bulkhead().layer(down));
    assert_not_boxed("retry", once().layer(down));
    assert_not_boxed("fallback", fallback().layer(down));
    assert_not_boxed("timeout", timeout().layer(down));
    let stack =
        ServiceBuilder::new().layer(fallback()).layer(once()).layer(breaker()).layer(bulkhead()).layer(timeout());
    assert_not_boxed("fallback(retry(breaker(bulkhead(timeout))))", stack.service(down));
}

#[test]
fn error_of_the_service_is_boxed_once_by_all_layers() {
    let settings = never_opens();
    let mut stack = ServiceBuilder::new()
        .layer(TimeoutLayer::total("total", Duration::from_secs(1)).unwrap())
        .layer(breaker(settings.clone()))
        .layer(breaker(settings))
        .service(service_fn(|_: u64| ready("one".parse::<u64>())));
    let is_original = |result: &Result<u64, BoxError>| result.as_ref().is_err_and(|error| error.is::<ParseIntError>());
    assert_eq!(allocations(&mut stack, is_original), CALLS);
}

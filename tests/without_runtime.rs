//! What waits gives an error where there is no tokio runtime, instead of a panic of tokio's timers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
use mainstay_circuit_breaker::{Breaker, GateLayer};
use mainstay_core::{Backoff, BoxError, Reason, Refusal, Rejected};
use mainstay_failover::{Endpoint, Failover, FailoverHandle, ProbeOutcome};
use mainstay_fallback::{FallbackLayer, backup, value};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use tower::{Layer, Service, service_fn, util::BoxCloneSyncService};

type Pending = Pin<Box<dyn Future<Output = Result<u32, BoxError>> + Send>>;

/// Polls a future once, outside of a runtime.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending"),
    }
}

fn reason<T>(result: Result<T, BoxError>) -> Option<Reason> {
    result.err()?.rejected().map(Rejected::reason)
}

async fn fail(_: u32) -> Result<u32, BoxError> {
    Err("down".into())
}

async fn hang(_: u32) -> Result<u32, BoxError> {
    std::future::pending().await
}

#[test]
fn retry_returns_the_result_that_it_cannot_repeat() {
    let retrier = Retrier::new("x");
    assert_eq!(now(retrier.run(fail)).unwrap_err().to_string(), "down");
    let layer: RetryLayer = RetryLayer::with(retrier.clone());
    assert_eq!(now(layer.layer(service_fn(fail)).call(1)).unwrap_err().to_string(), "down");
    assert_eq!(retrier.snapshot().stopped.no_runtime, 2);

    let settings = RetrySettings { backoff: Backoff::none(), ..RetrySettings::default() };
    let retrier = Retrier::with_settings("x", settings).unwrap();
    let calls = std::cell::Cell::new(0);
    let count = |attempt| {
        calls.set(calls.get() + 1);
        fail(attempt)
    };
    assert_eq!(now(retrier.run(count)).unwrap_err().to_string(), "down");
    assert!(calls.get() > 1, "without a delay it repeats");
    assert_eq!(retrier.snapshot().stopped.no_runtime, 0);
}

#[test]
fn bulkhead_refuses_what_would_wait() {
    let settings = LimitSettings { limit: 1, queue: 1, ..LimitSettings::default() };
    let limit = Limit::with_settings("x", settings).unwrap();
    let permit = limit.try_acquire().unwrap();
    assert_eq!(now(limit.acquire()).unwrap_err().reason(), Reason::NoRuntime);
    let layer: BulkheadLayer = BulkheadLayer::with(limit.clone());
    assert_eq!(reason(now(layer.layer(service_fn(hang)).call(1))), Some(Reason::NoRuntime));
    drop(permit);

    limit.reconfigure(LimitSettings { execution_timeout: Some(Duration::from_secs(1)), ..settings }).unwrap();
    assert_eq!(reason(now(layer.layer(service_fn(hang)).call(1))), Some(Reason::NoRuntime));
    assert_eq!(reason(now(limit.run_with_permit(|_| hang(1)))), Some(Reason::NoRuntime));
    assert_eq!(reason(now(limit.run_blocking(|| Ok::<_, BoxError>(1)))), Some(Reason::NoRuntime));
    let snapshot = limit.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.queued, snapshot.rejected.total(), snapshot.timed_out), (0, 0, 0, 0));
}

#[test]
fn gate_refuses_while_its_breaker_is_open() {
    let breaker = Breaker::new("x");
    breaker.trip("test");
    let layer: GateLayer = GateLayer::with(breaker);
    let mut gate = layer.layer(service_fn(fail));
    let ready = gate.poll_ready(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(ready) = ready else { panic!("pending") };
    assert_eq!(reason(ready), Some(Reason::NoRuntime));
}

#[test]
fn backup_is_skipped_for_the_next_step() {
    let steps = backup(service_fn(async |_: u32| Ok::<u32, BoxError>(7))).or(value(9_u32));
    let mut service = FallbackLayer::new("x", steps).layer(service_fn(fail));
    assert_eq!(now(service.call(1)).unwrap(), 9);
}

/// The layers panicked, as tokio's timers do.
#[test]
fn timeout_of_a_function_and_of_a_service_refuses() {
    let limit = TimeLimit::attempt("x", Duration::from_secs(1)).unwrap();
    assert_eq!(reason(now(limit.run(|| hang(1)))), Some(Reason::NoRuntime));
    for layer in [TimeoutLayer::with(limit.clone()), TimeoutLayer::total("x", Duration::from_secs(1)).unwrap()] {
        let layer: TimeoutLayer = layer;
        assert_eq!(reason(now(layer.layer(service_fn(hang)).call(1))), Some(Reason::NoRuntime));
        assert_eq!(now(layer.layer(service_fn(async |n: u32| Ok::<u32, BoxError>(n))).call(1)).unwrap(), 1);
    }
    assert_eq!(limit.snapshot().timed_out, 0);
}

/// The timer of the delay panicked.
#[test]
fn second_attempt_starts_after_an_error_alone() {
    let endpoint = |name: &'static str, service: fn(u32) -> Pending| {
        Endpoint::new(name, BoxCloneSyncService::new(service_fn(service)))
    };
    let ask = |first: fn(u32) -> Pending| {
        let endpoints = [endpoint("a", first), endpoint("b", |n| Box::pin(async move { Ok(n) }))];
        let mut failover = Failover::new("x", endpoints).unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(failover.poll_ready(&mut cx).is_ready());
        let mut call = pin!(failover.call(7));
        call.as_mut().poll(&mut cx)
    };
    assert!(ask(|_| Box::pin(std::future::pending())).is_pending(), "it waits for the first endpoint");
    let answer = ask(|_| Box::pin(async { Err("down".into()) }));
    assert!(matches!(answer, Poll::Ready(Ok(7))), "{answer:?}");
}

#[test]
fn forced_check_reports_that_no_probe_was_sent() {
    let handle =
        FailoverHandle::new("x", [Endpoint::named("a").with_probe(async || true), Endpoint::named("b")]).unwrap();
    let report = now(handle.check_now());
    assert!(matches!(report.endpoints[0].report.outcome, ProbeOutcome::NotSent { .. }), "{report:?}");
}

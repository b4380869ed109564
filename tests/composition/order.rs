//! How layers count the refusals, failures and attempts of other layers.

use std::future::pending;

use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer, State};
use mainstay_core::{
    AttemptQuota, BoxError, Budget, Reason, Refusal, Rejected,
    test::{Answer, Probe, ProbeError, ProbePolicy, Reply, Request, call},
};
use mainstay_failover::{Endpoint, Failover};
use mainstay_fallback::{FallbackLayer, value};
use mainstay_retry::{Retrier, RetryLayer};
use mainstay_timeout::TimeoutLayer;
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::stacks::{All, MS, SECOND, limited, retrier};

fn reason(error: &BoxError) -> Option<Reason> {
    error.rejected().map(Rejected::reason)
}

/// Defect of another library: local refusals open the breaker of a healthy backend.
#[tokio::test(start_paused = true)]
async fn bulkhead_refusals_do_not_open_the_breaker_around_it() {
    let (breaker, limit) = (Breaker::new("breaker"), Limit::new("limit", 1).unwrap());
    let probe = Probe::new();
    let mut stack = CircuitBreakerLayer::with(breaker.clone())
        .layer(RetryLayer::with(retrier(3)).layer(BulkheadLayer::with(limit.clone()).layer(probe.clone())));
    let permit = limit.try_acquire().unwrap();
    for _ in 0..1_000 {
        let error = call(&mut stack, Request::default()).await.unwrap_err();
        assert_eq!(reason(&error), Some(Reason::BulkheadFull));
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.failures, snapshot.rejected_below), (State::Closed, 0, 1_000));
    assert_eq!(probe.calls(), 0);
    drop(permit);
    call(&mut stack, Request::default()).await.unwrap();
}

/// Defect of another library: of seven attempts, four are spent on an open breaker.
#[tokio::test(start_paused = true)]
async fn open_breaker_spends_no_attempts_and_no_budget() {
    let all = All::new(limited(10));
    let probe = Probe::new();
    let mut stack = all.without_fallback(probe.clone());
    all.breaker.trip("test");
    let balance = all.retrier.snapshot().budget.unwrap().balance;
    let error = call(&mut stack, Request::default()).await.unwrap_err();
    let refusal = error.rejected().unwrap();
    assert_eq!(refusal.reason(), Reason::CircuitOpen);
    assert!(refusal.retry_after().is_some());
    let retries = all.retrier.snapshot();
    assert_eq!((retries.attempts, retries.retries, retries.stopped.rejected), (1, 0, 1));
    assert_eq!((retries.budget.unwrap().balance, probe.calls()), (balance, 0));
}

/// Defect of another library: a dropped call is not counted, so that a timeout around a breaker never opens it.
#[tokio::test(start_paused = true)]
async fn timeout_around_a_breaker_opens_it_over_a_hung_backend() {
    let breaker = Breaker::new("breaker");
    let hung = service_fn(|_: Request| pending::<Result<Answer, ProbeError>>());
    let stack = TimeoutLayer::attempt("attempt", 2 * SECOND)
        .unwrap()
        .layer(CircuitBreakerLayer::with(breaker.clone()).layer(hung));
    for _ in 0..10 {
        let error = stack.clone().oneshot(Request::default()).await.unwrap_err();
        assert_eq!(reason(&error), Some(Reason::AttemptTimeout));
    }
    assert_eq!((breaker.state(), breaker.snapshot().abandoned), (State::Open, 10));
    let error = stack.oneshot(Request::default()).await.unwrap_err();
    assert_eq!(reason(&error), Some(Reason::CircuitOpen));
}

/// In the standard order, the layers above count an attempt timeout as a failure of the dependency.
#[tokio::test(start_paused = true)]
async fn attempt_timeouts_open_the_breaker_until_the_backend_recovers() {
    let all = All::new(limited(10));
    let probe = Probe::new();
    probe.always(Reply::Hang);
    let mut stack = all.without_fallback(probe.clone());
    while all.breaker.state() == State::Closed {
        call(&mut stack, Request::default()).await.unwrap_err();
    }
    let calls = probe.calls();
    assert_eq!((calls, all.attempt.snapshot().timed_out, all.limit.snapshot().in_flight), (10, 10, 0));
    probe.always(Reply::Count);
    advance(SECOND).await;
    for _ in 0..3 {
        call(&mut stack, Request::default()).await.unwrap();
    }
    assert_eq!((all.breaker.state(), probe.live(), probe.reserved()), (State::Closed, 0, 0));
}

/// A total timeout is final: a retry outside does not repeat the call.
#[tokio::test(start_paused = true)]
async fn total_timeout_is_not_retried_by_a_retry_around_it() {
    let (retrier, probe) = (retrier(3), Probe::new());
    probe.always(Reply::Hang);
    let mut stack =
        RetryLayer::with(retrier.clone()).layer(TimeoutLayer::total("total", SECOND).unwrap().layer(probe.clone()));
    let error = call(&mut stack, Request::default()).await.unwrap_err();
    assert_eq!(reason(&error), Some(Reason::TotalTimeout));
    assert_eq!((probe.calls(), probe.live(), retrier.snapshot().stopped.not_retryable), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn shared_budget_bounds_the_repeats_of_both_layers() {
    let (budget, probe) = (Budget::new(), Probe::new());
    let layer = |name: &'static str| RetryLayer::with(Retrier::network(name).with_budget(budget.clone()));
    let (outer, inner) = (layer("outer"), layer("inner"));
    let mut stack = outer.layer(inner.layer(probe.clone()));
    for _ in 0..40 {
        call(&mut stack, Request::default()).await.unwrap();
    }
    probe.always(Reply::Fail);
    let calls = probe.calls();
    for _ in 0..100 {
        call(&mut stack, Request::default()).await.unwrap_err();
    }
    // Forty successes within a second, counted by both layers, earn twenty tokens; the budget starts with one.
    let repeats = probe.calls() - calls - 100;
    assert!((1..=21).contains(&repeats), "{repeats} repeats of 100 failures");
    assert_eq!(budget.snapshot().spent, repeats);
}

/// The attempt quota bounds the attempts of one request across all layers that repeat it.
#[tokio::test(start_paused = true)]
async fn attempt_quota_bounds_retry_and_failover_together() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let endpoints = ["a", "b", "c"].map(|name| Endpoint::new(name, probe.clone()));
    let failover = Failover::new("failover", endpoints).unwrap().with_policy(ProbePolicy);
    let retrier = retrier(10).without_budget();
    let mut stack = RetryLayer::with(retrier.clone()).with_policy(ProbePolicy).layer(failover);
    call(&mut stack, Request::default()).await.unwrap_err();
    assert_eq!(probe.calls(), u64::from(AttemptQuota::DEFAULT));
    assert_eq!(retrier.snapshot().stopped.attempt_quota, 1);
}

/// The layers pass the original error on without boxing it again, and the fallback's steps receive it.
#[tokio::test(start_paused = true)]
async fn original_error_passes_through_all_layers() {
    let all = All::new(limited(10));
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let error = call(&mut all.without_fallback(probe.clone()), Request::default()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError::Failed));
    let answer = call(&mut all.layer(probe), Request::default()).await.unwrap();
    assert_eq!((answer.value, all.fallback.handle().snapshot().answered), (0, 1));
}

/// Defect of another library: errors of `poll_ready` skip the fallback.
#[tokio::test(start_paused = true)]
async fn fallback_handles_readiness_errors_of_inner_layers() {
    let all = All::new(limited(10));
    let probe = Probe::new();
    probe.set_readiness(mainstay_core::test::Readiness::Fail);
    let mut stack = all.layer(probe.clone());
    for _ in 0..30 {
        assert_eq!(call(&mut stack, Request::default()).await.unwrap().value, 0);
    }
    assert_eq!(all.breaker.state(), State::Open, "a readiness error is a failure of the dependency");
}

/// A fallback inside a breaker hides failures from it.
#[tokio::test(start_paused = true)]
async fn fallback_inside_a_breaker_keeps_it_closed() {
    let (breaker, probe) = (Breaker::new("breaker"), Probe::new());
    probe.always(Reply::Fail);
    let mut stack = CircuitBreakerLayer::with(breaker.clone())
        .layer(FallbackLayer::new("fallback", value(Answer::from(0))).layer(probe.clone()));
    for _ in 0..50 {
        call(&mut stack, Request::default()).await.unwrap();
    }
    assert_eq!((breaker.state(), breaker.snapshot().successes), (State::Closed, 50));
}

/// A breaker around a retry counts each request once; a breaker inside it counts each attempt.
#[tokio::test(start_paused = true)]
async fn breaker_counts_requests_outside_a_retry_and_attempts_inside() {
    let (outer, inner, probe) = (Breaker::new("outer"), Breaker::new("inner"), Probe::new());
    probe.always(Reply::Fail);
    let stack = CircuitBreakerLayer::with(inner.clone()).layer(probe.clone());
    let stack = RetryLayer::with(retrier(3).without_budget()).layer(stack);
    let mut stack = CircuitBreakerLayer::with(outer.clone()).layer(stack);
    for _ in 0..3 {
        call(&mut stack, Request::default()).await.unwrap_err();
    }
    assert_eq!((outer.snapshot().failures, inner.snapshot().failures, probe.calls()), (3, 9, 9));
}

/// A request leaves the bulkhead's queue and is then refused by the breaker, which opened while the request waited.
#[tokio::test(start_paused = true)]
async fn bulkhead_passes_on_refusals_of_the_breaker_inside() {
    let (breaker, probe) = (Breaker::new("breaker"), Probe::new());
    let limit = Limit::with_settings("limit", crate::stacks::queueing(1, 10, SECOND)).unwrap();
    let mut stack =
        BulkheadLayer::with(limit.clone()).layer(CircuitBreakerLayer::with(breaker.clone()).layer(probe.clone()));
    let permit = limit.try_acquire().unwrap();
    let waiting = stack.ready().await.unwrap().call(Request::default());
    breaker.trip("test");
    advance(MS).await;
    drop(permit);
    assert_eq!(reason(&waiting.await.unwrap_err()), Some(Reason::CircuitOpen));
    assert_eq!((probe.calls(), limit.snapshot().in_flight, limit.snapshot().queued), (0, 0, 0));
}

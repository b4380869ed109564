//! Mainstay's layers around and inside Tower's own.

use std::time::Duration;

use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer, State};
use mainstay_core::{
    Reason, Refusal, Rejected,
    test::{Answer, Probe, Reply, Request, call},
};
use mainstay_fallback::{FallbackLayer, value};
use mainstay_retry::RetryLayer;
use tokio::task::JoinSet;
use tower::{
    Layer, ServiceBuilder, ServiceExt, buffer::BufferLayer, limit::ConcurrencyLimitLayer, load_shed::LoadShedLayer,
};

use crate::stacks::{All, SECOND, limited, retrier};

/// Defect of another library: attempts on fresh clones that were never polled ready. `ConcurrencyLimit` and `Buffer`
/// panic then, and `LoadShed` refuses.
#[tokio::test(start_paused = true)]
async fn each_attempt_is_polled_ready_over_tower_layers() {
    for number in 0..3 {
        let probe = Probe::new();
        Probe::then(&probe, Reply::Fail);
        Probe::then(&probe, Reply::Fail);
        let all = All::new(limited(10));
        let request = Request::default();
        let retrier = all.retrier.clone().without_budget();
        let all = All { retrier: retrier.clone(), ..all };
        match number {
            0 => all.without_fallback(ConcurrencyLimitLayer::new(1).layer(probe)).oneshot(request).await,
            1 => all.without_fallback(BufferLayer::new(1).layer(probe)).oneshot(request).await,
            _ => all.without_fallback(LoadShedLayer::new().layer(probe)).oneshot(request).await,
        }
        .unwrap();
        assert_eq!(retrier.snapshot().attempts, 3, "layer {number}");
    }
}

/// Defect of another library: a bulkhead that holds inner readiness while it queues deadlocks with a limit below it.
#[tokio::test(start_paused = true)]
async fn queue_over_an_equal_concurrency_limit_does_not_deadlock() {
    let limit = Limit::with_settings("limit", crate::stacks::queueing(1, 100, 60 * SECOND)).unwrap();
    let probe = Probe::new();
    probe.always(Reply::Count.after(Duration::from_millis(10)));
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::with(retrier(3)))
        .layer(BulkheadLayer::with(limit.clone()))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(probe.clone());
    let mut callers = JoinSet::new();
    for id in 0..50 {
        callers.spawn(stack.clone().oneshot(Request::new(id)));
    }
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!((probe.calls(), limit.snapshot().in_flight, limit.snapshot().permitted), (50, 0, 50));
}

/// An error of another layer is a failure, unless a refusal by Mainstay is among its sources.
#[tokio::test(start_paused = true)]
async fn refusal_is_recognised_through_buffer() {
    let breaker = Breaker::new("breaker");
    breaker.trip("test");
    let outer = Breaker::new("outer");
    let mut stack = ServiceBuilder::new()
        .layer(CircuitBreakerLayer::with(outer.clone()))
        .layer(BufferLayer::new(1))
        .layer(CircuitBreakerLayer::with(breaker))
        .service(Probe::new());
    for _ in 0..30 {
        let error = call(&mut stack, Request::default()).await.unwrap_err();
        assert_eq!(error.rejected().map(Rejected::reason), Some(Reason::CircuitOpen));
    }
    assert_eq!((outer.state(), outer.snapshot().rejected_below), (State::Closed, 30));
}

/// The worker of `Buffer` polls the stack, and is woken like any task.
#[tokio::test(start_paused = true)]
async fn stack_inside_buffer_is_woken() {
    let all = All::new(limited(1));
    let probe = Probe::new();
    probe.always(Reply::Count.after(SECOND));
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value(Answer::from(0))))
        .layer(BufferLayer::new(8))
        .service(all.without_fallback(probe.clone()));
    let mut callers = JoinSet::new();
    for id in 0..8 {
        callers.spawn(stack.clone().oneshot(Request::new(id)));
    }
    let answers = callers.join_all().await;
    let served = answers.iter().filter(|answer| answer.as_ref().is_ok_and(|answer| answer.value > 0)).count();
    assert_eq!((answers.len(), served), (8, 1), "one permit: one request is served, the others are refused");
    assert_eq!((probe.live(), all.limit.snapshot().in_flight), (0, 0));
}

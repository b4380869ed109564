//! Defects seen in the field, each one a test of ours.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
use mainstay_core::{
    BoxError, Reason, Refusal, Rejected,
    test::{Probe, Reply, Request, call, drive, settle},
};
use tokio::{
    task::{JoinSet, coop},
    time::Instant,
};
use tokio_test::{assert_pending, assert_ready_ok, task::spawn};
use tower::{Layer, Service, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn limit(limit: u32, queue: u32) -> Limit {
    let settings = LimitSettings { limit, queue, max_wait: Some(SECOND), ..LimitSettings::default() };
    Limit::with_settings("x", settings).unwrap()
}

fn reason<T>(result: Result<T, BoxError>) -> Option<Reason> {
    result.err()?.rejected().map(Rejected::reason)
}

/// Uses up what tokio lets this task do in one poll.
fn spend_budget(cx: &mut Context<'_>) {
    while coop::has_budget_remaining() {
        let _spent = pin!(coop::consume_budget()).poll(cx);
    }
}

/// A peer: rejection through a timeout of zero length takes 1.1 ms, parks a waiter, and gives the error of a timeout.
#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_refuses_in_the_first_poll_with_its_own_reason() {
    let layer = BulkheadLayer::with(limit(1, 0));
    let _permit = layer.limit().try_acquire().unwrap();
    let mut service = layer.layer(Probe::new());
    poll_fn(|cx| Service::<Request>::poll_ready(&mut service, cx)).await.unwrap();
    let mut refused = spawn(service.call(Request::default()));
    let result = tokio_test::assert_ready!(refused.poll());
    assert_eq!(reason(result), Some(Reason::BulkheadFull));
    assert!(!refused.is_woken());
    assert_eq!(layer.limit().snapshot().queued, 0);
}

/// A peer: callers that hold the readiness of an inner `ConcurrencyLimit` queue for a permit, whose owner waits for
/// that readiness.
#[tokio::test(start_paused = true)]
async fn callers_do_not_deadlock_over_a_limited_inner_service() {
    let (probe, layer) = (Probe::new(), BulkheadLayer::with(limit(1, 100)));
    layer.limit().reconfigure(LimitSettings { max_wait: None, ..layer.limit().settings() }).unwrap();
    probe.set_capacity(1);
    probe.always(Reply::Count.after(SECOND));
    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let mut service = layer.layer(probe.clone());
        callers.spawn(async move { call(&mut service, Request::default()).await });
    }
    let start = Instant::now();
    assert!(callers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(start.elapsed(), SECOND * 20);
}

/// A peer: the gauge of queued calls stays up after a caller went away.
#[tokio::test(start_paused = true)]
async fn the_gauges_are_true_after_a_cancelled_wait() {
    let limit = limit(1, 5);
    let permit = limit.try_acquire().unwrap();
    let mut waiter = spawn(limit.acquire());
    assert_pending!(waiter.poll());
    assert_eq!(limit.snapshot().queued, 1);
    drop(waiter);
    assert_eq!((limit.snapshot().queued, limit.snapshot().in_flight), (0, 1));
    drop(permit);
    assert_eq!(limit.snapshot().in_flight, 0);
}

/// A peer: the queue is unbounded by default.
#[tokio::test(start_paused = true)]
async fn nobody_queues_unless_told_to() {
    assert_eq!(LimitSettings::default().queue, 0);
    let limit = Limit::new("x", 1).unwrap();
    let _permit = limit.try_acquire().unwrap();
    let start = Instant::now();
    assert_eq!(limit.acquire().await.unwrap_err().reason(), Reason::BulkheadFull);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// A peer: a waiter that is dropped in the moment between its turn and its next poll takes the permit with it.
#[tokio::test(start_paused = true)]
async fn a_waiter_that_never_takes_its_permit_does_not_leak_it() {
    let limit = limit(1, 2);
    let permit = limit.try_acquire().unwrap();
    let (mut gone, mut next) = (spawn(limit.acquire()), spawn(limit.acquire()));
    assert_pending!(gone.poll());
    assert_pending!(next.poll());
    drop(permit);
    assert!(gone.is_woken());
    drop(gone);
    drop(assert_ready_ok!(next.poll()));
    assert!(limit.try_acquire().is_ok());
}

/// A peer: shrinking blocks the caller until enough permits came back.
#[tokio::test(start_paused = true)]
async fn shrinking_returns_at_once_and_takes_effect_as_calls_end() {
    let limit = limit(3, 0);
    let mut permits: Vec<_> = (0..3).map(|_| limit.try_acquire().unwrap()).collect();
    limit.resize(1).unwrap();
    assert_eq!((limit.snapshot().limit, limit.snapshot().in_flight), (1, 3));
    for left in [2, 1] {
        permits.pop();
        assert!(limit.try_acquire().is_err(), "{left} still run");
    }
    permits.pop();
    let _one = limit.try_acquire().unwrap();
    assert!(limit.try_acquire().is_err());
}

/// A peer: a spurious "full" when tokio's cooperative budget for the task has run out.
#[tokio::test(start_paused = true)]
async fn a_task_without_budget_gets_a_free_permit_and_its_turn() {
    let limit = limit(1, 1);
    let permit = tokio::spawn({
        let limit = limit.clone();
        async move {
            poll_fn(|cx| {
                spend_budget(cx);
                let waiter = pin!(limit.acquire());
                Poll::Ready(matches!(waiter.poll(cx), Poll::Ready(Ok(_))))
            })
            .await
        }
    });
    assert!(permit.await.unwrap(), "refused, or made to wait, with a permit free");

    // And at the end of its wait, a turn that is there is seen.
    let held = limit.try_acquire().unwrap();
    let mut waiter = Box::pin(limit.acquire());
    assert!(poll_fn(|cx| Poll::Ready(waiter.as_mut().poll(cx).is_pending())).await);
    drop(held);
    let turn = poll_fn(|cx| {
        spend_budget(cx);
        Poll::Ready(matches!(waiter.as_mut().poll(cx), Poll::Ready(Ok(_))))
    });
    assert!(turn.await);
}

/// tokio had it: a call that uses up the task's budget in every poll keeps its own timeout from firing.
#[tokio::test(start_paused = true)]
async fn a_greedy_call_does_not_starve_its_timeout() {
    let greedy = service_fn(|()| async {
        let mut tick = tokio::time::interval(SECOND / 10);
        poll_fn(|cx| {
            while tick.poll_tick(cx).is_ready() {}
            spend_budget(cx);
            Poll::<Result<(), BoxError>>::Pending
        })
        .await
    });
    let settings = LimitSettings { execution_timeout: Some(SECOND), ..LimitSettings::default() };
    let mut service = BulkheadLayer::with(Limit::with_settings("x", settings).unwrap()).layer(greedy);
    let start = Instant::now();
    let ended = drive(SECOND * 10, call(&mut service, ())).await;
    assert_eq!(ended.map(reason), Ok(Some(Reason::AttemptTimeout)));
    assert_eq!(start.elapsed(), SECOND);
}

/// A peer: local refusals opened the breaker of a healthy backend.
#[test]
fn a_refusal_says_that_the_dependency_was_not_asked() {
    let limit = limit(1, 0);
    let _permit = limit.try_acquire().unwrap();
    let outcome = limit.try_acquire().unwrap_err().outcome();
    assert!(!outcome.is_failure() && !outcome.is_success());
}

/// A peer: each `layer()` call had a state of its own, so axum's limit was one per route.
#[tokio::test(start_paused = true)]
async fn all_services_of_a_layer_share_its_limit() {
    let (probe, layer) = (Probe::new(), BulkheadLayer::with(limit(1, 0)));
    probe.always(Reply::Hang);
    let (mut first, mut second) = (layer.layer(probe.clone()), layer.clone().layer(probe.clone()));
    let held = tokio::spawn(async move { call(&mut first, Request::default()).await });
    settle().await;
    assert_eq!(reason(call(&mut second, Request::default()).await), Some(Reason::BulkheadFull));
    held.abort();
    settle().await;
    assert_eq!((layer.limit().snapshot().in_flight, probe.live()), (0, 0));
}

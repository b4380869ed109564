//! Defects of other libraries, one test each.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
use mainstay_core::{
    BoxError, Reason, Refusal, Rejected, UploadClock,
    test::{Probe, ProbePolicy, Reply, Request, call, drive, run_until_idle},
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

/// Uses up the task's cooperative budget for this poll.
fn spend_budget(cx: &mut Context<'_>) {
    while coop::has_budget_remaining() {
        let _spent = pin!(coop::consume_budget()).poll(cx);
    }
}

/// A peer: rejection through a timeout of zero length takes 1.1 ms, parks a waiter, and returns a timeout error.
#[tokio::test(start_paused = true)]
async fn full_bulkhead_refuses_in_first_poll_with_its_own_reason() {
    let layer = BulkheadLayer::with(limit(1, 0));
    let _permit = layer.handle().try_acquire().unwrap();
    let mut service = layer.layer(Probe::new());
    poll_fn(|cx| Service::<Request>::poll_ready(&mut service, cx)).await.unwrap();
    let mut refused = spawn(service.call(Request::default()));
    let result = tokio_test::assert_ready!(refused.poll());
    assert_eq!(reason(result), Some(Reason::BulkheadFull));
    assert!(!refused.is_woken());
    assert_eq!(layer.handle().snapshot().queued, 0);
}

/// A peer: callers that hold the readiness of an inner `ConcurrencyLimit` queue for a permit, while the owner of the
/// permit waits for that readiness.
#[tokio::test(start_paused = true)]
async fn queueing_over_limited_inner_service_does_not_deadlock() {
    let (probe, layer) = (Probe::new(), BulkheadLayer::with(limit(1, 100)));
    layer.handle().reconfigure(LimitSettings { max_wait: None, ..layer.handle().settings() }).unwrap();
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

/// A peer: the gauge of queued calls stays up after a caller is dropped.
#[tokio::test(start_paused = true)]
async fn cancelled_wait_leaves_correct_gauges() {
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
async fn default_settings_have_no_queue() {
    assert_eq!(LimitSettings::default().queue, 0);
    let limit = Limit::new("x", 1).unwrap();
    let _permit = limit.try_acquire().unwrap();
    let start = Instant::now();
    assert_eq!(limit.acquire().await.unwrap_err().reason(), Reason::BulkheadFull);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// A peer: a waiter that is dropped between its grant and its next poll takes the permit with it.
#[tokio::test(start_paused = true)]
async fn waiter_dropped_after_its_grant_leaks_no_permit() {
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

/// A peer: shrinking blocks the caller until enough permits are back.
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

/// A peer: a spurious "full" when the task has used up tokio's cooperative budget.
#[tokio::test(start_paused = true)]
async fn task_without_coop_budget_gets_free_permit_and_grant() {
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
    assert!(permit.await.unwrap(), "refused or queued with a permit free");

    // A grant is seen without budget, too.
    let held = limit.try_acquire().unwrap();
    let mut waiter = Box::pin(limit.acquire());
    assert!(poll_fn(|cx| Poll::Ready(waiter.as_mut().poll(cx).is_pending())).await);
    drop(held);
    let granted = poll_fn(|cx| {
        spend_budget(cx);
        Poll::Ready(matches!(waiter.as_mut().poll(cx), Poll::Ready(Ok(_))))
    });
    assert!(granted.await);
}

/// tokio, once: a call that uses up the task's budget in every poll keeps its own timeout from firing.
#[tokio::test(start_paused = true)]
async fn call_that_uses_up_coop_budget_still_times_out() {
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

/// A steady upload was cut off, and its end counted against the dependency.
#[tokio::test(start_paused = true)]
async fn execution_timeout_runs_from_the_last_byte_of_an_upload() {
    let settings = LimitSettings { limit: 1, queue: 1, execution_timeout: Some(SECOND), ..LimitSettings::default() };
    let limit = Limit::with_settings("x", settings).unwrap();
    for queued in [false, true] {
        let (probe, clock, start) = (Probe::new(), UploadClock::new(SECOND * 60), Instant::now());
        probe.always(Reply::Hang);
        let request = Request::default().with_upload_clock(clock.clone());
        let mut service = BulkheadLayer::with(limit.clone()).with_policy(ProbePolicy).layer(probe);
        let before = queued.then(|| limit.try_acquire().unwrap());
        let body = async {
            drop(before);
            for _ in 0..5 {
                clock.record_wait();
                tokio::time::sleep(SECOND).await;
                clock.record_piece();
            }
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            ended = call(&mut service, request) => ended,
            () = body => unreachable!("it does not end"),
        };
        assert_eq!((reason(ended), start.elapsed()), (Some(Reason::AttemptTimeout), 6 * SECOND), "{queued}");
    }
}

/// A peer: local refusals open the breaker of a healthy backend.
#[test]
fn refusal_is_neither_success_nor_failure() {
    let limit = limit(1, 0);
    let _permit = limit.try_acquire().unwrap();
    let outcome = limit.try_acquire().unwrap_err().outcome();
    assert!(!outcome.is_failure() && !outcome.is_success());
}

/// A peer: each `layer()` call makes its own state, so axum has one limit per route.
#[tokio::test(start_paused = true)]
async fn services_of_one_layer_share_its_limit() {
    let (probe, layer) = (Probe::new(), BulkheadLayer::with(limit(1, 0)));
    probe.always(Reply::Hang);
    let (mut first, mut second) = (layer.layer(probe.clone()), layer.clone().layer(probe.clone()));
    let held = tokio::spawn(async move { call(&mut first, Request::default()).await });
    run_until_idle().await;
    assert_eq!(reason(call(&mut second, Request::default()).await), Some(Reason::BulkheadFull));
    held.abort();
    run_until_idle().await;
    assert_eq!((layer.handle().snapshot().in_flight, probe.live()), (0, 0));
}

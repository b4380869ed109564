//! What a timeout does, and the defects of others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    future::poll_fn,
    pin::pin,
    task::{Poll, Waker},
    time::Duration,
};

use mainstay_core::{
    BoxError, Reason, Refusal, RequestContext,
    test::{Expect, Probe, ProbePolicy, Reply, Request, call, contract, drive},
};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use tokio::{task::coop, time::Instant};
use tower::{Layer, Service, service_fn};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn both_keep_the_contract() {
    contract("attempt timeout", Expect::default(), || TimeoutLayer::attempt("probe", SECOND).unwrap());
    contract("total timeout", Expect::default(), || TimeoutLayer::total("probe", SECOND).unwrap());
}

#[tokio::test(start_paused = true)]
async fn it_fires_at_its_time_and_drops_the_call() {
    let (probe, layer) = (Probe::new(), TimeoutLayer::attempt("probe", SECOND).unwrap());
    probe.always(Reply::Hang);
    let start = Instant::now();
    let error = call(&mut layer.layer(probe.clone()), Request::default()).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::AttemptTimeout);
    assert_eq!((start.elapsed(), probe.live(), layer.handle().snapshot().timed_out), (SECOND, 0, 1));
}

/// A peer kept the first waker: polled once and moved to another task, it never fired.
#[tokio::test(start_paused = true)]
async fn it_fires_in_the_task_that_polled_last() {
    let (probe, layer) = (Probe::new(), TimeoutLayer::total("probe", SECOND).unwrap());
    probe.always(Reply::Hang);
    let mut service = layer.layer(probe);
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    let mut first = tokio_test::task::spawn(Box::pin(service.call(Request::default())));
    assert!(first.poll().is_pending());
    let moved = tokio::spawn(first.into_inner());
    assert_eq!(moved.await.unwrap().unwrap_err().rejected().unwrap().reason(), Reason::TotalTimeout);
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_the_answer() {
    let (probe, layer) = (Probe::new(), TimeoutLayer::attempt("probe", SECOND).unwrap());
    probe.always(Reply::Answer(7).after(SECOND - Duration::from_millis(1)));
    assert_eq!(call(&mut layer.layer(probe), Request::default()).await.unwrap().value, 7);
}

#[tokio::test(start_paused = true)]
async fn a_total_timeout_narrows_the_deadline_below() {
    let probe = Probe::new();
    let layer = TimeoutLayer::total("probe", SECOND).unwrap().with_policy(ProbePolicy);
    let start = Instant::now();
    call(&mut layer.layer(probe.clone()), Request::default()).await.unwrap();
    assert_eq!(probe.requests()[0].context.as_ref().unwrap().deadline, Some(start + SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_total_timeout_ends_the_call_at_the_callers_deadline() {
    let (probe, start) = (Probe::new(), Instant::now());
    probe.always(Reply::Hang);
    let layer = TimeoutLayer::total("probe", SECOND * 30).unwrap().with_policy(ProbePolicy);
    let request = Request::default().with_context(RequestContext::new().with_deadline(start + SECOND));
    let error = call(&mut layer.layer(probe.clone()), request.clone()).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::TotalTimeout);
    assert_eq!((start.elapsed(), probe.live()), (SECOND, 0));
    // An attempt timeout leaves the deadline alone.
    let layer = TimeoutLayer::attempt("probe", SECOND * 30).unwrap().with_policy(ProbePolicy);
    let start = Instant::now();
    assert!(call(&mut layer.layer(probe.clone()), request.clone()).await.is_err());
    assert_eq!(start.elapsed(), SECOND * 30);
    let seen = probe.requests().pop().unwrap().context.unwrap();
    assert_eq!(seen.deadline, request.context.unwrap().deadline);
}

/// tokio had it: a call that uses up the task's budget in every poll keeps its own timeout from firing.
#[tokio::test(start_paused = true)]
async fn a_greedy_call_does_not_starve_its_timeout() {
    let greedy = service_fn(|()| async {
        let mut tick = tokio::time::interval(SECOND / 10);
        poll_fn(|cx| {
            while tick.poll_tick(cx).is_ready() {}
            while coop::has_budget_remaining() {
                let _spent = pin!(coop::consume_budget()).poll(cx);
            }
            Poll::<Result<(), BoxError>>::Pending
        })
        .await
    });
    let start = Instant::now();
    let mut service = TimeoutLayer::attempt("greedy", SECOND).unwrap().layer(greedy);
    let ended = drive(SECOND * 10, call(&mut service, ())).await.expect("it ends");
    assert_eq!(ended.unwrap_err().rejected().unwrap().reason(), Reason::AttemptTimeout);
    assert_eq!(start.elapsed(), SECOND);
}

/// No timer, which would need a runtime, and no allocation, where the answer is there at once.
#[test]
fn an_answer_at_once_arms_no_timer_and_allocates_nothing() {
    async fn up(id: u32) -> Result<u32, std::io::Error> {
        Ok(id)
    }
    for layer in [TimeoutLayer::attempt("x", SECOND).unwrap(), TimeoutLayer::total("x", SECOND).unwrap()] {
        let mut service = layer.layer(service_fn(up));
        let once = || {
            let answer = pin!(call(&mut service, 7)).poll(&mut std::task::Context::from_waker(Waker::noop()));
            assert!(matches!(answer, Poll::Ready(Ok(7))));
        };
        assert_eq!(allocation_counter::measure(once).count_total, 0);
    }
}

/// A timer that is armed lives in the call: no allocation either.
#[tokio::test(start_paused = true)]
async fn an_armed_timer_allocates_nothing() {
    let mut service = TimeoutLayer::attempt("x", SECOND)
        .unwrap()
        .layer(service_fn(|()| std::future::pending::<Result<(), BoxError>>()));
    let mut once = || {
        let answer = pin!(call(&mut service, ())).poll(&mut std::task::Context::from_waker(Waker::noop()));
        assert!(answer.is_pending());
    };
    once();
    assert_eq!(allocation_counter::measure(once).count_total, 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_can_be_set_live() {
    let limit = TimeLimit::attempt("work", SECOND).unwrap();
    limit.set(SECOND * 3).unwrap();
    let start = Instant::now();
    let work = std::future::pending::<Result<(), BoxError>>();
    assert!(limit.run(work).await.is_err());
    assert_eq!(start.elapsed(), SECOND * 3);
}

#[test]
fn wrong_times_are_named() {
    for wrong in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(TimeLimit::attempt("x", wrong).unwrap_err().field(), "attempt_timeout");
        assert_eq!(TimeLimit::total("x", wrong).unwrap_err().field(), "total_timeout");
    }
}

//! What a timeout does, and the defects of others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::time::Duration;

use mainstay_core::{
    Reason, Refusal,
    test::{Expect, Probe, ProbePolicy, Reply, Request, call, contract},
};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use tokio::time::{Instant, advance};
use tower::{Layer, Service};

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
    assert_eq!((start.elapsed(), probe.live(), layer.limit().snapshot().timed_out), (SECOND, 0, 1));
}

/// A peer kept the first waker: polled once and moved to another task, it never fired.
#[tokio::test(start_paused = true)]
async fn it_fires_in_the_task_that_polled_last() {
    let (probe, layer) = (Probe::new(), TimeoutLayer::total("probe", SECOND).unwrap());
    probe.always(Reply::Hang);
    let mut service = layer.layer(probe);
    std::future::poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
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
async fn the_time_can_be_set_live() {
    let limit = TimeLimit::attempt("work", SECOND).unwrap();
    limit.set(SECOND * 3).unwrap();
    let start = Instant::now();
    let work = std::future::pending::<Result<(), mainstay_core::BoxError>>();
    assert!(limit.run(work).await.is_err());
    assert_eq!(start.elapsed(), SECOND * 3);
    advance(SECOND).await;
}

#[test]
fn wrong_times_are_named() {
    for wrong in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(TimeLimit::attempt("x", wrong).unwrap_err().field(), "attempt_timeout");
        assert_eq!(TimeLimit::total("x", wrong).unwrap_err().field(), "total_timeout");
    }
}

//! A panic of an endpoint counts when it happens, whatever catches it; a panic elsewhere says nothing about an endpoint.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod common;

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use common::{Fate, Script, names, settings};
use mainstay_core::{
    BoxError,
    test::{Probe, Reply, Request},
};
use mainstay_failover::{Active, Endpoint, Failover, FailoverHandle, FailoverSettings, FailoverState};
use tower::{Service, ServiceExt, service_fn};

/// Panics as an endpoint does, without a message.
fn panics<T>() -> T {
    resume_unwind(Box::new("scripted"))
}

/// Polls until the future ends or panics, as `CatchPanicLayer` does. The future is not dropped.
async fn panics_outside<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(|_| false),
        Err(_panic) => Poll::Ready(true),
    })
    .await
}

fn failures(handle: &FailoverHandle) -> Vec<u32> {
    handle.snapshot().endpoints.iter().map(|endpoint| endpoint.consecutive_failures).collect()
}

fn probes(replies: [Reply; 2]) -> Failover<Probe> {
    let endpoint = |(name, reply)| {
        let probe = Probe::new();
        probe.always(reply);
        Endpoint::new(name, probe)
    };
    Failover::with_settings("x", ["a", "b"].into_iter().zip(replies).map(endpoint), settings()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn panic_that_is_caught_outside_counts_before_the_call_is_dropped() {
    for reply in [Reply::Panic, Reply::PanicInCall] {
        let failover = probes([reply, Reply::Count]);
        for n in 1..=3 {
            let mut call = pin!(failover.clone().oneshot(Request::new(1)));
            assert!(panics_outside(call.as_mut()).await);
            assert_eq!(failures(failover.handle()), [n, 0]);
        }
        assert_eq!(failover.handle().snapshot().endpoints[0].comparisons, 1, "what three failures in a row lead to");
    }
}

#[tokio::test(start_paused = true)]
async fn panic_of_a_second_attempt_counts_with_the_first_one() {
    let failover = probes([Reply::Fail, Reply::Panic]);
    let mut call = pin!(failover.clone().oneshot(Request::new(1)));
    assert!(panics_outside(call.as_mut()).await);
    assert_eq!(failover.handle().snapshot().failed_everywhere, 1);
    assert_eq!(failures(failover.handle()), [0, 0]);
    // The first attempt waits while the second one panics: it has no verdict.
    let failover = probes([Reply::Hang, Reply::Panic]);
    let mut call = pin!(failover.clone().oneshot(Request::new(1)));
    assert!(panics_outside(call.as_mut()).await);
    assert_eq!(failures(failover.handle()), [0, 1]);
}

/// Panics in `poll_ready`.
#[derive(Clone)]
struct UnreadyPanics;

impl Service<u32> for UnreadyPanics {
    type Response = &'static str;
    type Error = BoxError;
    type Future = std::future::Ready<Result<&'static str, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        panics()
    }

    fn call(&mut self, _: u32) -> Self::Future {
        std::future::ready(Ok("never"))
    }
}

#[tokio::test(start_paused = true)]
async fn panic_of_readiness_counts_as_its_failure() {
    let endpoints = ["a", "b"].map(|name| Endpoint::new(name, UnreadyPanics));
    let failover = Failover::with_settings("x", endpoints, settings()).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    for n in 1..=2 {
        let mut clone = failover.clone();
        assert!(catch_unwind(AssertUnwindSafe(|| clone.poll_ready(&mut cx).is_ready())).is_err());
        assert_eq!(failures(failover.handle()), [n, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn panic_of_work_counts() {
    let handle = FailoverHandle::with_settings("x", names(&["a", "b"]), settings()).unwrap();
    let in_function = |_: Active| -> std::future::Ready<Result<u32, BoxError>> { panics() };
    let in_future = |_: Active| async { panics::<Result<u32, BoxError>>() };
    assert!(panics_outside(pin!(handle.run(in_function))).await);
    assert_eq!(failures(&handle), [1, 0]);
    assert!(panics_outside(pin!(handle.run(in_future))).await);
    assert_eq!(failures(&handle), [2, 0]);
    let second = |active: Active| async move {
        if active.index() == 0 { Err(BoxError::from("first")) } else { panics::<Result<u32, BoxError>>() }
    };
    assert!(panics_outside(pin!(handle.run(second))).await);
    assert_eq!((failures(&handle), handle.snapshot().failed_everywhere), (vec![2, 0], 1));
}

/// A thread that panics elsewhere drops healthy calls; they counted as failures.
#[tokio::test(start_paused = true)]
async fn panic_of_the_caller_says_nothing_about_the_endpoint() {
    let scripts = [Script::new("a"), Script::new("b")];
    let endpoints = scripts.iter().map(|script| Endpoint::new(script.name(), script.clone()));
    let settings = FailoverSettings { second_attempt: None, ..settings() };
    let failover = Failover::with_settings("x", endpoints, settings).unwrap();
    let [primary, _] = &scripts;
    primary.set(Fate::Hang);
    for _ in 0..10 {
        let call = failover.clone().oneshot(1);
        let caller = tokio::spawn(async move {
            let mut call = pin!(call);
            let waited = tokio::time::timeout(Duration::from_secs(2), call.as_mut()).await;
            assert!(waited.is_ok(), "the caller panics, and drops its call");
        });
        assert!(caller.await.unwrap_err().is_panic());
    }
    let handle = failover.handle().clone();
    let work = handle.clone();
    let caller = tokio::spawn(async move {
        let mut call = pin!(work.run(|_| pending::<Result<u32, BoxError>>()));
        assert!(tokio::time::timeout(Duration::from_secs(2), call.as_mut()).await.is_ok());
    });
    assert!(caller.await.unwrap_err().is_panic());
    assert_eq!((failures(&handle), handle.snapshot().state), (vec![0, 0], FailoverState::OnPrimary));
    assert_eq!(primary.live(), 0);
}

/// Without a probe, one trial call at a time shows the recovery. One that panics has failed.
#[tokio::test(start_paused = true)]
async fn trial_call_that_panics_has_failed() {
    let service = service_fn(|_: u32| async { panics::<Result<Script, BoxError>>() });
    let failover = Failover::with_settings("x", [Endpoint::new("a", service)], settings()).unwrap();
    let mut departures = Vec::new();
    for _ in 0..4 {
        assert!(panics_outside(pin!(failover.clone().oneshot(1))).await);
        departures.push(failover.handle().snapshot().endpoints[0].departures);
        if departures.len() >= 3 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(departures, [0, 0, 1, 2]);
}

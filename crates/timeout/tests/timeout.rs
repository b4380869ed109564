//! Timeouts, and defects of other implementations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use std::{
    future::poll_fn,
    pin::pin,
    task::{Poll, Waker},
    time::Duration,
};

use mainstay_core::{
    BoxError, Reason, Refusal, RequestContext, UploadClock,
    test::{Expect, Probe, ProbePolicy, Reply, Request, call, contract, drive},
};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use tokio::{task::coop, time::Instant};
use tower::{Layer, Service, service_fn};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn attempt_and_total_keep_the_contract() {
    contract("attempt timeout", Expect::default(), || TimeoutLayer::attempt("probe", SECOND).unwrap());
    contract("total timeout", Expect::default(), || TimeoutLayer::total("probe", SECOND).unwrap());
}

#[tokio::test(start_paused = true)]
async fn hanging_call_ends_at_its_time_and_is_dropped() {
    let (probe, layer) = (Probe::new(), TimeoutLayer::attempt("probe", SECOND).unwrap());
    probe.always(Reply::Hang);
    let start = Instant::now();
    let error = call(&mut layer.layer(probe.clone()), Request::default()).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::AttemptTimeout);
    assert_eq!((start.elapsed(), probe.live(), layer.handle().snapshot().timed_out), (SECOND, 0, 1));
}

/// A peer kept the first waker: a future that moved to another task after its first poll never ended.
#[tokio::test(start_paused = true)]
async fn timeout_wakes_the_task_that_polled_last() {
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
async fn response_in_time_is_returned() {
    let (probe, layer) = (Probe::new(), TimeoutLayer::attempt("probe", SECOND).unwrap());
    probe.always(Reply::Answer(7).after(SECOND - Duration::from_millis(1)));
    assert_eq!(call(&mut layer.layer(probe), Request::default()).await.unwrap().value, 7);
}

#[tokio::test(start_paused = true)]
async fn total_timeout_sets_the_deadline_of_the_request() {
    let probe = Probe::new();
    let layer = TimeoutLayer::total("probe", SECOND).unwrap().with_policy(ProbePolicy);
    let start = Instant::now();
    call(&mut layer.layer(probe.clone()), Request::default()).await.unwrap();
    assert_eq!(probe.requests()[0].context.as_ref().unwrap().deadline, Some(start + SECOND));
}

#[tokio::test(start_paused = true)]
async fn total_timeout_ends_the_call_at_an_earlier_deadline() {
    let (probe, start) = (Probe::new(), Instant::now());
    probe.always(Reply::Hang);
    let layer = TimeoutLayer::total("probe", SECOND * 30).unwrap().with_policy(ProbePolicy);
    let request = Request::default().with_context(RequestContext::new().with_deadline(start + SECOND));
    let error = call(&mut layer.layer(probe.clone()), request.clone()).await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::TotalTimeout);
    assert_eq!((start.elapsed(), probe.live()), (SECOND, 0));
    // An attempt timeout does not change the deadline.
    let layer = TimeoutLayer::attempt("probe", SECOND * 30).unwrap().with_policy(ProbePolicy);
    let start = Instant::now();
    assert!(call(&mut layer.layer(probe.clone()), request.clone()).await.is_err());
    assert_eq!(start.elapsed(), SECOND * 30);
    let seen = probe.requests().pop().unwrap().context.unwrap();
    assert_eq!(seen.deadline, request.context.unwrap().deadline);
}

/// A defect of tokio's timeout: a call that uses up the task's budget in every poll kept it from firing.
#[tokio::test(start_paused = true)]
async fn call_that_spends_the_coop_budget_still_times_out() {
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
    let ended = drive(SECOND * 10, call(&mut service, ())).await.expect("the call ends");
    assert_eq!(ended.unwrap_err().rejected().unwrap().reason(), Reason::AttemptTimeout);
    assert_eq!(start.elapsed(), SECOND);
}

/// Runs outside a runtime, so an armed timer would panic.
#[test]
fn response_at_the_first_poll_arms_no_timer_and_allocates_nothing() {
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

/// The timer is a field of the call's future.
#[tokio::test(start_paused = true)]
async fn armed_timer_allocates_nothing() {
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
async fn time_set_under_load_applies_to_the_next_call() {
    let limit = TimeLimit::attempt("work", SECOND).unwrap();
    limit.set(SECOND * 3).unwrap();
    let start = Instant::now();
    assert!(limit.run(std::future::pending::<Result<(), BoxError>>).await.is_err());
    assert_eq!(start.elapsed(), SECOND * 3);
}

#[test]
fn time_out_of_range_is_an_error_with_its_field() {
    for wrong in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(TimeLimit::attempt("x", wrong).unwrap_err().field(), "attempt_timeout");
        assert_eq!(TimeLimit::total("x", wrong).unwrap_err().field(), "total_timeout");
    }
}

/// Both kinds of timeout, with a clock of their request's body.
fn with_upload() -> [(TimeoutLayer<ProbePolicy>, UploadClock); 2] {
    [TimeoutLayer::attempt("probe", SECOND), TimeoutLayer::total("probe", SECOND)]
        .map(|layer| (layer.unwrap().with_policy(ProbePolicy), UploadClock::new(SECOND * 60)))
}

/// A steady upload was cut at the timeout.
#[tokio::test(start_paused = true)]
async fn timeout_runs_from_the_last_piece_of_an_upload() {
    for (layer, clock) in with_upload() {
        let (probe, start) = (Probe::new(), Instant::now());
        probe.always(Reply::Hang);
        let request = Request::default().with_upload_clock(clock.clone());
        let mut service = layer.layer(probe);
        let upload = async {
            for _ in 0..20 {
                tokio::time::sleep(SECOND / 2).await;
                clock.record_piece();
            }
            std::future::pending::<()>().await;
        };
        let result = tokio::select! {
            result = call(&mut service, request) => result,
            () = upload => unreachable!("it does not end"),
        };
        assert!(result.unwrap_err().rejected().is_some());
        assert_eq!(start.elapsed(), SECOND * 11);
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_does_not_run_while_the_caller_is_awaited_up_to_its_longest_pause() {
    for (layer, clock) in with_upload() {
        let (probe, start) = (Probe::new(), Instant::now());
        probe.always(Reply::Hang);
        clock.record_wait();
        let request = Request::default().with_upload_clock(clock);
        assert!(call(&mut layer.layer(probe), request).await.is_err());
        assert_eq!(start.elapsed(), SECOND * 61);
    }
}

/// The dependency takes nothing: it is slow, and not the caller.
#[tokio::test(start_paused = true)]
async fn upload_that_does_not_begin_is_timed_out() {
    for (layer, clock) in with_upload() {
        let (probe, start) = (Probe::new(), Instant::now());
        probe.always(Reply::Hang);
        assert!(call(&mut layer.layer(probe), Request::default().with_upload_clock(clock)).await.is_err());
        assert_eq!(start.elapsed(), SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn upload_does_not_move_the_deadline_of_the_caller() {
    let (layer, clock) =
        (TimeoutLayer::total("probe", SECOND * 9).unwrap().with_policy(ProbePolicy), UploadClock::new(SECOND * 60));
    let (probe, start) = (Probe::new(), Instant::now());
    probe.always(Reply::Hang);
    clock.record_wait();
    let context = RequestContext::new().with_deadline(start + SECOND);
    let request = Request::default().with_upload_clock(clock).with_context(context);
    assert!(call(&mut layer.layer(probe), request).await.is_err());
    assert_eq!(start.elapsed(), SECOND);
}

/// Defect: a server was told the time of the whole call, although its attempt ends earlier.
#[tokio::test(start_paused = true)]
async fn attempt_timeout_limits_the_time_of_the_attempt() {
    let probe = Probe::new();
    let layer = |time| TimeoutLayer::attempt("probe", time).unwrap().with_policy(ProbePolicy);
    let stack = TimeoutLayer::total("probe", 5 * SECOND).unwrap().with_policy(ProbePolicy);
    let mut stack = stack.layer(layer(2 * SECOND).layer(layer(SECOND).layer(probe.clone())));
    call(&mut stack, Request::default()).await.unwrap();
    let context = probe.requests().pop().unwrap().context.unwrap();
    let now = Instant::now();
    assert_eq!((context.time_left(now), context.attempt_time_left(now)), (Some(5 * SECOND), Some(SECOND)));
    // An attempt lasts as long as its upload.
    let upload = UploadClock::new(SECOND);
    let uploaded = Request { upload_clock: Some(upload), ..Request::default() };
    call(&mut stack, uploaded).await.unwrap();
    assert_eq!(probe.requests().pop().unwrap().context.unwrap().attempt_timeout, None);
    // Without a context there is no place for it.
    let probe = Probe::new();
    let plain = TimeoutLayer::attempt("probe", SECOND).unwrap();
    call(&mut plain.layer(probe.clone()), Request::default()).await.unwrap();
    assert!(probe.requests().pop().unwrap().context.is_none());
}

//! Tests of which results are retried, what is returned, and what an attempt costs.

use mainstay_core::test::{Readiness, Reply, Request};
use mainstay_core::{BoxError, RequestContext};
use mainstay_retry::{RetryLayer, RetrySettings};
use tokio::time::sleep;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::harness::{
    BUSY, FAILED, Harness, LOST_COPY, MS, NEVER, NO_COPY, NOT_FOUND, OK, REPEATABLE, SENT_ONCE, UNSENT, plain, quick,
    with,
};

#[tokio::test(start_paused = true)]
async fn failures_and_overloads_are_retried_until_success() {
    let mut harness = Harness::plain();
    harness.answers(&[FAILED, BUSY, OK]);
    let (result, took) = harness.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), took), (OK, 300 * MS));
    let figures = harness.retrier.snapshot();
    assert_eq!((figures.calls, figures.attempts, figures.retries), (1, 3, 2));
    assert_eq!((figures.succeeded, figures.succeeded_after_retry), (1, 1));
    assert_eq!(figures.stopped.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn last_result_is_returned_unchanged() {
    let mut harness = Harness::plain();
    harness.answers(&[FAILED, FAILED, BUSY, OK]);
    assert_eq!(harness.get().await, BUSY);
    assert_eq!((harness.probe.calls(), harness.stopped().attempts), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn ignored_result_is_returned_at_once() {
    let mut harness = Harness::plain();
    harness.answers(&[NOT_FOUND]);
    assert_eq!(harness.get().await, NOT_FOUND);
    let figures = harness.retrier.snapshot();
    assert_eq!((figures.attempts, figures.ignored, figures.stopped.total()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn each_stop_reason_is_counted_separately() {
    let mut harness = Harness::plain();
    harness.probe.always(Reply::Answer(FAILED));
    let (lost, copyless) = (Request::new(LOST_COPY), Request::new(NO_COPY));
    let mut forbidden = RequestContext::new();
    forbidden.do_not_retry = true;
    for request in [lost, copyless, Request::new(1).with_context(forbidden)] {
        assert_eq!(harness.call(request).await.0.unwrap(), FAILED);
    }
    assert_eq!(harness.probe.calls(), 3);
    harness.answers(&[NEVER]);
    assert_eq!(harness.get().await, NEVER);
    assert_eq!(harness.get().await, FAILED);
    let stopped = harness.stopped();
    assert_eq!((stopped.not_replayable, stopped.do_not_retry), (2, 1));
    assert_eq!((stopped.not_retryable, stopped.attempts, stopped.total()), (1, 1, 5));
}

/// Defect of another library: requests were cloned for the last attempt.
#[tokio::test(start_paused = true)]
async fn last_attempt_makes_no_copy() {
    for (max_attempts, copies) in [(1, 0), (2, 1), (3, 2)] {
        let mut harness = Harness::new(quick(max_attempts));
        harness.probe.always(Reply::Answer(FAILED));
        assert_eq!(harness.get().await, FAILED);
        assert_eq!((harness.probe.calls(), harness.policy.copied()), (max_attempts.into(), copies));
    }
    let mut harness = Harness::plain();
    let mut forbidden = RequestContext::new();
    forbidden.do_not_retry = true;
    harness.call(Request::new(1).with_context(forbidden)).await.0.unwrap();
    assert_eq!(harness.policy.copied(), 0);
}

/// Defect of another library: bodies of discarded responses were never drained. `discard` does that, before the delay.
#[tokio::test(start_paused = true)]
async fn response_is_discarded_before_the_delay_except_the_last() {
    let mut harness = Harness::plain();
    harness.probe.always(Reply::Answer(FAILED));
    let service = harness.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    assert_eq!((harness.probe.calls(), harness.policy.discarded().len()), (1, 1));
    assert_eq!(call.await.unwrap().value, FAILED);
    assert_eq!((harness.probe.calls(), harness.policy.discarded()), (3, vec!["500".to_owned(); 2]));
}

#[tokio::test(start_paused = true)]
async fn error_is_discarded_when_its_retry_is_sent() {
    let mut harness = Harness::plain();
    harness.reply(Reply::Fail);
    harness.answers(&[OK]);
    assert_eq!(harness.get().await, OK);
    assert_eq!(harness.policy.discarded(), ["the probe failed as scripted"]);
}

/// Defects of peers: attempts on fresh clones that were never polled ready, which panicked over `ConcurrencyLimit` and
/// `Buffer`, and rejected 100 of 100 idle calls over `LoadShed`.
#[tokio::test(start_paused = true)]
async fn each_attempt_polls_readiness_of_a_fresh_clone() {
    let flaky = || {
        let mut failures = 2;
        service_fn(move |n: u32| {
            let fails = failures > 0;
            failures -= i32::from(fails);
            async move { if fails { Err(BoxError::from("flaky")) } else { Ok(n) } }
        })
    };
    let shed = ServiceBuilder::new().layer(RetryLayer::with(plain())).load_shed().concurrency_limit(1).buffer(1);
    assert_eq!(shed.service(flaky()).oneshot(7).await.unwrap(), 7);
    let buffered = ServiceBuilder::new().layer(RetryLayer::with(plain())).buffer(1).concurrency_limit(1);
    assert_eq!(buffered.service(flaky()).oneshot(7).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn no_service_is_held_during_the_delay() {
    let mut harness = Harness::plain();
    harness.probe.set_capacity(1);
    harness.probe.always(Reply::Answer(FAILED));
    let service = harness.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    let instances = harness.probe.instances();
    tokio_test::assert_pending!(call.poll());
    assert_eq!((harness.probe.reserved(), harness.probe.live(), harness.probe.instances()), (0, 0, instances));
    drop(call);
    assert_eq!(harness.probe.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn service_is_cloned_only_for_a_retry() {
    let mut harness = Harness::plain();
    harness.probe.always(Reply::Hold);
    let instances = harness.probe.instances();
    let service = harness.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    assert_eq!(harness.probe.instances(), instances);
}

#[tokio::test(start_paused = true)]
async fn failed_readiness_counts_as_a_failed_attempt() {
    let mut harness = Harness::plain();
    harness.reply(Reply::Fail);
    let service = harness.service.ready().await.unwrap();
    let call = service.call(Request::new(1));
    harness.probe.set_readiness(Readiness::Fail);
    let error = call.await.unwrap_err();
    assert_eq!(error.to_string(), "the probe's readiness failed as scripted");
    assert_eq!((harness.probe.calls(), harness.retrier.snapshot().attempts, harness.stopped().attempts), (1, 3, 1));
    assert_eq!(harness.retrier.snapshot().times, None, "an attempt that was not sent is not timed");
    assert_eq!(
        harness.policy.discarded(),
        ["the probe failed as scripted", "the probe's readiness failed as scripted"]
    );
}

#[tokio::test(start_paused = true)]
async fn retry_waits_for_a_service_that_is_ready_later() {
    let mut harness = Harness::plain();
    harness.answers(&[FAILED, OK]);
    let service = harness.service.ready().await.unwrap();
    let call = tokio::spawn(service.call(Request::new(1)));
    harness.probe.set_readiness(Readiness::Pending);
    sleep(50_000 * MS).await;
    assert_eq!(harness.probe.calls(), 1);
    harness.probe.set_readiness(Readiness::Ready);
    assert_eq!(call.await.unwrap().unwrap().value, OK);
}

/// The test has no runtime, so a timer would panic.
#[test]
fn zero_delay_creates_no_timer() {
    let mut harness = Harness::new(quick(3));
    harness.reply(Reply::Fail);
    harness.answers(&[FAILED, OK]);
    let mut call = tokio_test::task::spawn(harness.call(Request::new(1)));
    let (result, _) = tokio_test::assert_ready!(call.poll());
    assert_eq!(result.unwrap(), OK);
}

/// Defect of another library: the delay overflowed or was NaN after 1,000 attempts.
#[tokio::test(start_paused = true)]
async fn two_thousand_attempts_do_not_overflow() {
    let mut harness =
        Harness::new(with(RetrySettings { max_attempts: 2_000, attempt_quota: 2_000, ..RetrySettings::default() }));
    harness.probe.always(Reply::Answer(FAILED));
    let (result, took) = harness.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), harness.probe.calls()), (FAILED, 2_000));
    // 0.1 + 0.2 + .. + 12.8 s, then 20 s each.
    assert_eq!(took, 25_500 * MS + 20_000 * MS * 1_991);
}

/// Defect: a POST whose connection was refused failed at once, although nothing was sent.
#[tokio::test(start_paused = true)]
async fn request_that_is_sent_once_is_retried_while_it_is_unsent() {
    for (answers, last, calls) in [
        (&[UNSENT, UNSENT, OK][..], OK, 3),
        (&[UNSENT, FAILED, OK], FAILED, 2),
        (&[FAILED, OK], FAILED, 1),
        (&[BUSY, OK], BUSY, 1),
        (&[REPEATABLE, OK], REPEATABLE, 1),
    ] {
        let mut harness = Harness::plain();
        harness.answers(answers);
        assert_eq!(harness.call(Request::new(SENT_ONCE)).await.0.unwrap(), last, "{answers:?}");
        let stopped = harness.stopped();
        assert_eq!((harness.probe.calls(), stopped.not_replayable), (calls, u64::from(last != OK)), "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ignored_result_that_may_be_repeated_is_retried_and_costs_budget() {
    let mut harness = Harness::plain();
    harness.answers(&[REPEATABLE, REPEATABLE, OK]);
    assert_eq!(harness.get().await, OK);
    let figures = harness.retrier.snapshot();
    assert_eq!((figures.retries, figures.ignored, figures.succeeded_after_retry), (2, 0, 1));

    let mut harness = Harness::new(mainstay_retry::Retrier::new("budget"));
    harness.answers(&[REPEATABLE, REPEATABLE, OK]);
    assert_eq!(harness.get().await, REPEATABLE);
    let figures = harness.retrier.snapshot();
    assert_eq!((figures.retries, figures.stopped.budget, figures.stopped.total()), (1, 1, 1));
}

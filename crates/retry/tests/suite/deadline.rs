//! Tests that a deadline bounds delays and the start of attempts.

use std::time::Duration;

use mainstay_core::{
    Reason, Refusal, RequestContext, UploadClock,
    test::{Readiness, Reply, Request},
};
use mainstay_retry::RetrySettings;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};

use crate::harness::{FAILED, Harness, MS, OK, busy_for, with};

fn harness(deadline_ms: u32) -> Harness {
    Harness::new(with(RetrySettings {
        deadline: Some(deadline_ms * MS),
        max_attempts: 10,
        attempt_quota: 10,
        ..Default::default()
    }))
}

#[tokio::test(start_paused = true)]
async fn delay_that_does_not_fit_the_deadline_is_not_started() {
    let mut harness = harness(500);
    harness.probe.always(Reply::Answer(FAILED));
    // 100 + 200 ms fit, 400 ms more do not.
    let (result, took) = harness.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), took, harness.probe.calls()), (FAILED, 300 * MS, 3));
    assert_eq!((harness.stopped().deadline, harness.stopped().total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn deadline_leaves_time_for_a_typical_attempt() {
    let mut harness = harness(500);
    for _ in 0..20 {
        harness.reply(Reply::Answer(OK).after(300 * MS));
        harness.get().await;
    }
    assert_eq!(harness.retrier.snapshot().times.unwrap().typical, Some(300 * MS));
    harness.probe.always(Reply::Answer(FAILED));
    // 100 ms and an attempt of 300 fit into 500; 200 ms more and another attempt do not.
    assert_eq!(harness.call(Request::new(1)).await.1, 100 * MS);
    assert_eq!(harness.stopped().deadline, 1);
}

/// The uploads of slow callers made the typical attempt so long that no request was retried.
#[tokio::test(start_paused = true)]
async fn time_of_an_upload_is_not_that_of_a_typical_attempt() {
    let mut harness = harness(60_000);
    for _ in 0..20 {
        harness.reply(Reply::Answer(OK).after(2_030 * MS));
        let clock = UploadClock::new(60_000 * MS);
        let body = async {
            clock.record_wait();
            sleep(2_000 * MS).await;
            clock.record_piece();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            (result, _) = harness.call(Request::new(1).with_upload_clock(clock.clone())) => assert_eq!(result.unwrap(), OK),
            () = body => unreachable!("it does not end"),
        }
    }
    let times = harness.retrier.snapshot().times.unwrap();
    assert_eq!((times.typical, times.max), (Some(30 * MS), 30 * MS));
}

#[tokio::test(start_paused = true)]
async fn earlier_of_two_deadlines_applies() {
    for (own, theirs, attempts) in [(500, 150, 2), (150, 500, 2), (500, 500, 3)] {
        let mut harness = harness(own);
        harness.probe.always(Reply::Answer(FAILED));
        let context = RequestContext::new().with_deadline(Instant::now() + theirs * MS);
        harness.call(Request::new(1).with_context(context)).await.0.unwrap();
        assert_eq!(harness.probe.calls(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn layer_deadline_counts_from_the_start_of_the_request() {
    let mut harness = harness(500);
    harness.probe.always(Reply::Answer(FAILED));
    let mut context = RequestContext::new();
    context.started = Some(Instant::now());
    sleep(350 * MS).await;
    harness.call(Request::new(1).with_context(context)).await.0.unwrap();
    assert_eq!(harness.probe.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn late_request_is_rejected_without_an_attempt() {
    let mut harness = Harness::plain();
    let context = RequestContext::new().with_deadline(Instant::now());
    let error = harness.call(Request::new(1).with_context(context)).await.0.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::DeadlineExceeded);
    assert_eq!(harness.probe.calls(), 0);
    let figures = harness.retrier.snapshot();
    assert_eq!((figures.calls, figures.attempts, figures.stopped.deadline), (1, 0, 1));
    assert_eq!(harness.probe.reserved(), 0, "the unused readiness is released");
}

#[tokio::test(start_paused = true)]
async fn running_attempt_is_not_cancelled_at_the_deadline() {
    let mut harness = harness(500);
    harness.reply(Reply::Answer(OK).after(5_000 * MS));
    assert_eq!(harness.get().await, OK);
}

/// Defect of another library: its backoff sees only the attempt's number, so that `Retry-After` is impossible.
#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for_in_full_or_not_at_all() {
    let mut harness = harness(60_000);
    harness.answers(&[busy_for(1_500), FAILED, OK]);
    // The first delay is `Retry-After`; then the backoff restarts.
    assert_eq!(harness.call(Request::new(1)).await.1, 1_600 * MS);
    for longer_than in [20_001, 60_000] {
        harness.answers(&[busy_for(longer_than)]);
        let (result, took) = harness.call(Request::new(1)).await;
        assert_eq!((result.unwrap(), took), (busy_for(longer_than), Duration::ZERO));
    }
    assert_eq!(harness.stopped().retry_after, 2);
    let context = RequestContext::new().with_deadline(Instant::now() + 1_000 * MS);
    harness.answers(&[busy_for(1_000)]);
    assert_eq!(harness.call(Request::new(1).with_context(context)).await.1, Duration::ZERO);
    assert_eq!((harness.stopped().retry_after, harness.stopped().total()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn unready_service_returns_the_original_error_at_the_deadline() {
    let mut harness = harness(1_000);
    harness.reply(Reply::Fail);
    let start = Instant::now();
    let service = harness.service.ready().await.unwrap();
    let call = service.call(Request::new(1));
    harness.probe.set_readiness(Readiness::Pending);
    assert_eq!(call.await.unwrap_err().to_string(), "the probe failed as scripted");
    assert_eq!((start.elapsed(), harness.probe.calls(), harness.stopped().deadline), (1_000 * MS, 1, 1));
    assert_eq!(harness.retrier.snapshot().attempts, 1);
}

/// The response is discarded before the delay, so the caller gets a rejection.
#[tokio::test(start_paused = true)]
async fn unready_service_returns_a_rejection_if_the_response_is_discarded() {
    let mut harness = harness(1_000);
    harness.answers(&[FAILED]);
    let service = harness.service.ready().await.unwrap();
    let call = service.call(Request::new(1));
    harness.probe.set_readiness(Readiness::Pending);
    let error = call.await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::DeadlineExceeded);
    assert_eq!(harness.stopped().deadline, 1);
}

/// A busy runtime may wake the request after the deadline.
#[tokio::test(start_paused = true)]
async fn no_attempt_starts_after_the_deadline() {
    let mut harness = harness(1_000);
    harness.reply(Reply::Fail);
    let mut call = tokio_test::task::spawn(harness.service.ready().await.unwrap().call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    tokio::time::advance(1_000 * MS).await;
    assert_eq!(call.await.unwrap_err().to_string(), "the probe failed as scripted");
    assert_eq!((harness.probe.calls(), harness.stopped().deadline), (1, 1));
}

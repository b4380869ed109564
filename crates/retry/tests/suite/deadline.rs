//! What a deadline bounds: waiting, and the start of attempts.

use std::time::Duration;

use mainstay_core::{
    Reason, Refusal, RequestContext,
    test::{Readiness, Reply, Request},
};
use mainstay_retry::RetrySettings;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt};

use crate::kit::{Bed, FAILED, MS, OK, busy_for, with};

fn bed(deadline_ms: u32) -> Bed {
    Bed::new(with(RetrySettings {
        deadline: Some(deadline_ms * MS),
        max_attempts: 10,
        attempt_quota: 10,
        ..Default::default()
    }))
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_does_not_fit_is_not_begun() {
    let mut bed = bed(500);
    bed.probe.always(Reply::Answer(FAILED));
    // 100 + 200 ms fit, 400 ms more do not.
    let (result, took) = bed.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), took, bed.probe.calls()), (FAILED, 300 * MS, 3));
    assert_eq!((bed.gave_up().deadline, bed.gave_up().total()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn room_is_left_for_a_typical_attempt() {
    let mut bed = bed(500);
    for _ in 0..20 {
        bed.reply(Reply::Answer(OK).after(300 * MS));
        bed.get().await;
    }
    assert_eq!(bed.retrier.snapshot().times.unwrap().typical, Some(300 * MS));
    bed.probe.always(Reply::Answer(FAILED));
    // 100 ms and an attempt of 300 fit into 500; 200 ms more and another attempt do not.
    assert_eq!(bed.call(Request::new(1)).await.1, 100 * MS);
    assert_eq!(bed.gave_up().deadline, 1);
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_two_deadlines_holds() {
    for (own, theirs, attempts) in [(500, 150, 2), (150, 500, 2), (500, 500, 3)] {
        let mut bed = bed(own);
        bed.probe.always(Reply::Answer(FAILED));
        let context = RequestContext::new().with_deadline(Instant::now() + theirs * MS);
        bed.call(Request::new(1).with_context(context)).await.0.unwrap();
        assert_eq!(bed.probe.calls(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_layers_deadline_counts_from_the_requests_start() {
    let mut bed = bed(500);
    bed.probe.always(Reply::Answer(FAILED));
    let mut context = RequestContext::new();
    context.started = Some(Instant::now());
    sleep(350 * MS).await;
    bed.call(Request::new(1).with_context(context)).await.0.unwrap();
    assert_eq!(bed.probe.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_late_already_is_not_sent() {
    let mut bed = Bed::plain();
    let context = RequestContext::new().with_deadline(Instant::now());
    let error = bed.call(Request::new(1).with_context(context)).await.0.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::DeadlineExceeded);
    assert_eq!(bed.probe.calls(), 0);
    let figures = bed.retrier.snapshot();
    assert_eq!((figures.calls, figures.attempts, figures.gave_up.deadline), (1, 0, 1));
    assert_eq!(bed.probe.reserved(), 0, "what was ready for it is free for others");
}

#[tokio::test(start_paused = true)]
async fn a_running_attempt_is_not_cut_off() {
    let mut bed = bed(500);
    bed.reply(Reply::Answer(OK).after(5_000 * MS));
    assert_eq!(bed.get().await, OK);
}

/// A peer: `Retry-After` impossible because backoff sees only a number.
#[tokio::test(start_paused = true)]
async fn what_the_server_asks_for_is_waited_for_or_not_at_all() {
    let mut bed = bed(60_000);
    bed.answers(&[busy_for(1_500), FAILED, OK]);
    // At least what it asked for; then the backoff begins anew.
    assert_eq!(bed.call(Request::new(1)).await.1, 1_600 * MS);
    for longer_than in [20_001, 60_000] {
        bed.answers(&[busy_for(longer_than)]);
        let (result, took) = bed.call(Request::new(1)).await;
        assert_eq!((result.unwrap(), took), (busy_for(longer_than), Duration::ZERO));
    }
    assert_eq!(bed.gave_up().retry_after, 2);
    let context = RequestContext::new().with_deadline(Instant::now() + 1_000 * MS);
    bed.answers(&[busy_for(1_000)]);
    assert_eq!(bed.call(Request::new(1).with_context(context)).await.1, Duration::ZERO);
    assert_eq!((bed.gave_up().retry_after, bed.gave_up().total()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_readiness_ends_at_the_deadline_with_the_original_error() {
    let mut bed = bed(1_000);
    bed.reply(Reply::Fail);
    let start = Instant::now();
    let service = bed.service.ready().await.unwrap();
    let call = service.call(Request::new(1));
    bed.probe.set_readiness(Readiness::Pending);
    assert_eq!(call.await.unwrap_err().to_string(), "the probe failed as told");
    assert_eq!((start.elapsed(), bed.probe.calls(), bed.gave_up().deadline), (1_000 * MS, 1, 1));
    assert_eq!(bed.retrier.snapshot().attempts, 1);
}

/// A response had to be let go before the wait, so only a refusal can say what happened.
#[tokio::test(start_paused = true)]
async fn the_wait_for_readiness_ends_at_the_deadline_with_a_refusal_where_the_response_is_gone() {
    let mut bed = bed(1_000);
    bed.answers(&[FAILED]);
    let service = bed.service.ready().await.unwrap();
    let call = service.call(Request::new(1));
    bed.probe.set_readiness(Readiness::Pending);
    let error = call.await.unwrap_err();
    assert_eq!(error.rejected().unwrap().reason(), Reason::DeadlineExceeded);
    assert_eq!(bed.gave_up().deadline, 1);
}

/// A runtime that is busy wakes the request late.
#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_deadline() {
    let mut bed = bed(1_000);
    bed.reply(Reply::Fail);
    let mut call = tokio_test::task::spawn(bed.service.ready().await.unwrap().call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    tokio::time::advance(1_000 * MS).await;
    assert_eq!(call.await.unwrap_err().to_string(), "the probe failed as told");
    assert_eq!((bed.probe.calls(), bed.gave_up().deadline), (1, 1));
}

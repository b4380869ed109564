//! What is repeated, what comes back, and what an attempt costs the request and the service.

use mainstay_core::test::{Readiness, Reply, Request};
use mainstay_core::{BoxError, RequestContext};
use mainstay_retry::{RetryLayer, RetrySettings};
use tokio::time::sleep;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::kit::{BUSY, Bed, FAILED, LOST_COPY, MS, NEVER, NO_COPY, NOT_FOUND, OK, plain, quick, with};

#[tokio::test(start_paused = true)]
async fn failures_and_overloads_are_repeated_until_one_succeeds() {
    let mut bed = Bed::plain();
    bed.answers(&[FAILED, BUSY, OK]);
    let (result, took) = bed.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), took), (OK, 300 * MS));
    let figures = bed.retrier.snapshot();
    assert_eq!((figures.calls, figures.attempts, figures.retries), (1, 3, 2));
    assert_eq!((figures.succeeded, figures.succeeded_after_retry), (1, 1));
    assert_eq!(figures.gave_up.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_caller_gets_the_last_result_as_it_was() {
    let mut bed = Bed::plain();
    bed.answers(&[FAILED, FAILED, BUSY, OK]);
    assert_eq!(bed.get().await, BUSY);
    assert_eq!((bed.probe.calls(), bed.gave_up().attempts), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn what_says_nothing_about_the_dependency_is_returned_at_once() {
    let mut bed = Bed::plain();
    bed.answers(&[NOT_FOUND]);
    assert_eq!(bed.get().await, NOT_FOUND);
    let figures = bed.retrier.snapshot();
    assert_eq!((figures.attempts, figures.ignored, figures.gave_up.total()), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn each_reason_to_give_up_is_counted_as_its_own() {
    let mut bed = Bed::plain();
    bed.probe.always(Reply::Answer(FAILED));
    let (lost, copyless) = (Request::new(LOST_COPY), Request::new(NO_COPY));
    let mut forbidden = RequestContext::new();
    forbidden.do_not_retry = true;
    for request in [lost, copyless, Request::new(1).with_context(forbidden)] {
        assert_eq!(bed.call(request).await.0.unwrap(), FAILED);
    }
    assert_eq!(bed.probe.calls(), 3);
    bed.answers(&[NEVER]);
    assert_eq!(bed.get().await, NEVER);
    assert_eq!(bed.get().await, FAILED);
    let gave_up = bed.gave_up();
    assert_eq!((gave_up.not_replayable, gave_up.do_not_retry), (2, 1));
    assert_eq!((gave_up.server_said_never, gave_up.attempts, gave_up.total()), (1, 1, 5));
}

/// A peer: requests cloned on the last attempt.
#[tokio::test(start_paused = true)]
async fn no_copy_is_made_that_cannot_be_sent() {
    for (max_attempts, copies) in [(1, 0), (2, 1), (3, 2)] {
        let mut bed = Bed::new(quick(max_attempts));
        bed.probe.always(Reply::Answer(FAILED));
        assert_eq!(bed.get().await, FAILED);
        assert_eq!((bed.probe.calls(), bed.policy.copied()), (max_attempts.into(), copies));
    }
    let mut bed = Bed::plain();
    let mut forbidden = RequestContext::new();
    forbidden.do_not_retry = true;
    bed.call(Request::new(1).with_context(forbidden)).await.0.unwrap();
    assert_eq!(bed.policy.copied(), 0);
}

/// A peer: bodies of discarded responses never drained. (That is what `discard` is for; it comes before the wait.)
#[tokio::test(start_paused = true)]
async fn a_discarded_response_is_let_go_before_the_wait_and_the_last_one_never() {
    let mut bed = Bed::plain();
    bed.probe.always(Reply::Answer(FAILED));
    let service = bed.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    assert_eq!((bed.probe.calls(), bed.policy.let_go().len()), (1, 1));
    assert_eq!(call.await.unwrap().value, FAILED);
    assert_eq!((bed.probe.calls(), bed.policy.let_go()), (3, vec!["500".to_owned(); 2]));
}

#[tokio::test(start_paused = true)]
async fn errors_are_let_go_once_they_are_repeated() {
    let mut bed = Bed::plain();
    bed.reply(Reply::Fail);
    bed.answers(&[OK]);
    assert_eq!(bed.get().await, OK);
    assert_eq!(bed.policy.let_go(), ["the probe failed as told"]);
}

/// Peers: attempts made on fresh clones that were never polled ready, a panic over `ConcurrencyLimit` and `Buffer`, and
/// 100 of 100 idle calls refused over `LoadShed`.
#[tokio::test(start_paused = true)]
async fn each_attempt_has_readiness_of_its_own() {
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
async fn nothing_of_the_service_is_held_during_the_wait() {
    let mut bed = Bed::plain();
    bed.probe.set_capacity(1);
    bed.probe.always(Reply::Answer(FAILED));
    let service = bed.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    let instances = bed.probe.instances();
    tokio_test::assert_pending!(call.poll());
    assert_eq!((bed.probe.reserved(), bed.probe.live(), bed.probe.instances()), (0, 0, instances));
    drop(call);
    assert_eq!(bed.probe.calls(), 1);
}

/// What is cheap on the way that needs no retry: the service is not cloned.
#[tokio::test(start_paused = true)]
async fn the_service_is_cloned_only_for_an_actual_repeat() {
    let mut bed = Bed::plain();
    bed.probe.always(Reply::Hold);
    let instances = bed.probe.instances();
    let service = bed.service.ready().await.unwrap();
    let mut call = tokio_test::task::spawn(service.call(Request::new(1)));
    tokio_test::assert_pending!(call.poll());
    assert_eq!(bed.probe.instances(), instances);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_before_it_is_ready_has_failed_an_attempt() {
    let mut bed = Bed::plain();
    bed.reply(Reply::Fail);
    let service = bed.service.ready().await.unwrap();
    let call = service.call(Request::new(1));
    bed.probe.set_readiness(Readiness::Fail);
    let error = call.await.unwrap_err();
    assert_eq!(error.to_string(), "the probe's readiness failed as told");
    assert_eq!((bed.probe.calls(), bed.retrier.snapshot().attempts, bed.gave_up().attempts), (1, 3, 1));
    assert_eq!(bed.retrier.snapshot().times, None, "no attempt was sent that could have been timed");
    assert_eq!(bed.policy.let_go(), ["the probe failed as told", "the probe's readiness failed as told"]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_ready_later_is_waited_for() {
    let mut bed = Bed::plain();
    bed.answers(&[FAILED, OK]);
    let service = bed.service.ready().await.unwrap();
    let call = tokio::spawn(service.call(Request::new(1)));
    bed.probe.set_readiness(Readiness::Pending);
    sleep(50_000 * MS).await;
    assert_eq!(bed.probe.calls(), 1);
    bed.probe.set_readiness(Readiness::Ready);
    assert_eq!(call.await.unwrap().unwrap().value, OK);
}

/// Without a runtime a timer would panic.
#[test]
fn a_delay_of_zero_arms_no_timer() {
    let mut bed = Bed::new(quick(3));
    bed.reply(Reply::Fail);
    bed.answers(&[FAILED, OK]);
    let mut call = tokio_test::task::spawn(bed.call(Request::new(1)));
    let (result, _) = tokio_test::assert_ready!(call.poll());
    assert_eq!(result.unwrap(), OK);
}

/// A peer: overflow or NaN after 1,000 attempts.
#[tokio::test(start_paused = true)]
async fn two_thousand_attempts_overflow_nothing() {
    let mut bed =
        Bed::new(with(RetrySettings { max_attempts: 2_000, attempt_quota: 2_000, ..RetrySettings::default() }));
    bed.probe.always(Reply::Answer(FAILED));
    let (result, took) = bed.call(Request::new(1)).await;
    assert_eq!((result.unwrap(), bed.probe.calls()), (FAILED, 2_000));
    // 0.1 + 0.2 + .. + 12.8 s, then 20 s each.
    assert_eq!(took, 25_500 * MS + 20_000 * MS * 1_991);
}

//! What attempts are told, and what they are held to.

use std::sync::{Arc, Mutex};

use mainstay_core::{
    AttemptQuota, Backoff, Budget, BudgetSettings, Plain, RequestContext,
    test::{Probe, ProbePolicy, Reply, Request, call},
};
use mainstay_retry::{RetryLayer, RetrySettings};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::kit::{Bed, FAILED, MS, OK, plain, quick, with};

fn contexts(bed: &Bed) -> Vec<RequestContext> {
    bed.probe.requests().into_iter().map(|request| request.context.expect("a context")).collect()
}

#[tokio::test(start_paused = true)]
async fn each_attempt_knows_its_number_its_deadline_and_the_sends_left() {
    let mut bed = Bed::new(with(RetrySettings { deadline: Some(60_000 * MS), ..RetrySettings::default() }));
    let deadline = Instant::now() + 60_000 * MS;
    bed.answers(&[FAILED, FAILED, OK]);
    bed.get().await;
    let contexts = contexts(&bed);
    assert_eq!(contexts.iter().map(|context| context.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(contexts.iter().all(|context| context.deadline == Some(deadline)));
    // One count that all three share: the default of four, less three.
    assert!(
        contexts
            .iter()
            .all(|context| context.attempt_quota.as_ref().is_some_and(|attempt_quota| attempt_quota.left() == 1))
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_context_says_already_is_kept() {
    let mut bed = Bed::plain();
    bed.answers(&[FAILED, OK]);
    let (attempt_quota, started) = (AttemptQuota::new(9), Instant::now());
    let mut context =
        RequestContext::new().with_attempt_quota(attempt_quota.clone()).with_deadline(started + 7_000 * MS);
    context.started = Some(started);
    bed.call(Request::new(1).with_context(context)).await.0.unwrap();
    let last = contexts(&bed).pop().unwrap();
    assert_eq!((last.deadline, last.started, attempt_quota.left()), (Some(started + 7_000 * MS), Some(started), 8));
}

#[tokio::test(start_paused = true)]
async fn the_sends_left_bound_the_attempts() {
    let mut bed = Bed::new(quick(10));
    bed.probe.always(Reply::Answer(FAILED));
    bed.get().await;
    assert_eq!((bed.probe.calls(), bed.gave_up().attempt_quota), (4, 1));
    let request = Request::new(1).with_context(RequestContext::new().with_attempt_quota(AttemptQuota::new(0)));
    bed.call(request).await.0.unwrap();
    assert_eq!((bed.probe.calls(), bed.gave_up().attempt_quota), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn no_copy_is_made_where_no_send_is_left() {
    let mut bed = Bed::plain();
    bed.call(Request::new(1).with_context(RequestContext::new().with_attempt_quota(AttemptQuota::new(0))))
        .await
        .0
        .unwrap();
    assert_eq!(bed.policy.copied(), 0);
}

#[tokio::test(start_paused = true)]
async fn sends_that_others_took_meanwhile_are_the_reason_and_not_the_budget() {
    let settings = BudgetSettings { reserve: 0.0, ..BudgetSettings::default() };
    let mut bed = Bed::new(quick(3).with_budget(Budget::with_settings(settings).unwrap()));
    bed.reply(Reply::Answer(FAILED).after(MS));
    let attempt_quota = AttemptQuota::new(1);
    let request = Request::new(1).with_context(RequestContext::new().with_attempt_quota(attempt_quota.clone()));
    let call = bed.service.ready().await.unwrap().call(request);
    assert!(attempt_quota.take());
    call.await.unwrap();
    assert_eq!((bed.gave_up().attempt_quota, bed.gave_up().budget), (1, 0));
}

/// Layered retries: three levels of five attempts are 125 requests where nobody counts.
#[tokio::test(start_paused = true)]
async fn nested_layers_share_one_count_of_sends() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let layer = || RetryLayer::with(quick(5)).with_policy(ProbePolicy);
    let mut service = ServiceBuilder::new().layer(layer()).layer(layer()).layer(layer()).service(probe.clone());
    call(&mut service, Request::new(1)).await.unwrap_err();
    assert_eq!(probe.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_not_repeated_passes_untouched() {
    let untouched = |bed: &Bed| bed.probe.requests().iter().all(|request| request.context.is_none());
    let mut once = Bed::new(quick(1));
    once.get().await;
    let mut copyless = Bed::plain();
    copyless.call(Request::new(crate::kit::NO_COPY)).await.0.unwrap();
    assert!(untouched(&once) && untouched(&copyless));
    let probe = Probe::new();
    let mut without = RetryLayer::with(plain()).with_policy(Plain).layer(probe.clone());
    call(&mut without, Request::new(1)).await.unwrap();
    assert!(probe.requests()[0].context.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_plain_request_is_repeated_as_it_was() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inner = {
        let seen = Arc::clone(&seen);
        service_fn(move |request: String| {
            seen.lock().unwrap().push(request);
            async { Err::<(), _>(std::io::Error::other("no")) }
        })
    };
    let settings = RetrySettings { backoff: Backoff::none(), ..RetrySettings::default() };
    let service = ServiceBuilder::new().layer(RetryLayer::with(with(settings))).service(inner);
    let error = service.oneshot("hello".to_owned()).await.unwrap_err();
    assert_eq!(error.to_string(), "no");
    assert_eq!(*seen.lock().unwrap(), ["hello"; 3]);
}

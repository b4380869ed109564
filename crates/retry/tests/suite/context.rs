//! Tests of the request context: attempt number, deadline, attempt quota.

use std::sync::{Arc, Mutex};

use mainstay_core::{
    AttemptQuota, Backoff, Budget, BudgetSettings, Plain, RequestContext,
    test::{Answer, Probe, ProbePolicy, Reply, Request, call},
};
use mainstay_retry::{RetryLayer, RetrySettings};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::harness::{FAILED, Harness, MS, OK, plain, quick, with};

fn contexts(harness: &Harness) -> Vec<RequestContext> {
    harness.probe.requests().into_iter().map(|request| request.context.expect("a context")).collect()
}

#[tokio::test(start_paused = true)]
async fn attempts_carry_number_deadline_and_shared_quota() {
    let mut harness = Harness::new(with(RetrySettings { deadline: Some(60_000 * MS), ..RetrySettings::default() }));
    let deadline = Instant::now() + 60_000 * MS;
    harness.answers(&[FAILED, FAILED, OK]);
    harness.get().await;
    let contexts = contexts(&harness);
    assert_eq!(contexts.iter().map(|context| context.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(contexts.iter().all(|context| context.deadline == Some(deadline)));
    // All three attempts share one quota: the default of four, less three.
    assert!(
        contexts
            .iter()
            .all(|context| context.attempt_quota.as_ref().is_some_and(|attempt_quota| attempt_quota.left() == 1))
    );
}

#[tokio::test(start_paused = true)]
async fn quota_deadline_and_start_of_an_existing_context_are_kept() {
    let mut harness = Harness::plain();
    harness.answers(&[FAILED, OK]);
    let (attempt_quota, started) = (AttemptQuota::new(9), Instant::now());
    let mut context =
        RequestContext::new().with_attempt_quota(attempt_quota.clone()).with_deadline(started + 7_000 * MS);
    context.started = Some(started);
    harness.call(Request::new(1).with_context(context)).await.0.unwrap();
    let last = contexts(&harness).pop().unwrap();
    assert_eq!((last.deadline, last.started, attempt_quota.left()), (Some(started + 7_000 * MS), Some(started), 8));
}

#[tokio::test(start_paused = true)]
async fn attempt_quota_bounds_the_attempts() {
    let mut harness = Harness::new(quick(10));
    harness.probe.always(Reply::Answer(FAILED));
    harness.get().await;
    assert_eq!((harness.probe.calls(), harness.stopped().attempt_quota), (4, 1));
    let request = Request::new(1).with_context(RequestContext::new().with_attempt_quota(AttemptQuota::new(0)));
    harness.call(request).await.0.unwrap();
    assert_eq!((harness.probe.calls(), harness.stopped().attempt_quota), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn empty_quota_makes_no_copy() {
    let mut harness = Harness::plain();
    harness
        .call(Request::new(1).with_context(RequestContext::new().with_attempt_quota(AttemptQuota::new(0))))
        .await
        .0
        .unwrap();
    assert_eq!(harness.policy.copied(), 0);
}

#[tokio::test(start_paused = true)]
async fn quota_taken_by_another_layer_stops_before_the_budget() {
    let settings = BudgetSettings { allowance: 0.0, ..BudgetSettings::default() };
    let mut harness = Harness::new(quick(3).with_budget(Budget::with_settings(settings).unwrap()));
    harness.reply(Reply::Answer(FAILED).after(MS));
    let attempt_quota = AttemptQuota::new(1);
    let request = Request::new(1).with_context(RequestContext::new().with_attempt_quota(attempt_quota.clone()));
    let call = harness.service.ready().await.unwrap().call(request);
    assert!(attempt_quota.take());
    call.await.unwrap();
    assert_eq!((harness.stopped().attempt_quota, harness.stopped().budget), (1, 0));
}

/// The context of an HTTP request is three allocations, and its quota a fourth.
#[tokio::test(start_paused = true)]
async fn first_attempts_have_no_context_once_a_success_has_shown_that_no_layer_uses_it() {
    let mut harness = Harness::plain();
    harness.answers(&[FAILED, OK]);
    harness.get().await;
    harness.answers(&[FAILED, FAILED, OK]);
    harness.get().await;
    let attempts = harness.probe.requests().into_iter().map(|request| request.context.map(|context| context.attempt));
    assert_eq!(attempts.collect::<Vec<_>>(), [Some(1), Some(2), None, Some(2), Some(3)]);
    harness.probe.always(Reply::Answer(FAILED));
    let with_deadline = RequestContext::new().with_deadline(Instant::now() + 60_000 * MS);
    harness.call(Request::new(1).with_context(with_deadline)).await.0.unwrap();
    let last = harness.probe.requests().split_off(5);
    let left = last.iter().map(|request| {
        let context = request.context.as_ref().unwrap();
        (context.attempt, context.attempt_quota.as_ref().map(AttemptQuota::left))
    });
    assert_eq!(left.collect::<Vec<_>>(), [(1, None), (2, Some(1)), (3, Some(1))]);
}

/// The first answers may come from a layer above the one that uses the context.
#[tokio::test(start_paused = true)]
async fn each_first_attempt_has_a_context_once_a_layer_has_used_one() {
    let used = Arc::new(Mutex::new(Vec::new()));
    let inner = {
        let used = Arc::clone(&used);
        service_fn(move |request: Request| {
            used.lock().unwrap().push(request.context.as_ref().map(|context| context.attempt));
            let is_refused = request.id == 2;
            if is_refused {
                request.context.iter().for_each(RequestContext::note_use);
            }
            std::future::ready(if is_refused { Err("no") } else { Ok(Answer { value: 0, degraded: None }) })
        })
    };
    let mut service = RetryLayer::with(quick(2)).with_policy(ProbePolicy).layer(inner);
    for id in [1, 1, 2, 1, 2] {
        let _ = service.ready().await.unwrap().call(Request::new(id)).await;
    }
    assert_eq!(*used.lock().unwrap(), [Some(1), None, None, Some(2), Some(1), Some(1), Some(2)]);
}

/// Without a shared quota, three nested layers of five attempts send 125 requests.
#[tokio::test(start_paused = true)]
async fn nested_layers_share_one_attempt_quota() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let layer = || RetryLayer::with(quick(5)).with_policy(ProbePolicy);
    let mut service = ServiceBuilder::new().layer(layer()).layer(layer()).layer(layer()).service(probe.clone());
    call(&mut service, Request::new(1)).await.unwrap_err();
    assert_eq!(probe.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn request_that_cannot_be_retried_is_passed_unchanged() {
    let untouched = |harness: &Harness| harness.probe.requests().iter().all(|request| request.context.is_none());
    let mut once = Harness::new(quick(1));
    once.get().await;
    let mut copyless = Harness::plain();
    copyless.call(Request::new(crate::harness::NO_COPY)).await.0.unwrap();
    assert!(untouched(&once) && untouched(&copyless));
    let probe = Probe::new();
    let mut without = RetryLayer::with(plain()).with_policy(Plain).layer(probe.clone());
    call(&mut without, Request::new(1)).await.unwrap();
    assert!(probe.requests()[0].context.is_none());
}

#[tokio::test(start_paused = true)]
async fn plain_request_is_retried_unchanged() {
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

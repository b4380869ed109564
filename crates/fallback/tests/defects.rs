//! Defects of other libraries that this crate must not have.

use std::{future::poll_fn, time::Duration};

use mainstay_core::{
    BoxError,
    test::{Probe, ProbeError, Readiness, Reply, Request, Wakes, call},
};
use mainstay_fallback::{FallbackLayer, value};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, limit::ConcurrencyLimitLayer};

const SECOND: Duration = Duration::from_secs(1);

/// Defect of another library: errors of `poll_ready` skip the fallback, so that the caller sees a dead connection or an open
/// breaker.
#[tokio::test(start_paused = true)]
async fn poll_ready_error_runs_the_steps() {
    let primary = Probe::new();
    primary.set_readiness(Readiness::Fail);
    let layer = FallbackLayer::value("fallback", 7);
    let mut service = layer.layer(primary.clone());
    let task = Wakes::new();
    assert!(task.context(|cx| service.poll_ready(cx)).is_ready());
    // The service stays ready without another poll.
    let polls = primary.ready_polls();
    assert!(task.context(|cx| service.poll_ready(cx)).is_ready());
    assert_eq!(primary.ready_polls(), polls);
    assert_eq!(service.call(Request::default()).await.unwrap().value, 7);
    assert_eq!(primary.calls(), 0);
    assert_eq!(layer.handle().snapshot().needed, 1);

    // The next call polls the inner service again.
    primary.set_readiness(Readiness::Ready);
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 1);
}

/// If the steps fail, the caller gets the error of `poll_ready`.
#[tokio::test(start_paused = true)]
async fn poll_ready_error_is_the_original_error() {
    let probe = Probe::new();
    probe.set_readiness(Readiness::Fail);
    let mut service = FallbackLayer::backup("fallback", probe.clone()).layer(probe);
    let error = call(&mut service, Request::default()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError::NotReady));
}

/// `poll_ready` returns an error for which the steps do not run.
#[tokio::test(start_paused = true)]
async fn poll_ready_error_of_an_unselected_class_is_returned() {
    let ignore = mainstay_core::classify_fn(|result: Result<&mainstay_core::test::Answer, &BoxError>| match result {
        Ok(_) => mainstay_core::Outcome::Success,
        Err(_) => mainstay_core::Outcome::ignored(),
    });
    let probe = Probe::new();
    probe.set_readiness(Readiness::Fail);
    let mut service = FallbackLayer::value("fallback", 7).with_policy(ignore).layer(probe);
    assert!(poll_fn(|cx| service.poll_ready(cx)).await.is_err());
}

/// Defect of another library: a clone copies the result of `poll_ready`, and panics or answers wrongly.
#[tokio::test(start_paused = true)]
async fn clone_does_not_copy_the_poll_ready_error() {
    let primary = Probe::new();
    primary.set_readiness(Readiness::Fail);
    let mut service = FallbackLayer::value("fallback", 7).layer(primary.clone());
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    primary.set_readiness(Readiness::Ready);
    let mut clone = service.clone();
    assert_eq!(call(&mut clone, Request::default()).await.unwrap().value, 1, "from the primary");
    assert_eq!(service.call(Request::default()).await.unwrap().value, 7, "from the fallback");
}

/// Defect of another library: one backup behind an async mutex, awaited while locked, so that a stuck call blocks all others.
#[tokio::test(start_paused = true)]
async fn stuck_backup_blocks_only_its_own_request() {
    let (primary, spare) = (Probe::new(), Probe::new());
    primary.always(Reply::Fail);
    spare.then(Reply::Hang);
    let layer = FallbackLayer::new("fallback", mainstay_fallback::backup(spare).or(value(7)));
    let service = layer.layer(primary);
    let mut stuck = service.clone();
    let stuck = tokio::spawn(async move { (call(&mut stuck, Request::new(1)).await, Instant::now()) });
    tokio::task::yield_now().await;
    let start = Instant::now();
    for id in 2..5 {
        assert_eq!(call(&mut service.clone(), Request::new(id)).await.unwrap().value, id);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    let (answer, ended) = stuck.await.unwrap();
    assert_eq!((answer.unwrap().value, ended - start), (7, 5 * SECOND));
}

/// Defect of another library: calls on fresh clones that were never polled ready, which panic over `ConcurrencyLimit`.
#[tokio::test(start_paused = true)]
async fn backup_clone_is_polled_ready_before_its_call() {
    let primary = Probe::new();
    primary.always(Reply::Fail);
    let spare = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(1)).service(Probe::new());
    let mut service = FallbackLayer::backup("fallback", spare).layer(primary);
    for _ in 0..3 {
        assert!(call(&mut service, Request::default()).await.is_ok());
    }
}

/// Defect of another library: each `layer()` call creates its own state, so that axum's routes count separately.
#[tokio::test(start_paused = true)]
async fn services_of_a_layer_share_one_state() {
    let primary = Probe::new();
    primary.always(Reply::Fail);
    let layer = FallbackLayer::value("fallback", 7);
    let (mut one, mut two) = (layer.layer(primary.clone()), layer.layer(primary));
    call(&mut one, Request::default()).await.unwrap();
    call(&mut two, Request::default()).await.unwrap();
    assert_eq!(layer.handle().snapshot().answered, 2);
    layer.handle().switch_off("value");
    assert!(call(&mut one, Request::default()).await.is_err() && call(&mut two, Request::default()).await.is_err());
}

/// Defect of another library: rejections by inner layers are treated as answers, or lose their causes.
#[tokio::test(start_paused = true)]
async fn error_of_a_layer_below_is_not_wrapped() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let layer = FallbackLayer::value("fallback", 7);
    layer.handle().switch_off("value");
    let error: BoxError = call(&mut layer.layer(probe), Request::default()).await.unwrap_err();
    assert!(error.is::<ProbeError>(), "the error is not wrapped");
}

//! Defects seen in the field that this crate must not have.

use std::{future::poll_fn, time::Duration};

use mainstay_core::{
    BoxError,
    test::{Probe, ProbeError, Readiness, Reply, Request, Wakes, call},
};
use mainstay_fallback::{FallbackLayer, value};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder, limit::ConcurrencyLimitLayer};

const SECOND: Duration = Duration::from_secs(1);

/// A peer: errors of `poll_ready` skip the fallback, so that a dead connection or an open breaker shows to the caller.
#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_leads_to_the_fallback() {
    let primary = Probe::new();
    primary.set_readiness(Readiness::Fail);
    let layer = FallbackLayer::value(7);
    let mut service = layer.layer(primary.clone());
    let task = Wakes::new();
    assert!(task.context(|cx| service.poll_ready(cx)).is_ready());
    // Ready stays ready, without asking again.
    let polls = primary.ready_polls();
    assert!(task.context(|cx| service.poll_ready(cx)).is_ready());
    assert_eq!(primary.ready_polls(), polls);
    assert_eq!(service.call(Request::default()).await.unwrap().value, 7);
    assert_eq!(primary.calls(), 0);
    assert_eq!(layer.handle().snapshot().needed, 1);

    // The inner service is asked again for the next call.
    primary.set_readiness(Readiness::Ready);
    assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 1);
}

/// The same peer: and if the fallback fails, the caller gets what `poll_ready` failed with.
#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_is_the_original_error() {
    let probe = Probe::new();
    probe.set_readiness(Readiness::Fail);
    let mut service = FallbackLayer::backup(probe.clone()).layer(probe);
    let error = call(&mut service, Request::default()).await.unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&ProbeError::NotReady));
}

/// What the fallback is not to run for shows at once, where it happened.
#[tokio::test(start_paused = true)]
async fn an_error_of_poll_ready_that_is_not_covered_passes() {
    let ignore = mainstay_core::classify_fn(|result: Result<&mainstay_core::test::Answer, &BoxError>| match result {
        Ok(_) => mainstay_core::Outcome::Success,
        Err(_) => mainstay_core::Outcome::Ignored,
    });
    let probe = Probe::new();
    probe.set_readiness(Readiness::Fail);
    let mut service = FallbackLayer::value(7).with_policy(ignore).layer(probe);
    assert!(poll_fn(|cx| service.poll_ready(cx)).await.is_err());
}

/// A peer: a clone copies what `poll_ready` found, and panics or answers wrongly.
#[tokio::test(start_paused = true)]
async fn a_clone_does_not_copy_what_poll_ready_found() {
    let primary = Probe::new();
    primary.set_readiness(Readiness::Fail);
    let mut service = FallbackLayer::value(7).layer(primary.clone());
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
    primary.set_readiness(Readiness::Ready);
    let mut clone = service.clone();
    assert_eq!(call(&mut clone, Request::default()).await.unwrap().value, 1, "from the primary");
    assert_eq!(service.call(Request::default()).await.unwrap().value, 7, "as was found");
}

/// A peer: one backup behind an async mutex, awaited while locked, so that all wait for the one that is stuck.
#[tokio::test(start_paused = true)]
async fn a_stuck_backup_blocks_only_its_own_request() {
    let (primary, spare) = (Probe::new(), Probe::new());
    primary.always(Reply::Fail);
    spare.then(Reply::Hang);
    let layer = FallbackLayer::new(mainstay_fallback::backup(spare).or(value(7)));
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

/// A peer: attempts made on fresh clones that were never polled ready: a panic over `ConcurrencyLimit`.
#[tokio::test(start_paused = true)]
async fn a_backup_is_taken_to_ready_on_its_own() {
    let primary = Probe::new();
    primary.always(Reply::Fail);
    let spare = ServiceBuilder::new().layer(ConcurrencyLimitLayer::new(1)).service(Probe::new());
    let mut service = FallbackLayer::backup(spare).layer(primary);
    for _ in 0..3 {
        assert!(call(&mut service, Request::default()).await.is_ok());
    }
}

/// A peer: each `layer()` call has a state of its own, so that axum's routes count apart.
#[tokio::test(start_paused = true)]
async fn layers_and_services_have_one_state() {
    let primary = Probe::new();
    primary.always(Reply::Fail);
    let layer = FallbackLayer::value(7);
    let (mut one, mut two) = (layer.layer(primary.clone()), layer.layer(primary));
    call(&mut one, Request::default()).await.unwrap();
    call(&mut two, Request::default()).await.unwrap();
    assert_eq!(layer.handle().snapshot().answered, 2);
    layer.handle().switch_off("value");
    assert!(call(&mut one, Request::default()).await.is_err() && call(&mut two, Request::default()).await.is_err());
}

/// A peer: refusals of other layers inside are taken for answers, or their causes cut off.
#[tokio::test(start_paused = true)]
async fn the_error_of_a_layer_below_keeps_its_type() {
    let probe = Probe::new();
    probe.always(Reply::Fail);
    let layer = FallbackLayer::value(7);
    layer.handle().switch_off("value");
    let error: BoxError = call(&mut layer.layer(probe), Request::default()).await.unwrap_err();
    assert!(error.is::<ProbeError>(), "nothing is wrapped around it");
}

//! What the keyed layer guarantees beyond the Tower contract.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{future::poll_fn, time::Duration};

use mainstay_bulkhead::{KeyedBulkheadLayer, KeyedBulkheadSettings, KeyedLimits, LimitSettings};
use mainstay_core::{
    BoxError, Reason, Refusal, Rejected, RequestContext,
    test::{Probe, ProbePolicy, Readiness, Reply, Request, call},
};
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Layer, Service};

const SECOND: Duration = Duration::from_secs(1);

type Keyed = KeyedBulkheadLayer<u64, fn(&Request) -> u64, ProbePolicy>;

fn layer(queue: u32) -> Keyed {
    let limit = LimitSettings { limit: 1, queue, max_wait: Some(SECOND), execution_timeout: None };
    let limits = KeyedLimits::with_settings("ids", KeyedBulkheadSettings { limit, capacity: 2 }).unwrap();
    KeyedBulkheadLayer::with(limits, (|request| request.id) as fn(&Request) -> u64).with_policy(ProbePolicy)
}

fn refused_for<T>(result: Result<T, BoxError>) -> Option<Reason> {
    result.err()?.rejected().map(Rejected::reason)
}

async fn ready<S: Service<Request, Error = BoxError>>(service: &mut S) {
    poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn hanging_key_does_not_affect_other_keys() {
    let (probe, layer) = (Probe::new(), layer(0));
    let mut service = layer.layer(probe.clone());
    probe.then(Reply::Hang);
    ready(&mut service).await;
    let mut hangs = spawn(service.call(Request::new(1)));
    assert_pending!(hangs.poll());
    assert_eq!(refused_for(call(&mut service, Request::new(1)).await), Some(Reason::BulkheadFull));
    assert!(call(&mut service, Request::new(2)).await.is_ok());
    // A dropped call returns its permit.
    drop(hangs);
    assert!(call(&mut service, Request::new(1)).await.is_ok());
    assert_eq!((probe.live(), layer.handle().snapshot().in_flight), (0, 0));
}

/// The inner service is ready before the key is known. A call that is refused or waits drops the readiness.
#[tokio::test(start_paused = true)]
async fn refused_and_queued_calls_hold_no_readiness() {
    for queue in [0, 1] {
        let (probe, layer) = (Probe::new(), layer(queue));
        probe.set_capacity(1);
        let permit = layer.handle().try_acquire(&1).unwrap();
        let mut service = layer.layer(probe.clone());
        ready(&mut service).await;
        let mut waits = spawn(service.call(Request::new(1)));
        assert_eq!(probe.reserved(), 0);
        assert_eq!(waits.poll().is_pending(), queue == 1);
        assert_eq!(probe.reserved(), 0);
        assert!(call(&mut layer.layer(probe.clone()), Request::new(2)).await.is_ok());
        drop(permit);
        if queue == 1 {
            assert!(waits.is_woken());
            assert!(assert_ready!(waits.poll()).is_ok());
        }
        assert_eq!((probe.reserved(), layer.handle().snapshot().in_flight), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn max_wait_covers_permit_and_inner_readiness() {
    let (probe, layer) = (Probe::new(), layer(1));
    let permit = layer.handle().try_acquire(&1).unwrap();
    let mut service = layer.layer(probe.clone());
    ready(&mut service).await;
    let start = Instant::now();
    let waits = tokio::spawn(service.call(Request::new(1)));
    tokio::time::sleep(SECOND / 2).await;
    probe.set_readiness(Readiness::Pending);
    drop(permit);
    assert_eq!(refused_for(waits.await.unwrap()), Some(Reason::QueueTimeout));
    assert_eq!((start.elapsed(), probe.calls(), layer.handle().snapshot().in_flight), (SECOND, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn queued_call_is_refused_at_its_deadline() {
    let (probe, layer) = (Probe::new(), layer(1));
    let _permit = layer.handle().try_acquire(&1).unwrap();
    let start = Instant::now();
    let request = Request::new(1).with_context(RequestContext::new().with_deadline(start + SECOND / 4));
    let result = call(&mut layer.layer(probe.clone()), request).await;
    assert_eq!(refused_for(result), Some(Reason::DeadlineExceeded));
    assert_eq!((start.elapsed(), probe.calls()), (SECOND / 4, 0));
}

/// A queued call that is dropped, before or after its grant, passes its place on.
#[tokio::test(start_paused = true)]
async fn dropped_queued_call_frees_its_place() {
    for after_its_grant in [false, true] {
        let (probe, layer) = (Probe::new(), layer(2));
        let permit = layer.handle().try_acquire(&1).unwrap();
        let mut service = layer.layer(probe.clone());
        let mut calls = Vec::new();
        for _ in 0..2 {
            ready(&mut service).await;
            let mut waits = spawn(service.call(Request::new(1)));
            assert_pending!(waits.poll());
            calls.push(waits);
        }
        let (mut second, first) = (calls.pop().unwrap(), calls.pop().unwrap());
        if after_its_grant {
            drop((permit, first));
        } else {
            drop((first, permit));
        }
        assert!(second.is_woken());
        assert!(assert_ready!(second.poll()).is_ok());
        let snapshot = layer.handle().snapshot();
        assert_eq!((snapshot.in_flight, snapshot.queued, snapshot.abandoned, probe.instances()), (0, 0, 1, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn services_of_one_layer_share_its_limits() {
    let (probe, layer) = (Probe::new(), layer(0));
    probe.always(Reply::Hang);
    let (mut one, mut other) = (layer.layer(probe.clone()), layer.clone().layer(probe));
    ready(&mut one).await;
    let _hangs = one.call(Request::new(1));
    assert_eq!(refused_for(call(&mut other, Request::new(1)).await), Some(Reason::BulkheadFull));
    assert_eq!(refused_for(call(&mut one.clone(), Request::new(1)).await), Some(Reason::BulkheadFull));
}

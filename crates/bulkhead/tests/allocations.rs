//! A permitted call allocates nothing. A refused call allocates no more than its error.

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use mainstay_bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedLimits, Limit, LimitSettings};
use mainstay_core::Rejected;
use tower::{Layer, Service, service_fn};

/// Allocations of the second call, with the layer and its thread warm.
fn allocations<S: Service<u32>>(mut service: S) -> u64 {
    let mut call = || {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
        assert!(pin!(service.call(7)).poll(&mut cx).is_ready());
    };
    call();
    allocation_counter::measure(call).count_total
}

async fn up(id: u32) -> Result<u32, Infallible> {
    Ok(id)
}

#[derive(Debug)]
struct Refused;

impl From<Rejected> for Refused {
    fn from(_: Rejected) -> Self {
        Self
    }
}

impl From<Infallible> for Refused {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl mainstay_core::Refusal for Refused {
    fn rejected(&self) -> Option<&Rejected> {
        None
    }

    fn as_error(&self) -> Option<&(dyn std::error::Error + 'static)> {
        None
    }
}

fn limit() -> Limit {
    let settings = LimitSettings { limit: 1, queue: 10, ..LimitSettings::default() };
    Limit::with_settings(String::from("made"), settings).expect("valid settings")
}

#[test]
fn free_permit_allocates_nothing() {
    assert_eq!(allocations(BulkheadLayer::with(limit()).layer(service_fn(up))), 0);
}

#[test]
fn refusal_allocates_its_box_and_typed_refusal_nothing() {
    let limit = limit();
    limit.reconfigure(LimitSettings { queue: 0, ..limit.settings() }).expect("valid settings");
    let _permit = limit.try_acquire().expect("a permit is free");
    let layer = BulkheadLayer::with(limit);
    assert_eq!(allocations(layer.layer(service_fn(up))), 1);
    assert_eq!(allocations(layer.with_error::<Refused>().layer(service_fn(up))), 0);
}

#[test]
fn kept_key_allocates_no_more_than_single_limit() {
    let limits = KeyedLimits::new("keys", 1).expect("a valid limit");
    let layer = KeyedBulkheadLayer::with(limits.clone(), |id: &u32| *id);
    assert_eq!(allocations(layer.layer(service_fn(up))), 0);
    let _permit = limits.try_acquire(&7).expect("a permit is free");
    assert_eq!(allocations(layer.layer(service_fn(up))), 1);
    assert_eq!(allocations(layer.with_error::<Refused>().layer(service_fn(up))), 0);
}

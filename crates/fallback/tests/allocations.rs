//! Tests that a call that needs no fallback allocates nothing.

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use mainstay_fallback::{FallbackLayer, backup, value};
use tower::{Layer, Service, service_fn};

/// Returns the allocations of the second call.
fn allocations<S>(mut service: S) -> u64
where
    S: Service<u32, Response = u32>,
{
    let mut call = || {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
        let answer = pin!(service.call(7)).poll(&mut cx);
        assert!(matches!(answer, Poll::Ready(Ok(_))));
    };
    call();
    allocation_counter::measure(call).count_total
}

async fn up(id: u32) -> Result<u32, Infallible> {
    Ok(id)
}

async fn down(_: u32) -> Result<u32, mainstay_core::Rejected> {
    Err(mainstay_core::Rejected::new(mainstay_core::Reason::CircuitOpen, "orders"))
}

#[test]
fn call_without_a_fallback_allocates_nothing() {
    assert_eq!(allocations(FallbackLayer::value("fallback", 1_u32).layer(service_fn(up))), 0);
    assert_eq!(allocations(FallbackLayer::backup("fallback", service_fn(up)).layer(service_fn(up))), 0);
    let chain = backup(service_fn(up)).or(backup(service_fn(up))).or(value(1_u32));
    assert_eq!(allocations(FallbackLayer::new("fallback", chain).layer(service_fn(up))), 0);
}

#[test]
fn value_in_place_of_a_typed_error_allocates_nothing() {
    let layer = FallbackLayer::value("fallback", 1_u32).with_error::<mainstay_core::Rejected>();
    assert_eq!(allocations(layer.layer(service_fn(down))), 0);
}

//! A call that needs no fallback allocates nothing, whatever the chain.

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use mainstay_fallback::{FallbackLayer, backup, value};
use tower::{Layer, Service, service_fn};

/// Allocations of one call, once the layer is warm.
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
fn a_call_that_needs_no_fallback_allocates_nothing() {
    assert_eq!(allocations(FallbackLayer::value(1_u32).layer(service_fn(up))), 0);
    assert_eq!(allocations(FallbackLayer::backup(service_fn(up)).layer(service_fn(up))), 0);
    let chain = backup(service_fn(up)).or(backup(service_fn(up))).or(value(1_u32));
    assert_eq!(allocations(FallbackLayer::new(chain).layer(service_fn(up))), 0);
}

#[test]
fn a_value_in_place_of_a_typed_error_allocates_nothing_either() {
    let layer = FallbackLayer::value(1_u32).with_error::<mainstay_core::Rejected>();
    assert_eq!(allocations(layer.layer(service_fn(down))), 0);
}

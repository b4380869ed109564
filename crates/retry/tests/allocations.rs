//! Tests that a request whose first attempt succeeds allocates nothing.

use std::{
    future::{Ready, ready},
    task::{Context, Poll, Waker},
};

use allocation_counter::measure;
use mainstay_core::BoxError;
use mainstay_retry::{Retrier, RetryLayer, RetrySettings, Scaling, Timing};
use tower::{Layer, Service, service_fn};

fn inner(n: u64) -> Ready<Result<u64, BoxError>> {
    ready(Ok(n))
}

fn calls<S>(service: &mut S, n: u64)
where
    S: Service<u64, Response = u64, Error = BoxError>,
{
    let mut cx = Context::from_waker(Waker::noop());
    for request in 0..n {
        assert!(matches!(service.poll_ready(&mut cx), Poll::Ready(Ok(()))));
        let call = std::pin::pin!(service.call(request));
        assert!(matches!(call.poll(&mut cx), Poll::Ready(Ok(answer)) if answer == request));
    }
}

fn allocations(retrier: Retrier) -> u64 {
    let mut service = RetryLayer::with(retrier).layer(service_fn(inner));
    // The first use of a counter in a thread allocates.
    calls(&mut service, 100);
    measure(|| calls(&mut service, 10_000)).count_total
}

#[test]
fn success_without_a_retry_allocates_nothing() {
    assert_eq!(allocations(Retrier::new("orders")), 0);
    assert_eq!(allocations(Retrier::new("orders").without_budget()), 0);
}

#[tokio::test(start_paused = true)]
async fn success_with_deadline_timing_and_scaling_allocates_nothing() {
    let settings = RetrySettings {
        deadline: Some(std::time::Duration::from_secs(1)),
        scaling: Scaling::Adaptive,
        timing: Timing::Every,
        ..RetrySettings::default()
    };
    assert_eq!(allocations(Retrier::with_settings("orders", settings).unwrap()), 0);
}

#[test]
fn service_clone_allocates_nothing() {
    let mut service = RetryLayer::new("retry").layer(service_fn(inner));
    calls(&mut service, 100);
    assert_eq!(measure(|| calls(&mut service.clone(), 10)).count_total, 0);
}

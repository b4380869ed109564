//! A request allocates nothing while the endpoint in use is usable.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use mainstay_core::BoxError;
use mainstay_failover::{Endpoint, Failover};
use tower::Service;

#[derive(Clone)]
struct Fine;

impl Service<u64> for Fine {
    type Response = u64;
    type Error = BoxError;
    type Future = Ready<Result<u64, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request))
    }
}

fn call(service: &mut impl Service<u64, Response = u64, Error = BoxError>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    let mut future = pin!(service.call(7));
    assert!(matches!(future.as_mut().poll(&mut cx), Poll::Ready(Ok(7))));
}

#[test]
fn requests_to_the_primary_and_to_a_backup_do_not_allocate() {
    let mut failover = Failover::new("x", [Endpoint::new("a", Fine), Endpoint::new("b", Fine)]).unwrap();
    for _ in 0..2 {
        // The counters allocate when a thread counts for the first time.
        (0..100).for_each(|_| call(&mut failover));
        let count = allocation_counter::measure(|| (0..100).for_each(|_| call(&mut failover)));
        assert_eq!(count.count_total, 0);
        failover.handle().take_out("a", "test").unwrap();
    }
}

#[cfg(feature = "stack")]
#[test]
fn requests_through_the_standard_stack_do_not_allocate() {
    use mainstay_failover::stack::{Standard, StandardSettings};

    let endpoints = [Endpoint::new("a", Fine), Endpoint::new("b", Fine)];
    let mut stack = Standard::new("x", endpoints, StandardSettings::default()).unwrap().build();
    (0..100).for_each(|_| call(&mut stack));
    let count = allocation_counter::measure(|| (0..100).for_each(|_| call(&mut stack)));
    assert_eq!(count.count_total, 0);
}

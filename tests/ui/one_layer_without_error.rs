//! `.with_error` on one layer of two: the inner layer boxes its errors.

use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::check;
use mainstay_retry::RetryLayer;
use mainstay_tests::{Echo, Error};
use tower::ServiceBuilder;

fn main() {
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new("retry").with_error::<Error>())
        .layer(CircuitBreakerLayer::new("orders"))
        .service(Echo);
    check::<u64, _, _, _>(stack);
}

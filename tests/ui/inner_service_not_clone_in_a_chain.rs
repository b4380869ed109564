//! A chain of a builder over a service that is not `Clone`, whose call is not checked.

use std::time::Duration;

use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_retry::RetryLayer;
use tower::{ServiceBuilder, ServiceExt, service_fn};

fn main() {
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new("orders"))
        .layer(CircuitBreakerLayer::new("orders"))
        .rate_limit(100, Duration::from_secs(1))
        .service(service_fn(|id: u64| async move { Ok::<_, std::io::Error>(id) }));
    drop(stack.oneshot(7));
}

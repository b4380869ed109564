//! A bulkhead around a service that is not `Clone`, Tower's rate limit.

use std::time::Duration;

use mainstay_bulkhead::BulkheadLayer;
use mainstay_core::check;
use tower::{ServiceBuilder, service_fn};

fn main() {
    let stack = ServiceBuilder::new()
        .layer(BulkheadLayer::new("orders", 10).unwrap())
        .rate_limit(100, Duration::from_secs(1))
        .service(service_fn(|id: u64| async move { Ok::<_, std::io::Error>(id) }));
    check::<u64, _, _, _>(stack);
}

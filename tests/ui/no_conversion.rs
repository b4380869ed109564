//! A client whose error does not convert into the typed one.

use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::check;
use mainstay_tests::Error;
use tower::{Layer, service_fn};

fn main() {
    let client = service_fn(|id: u64| async move { Ok::<_, std::io::Error>(id) });
    let stack = CircuitBreakerLayer::new("orders").with_error::<Error>().layer(client);
    check::<u64, _, _, _>(stack);
}

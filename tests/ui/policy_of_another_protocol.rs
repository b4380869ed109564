//! The policy of HTTP over another protocol.

use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::check;
use mainstay_http::Http;
use mainstay_tests::Echo;
use tower::Layer;

fn main() {
    let stack = CircuitBreakerLayer::new("orders").with_policy(Http::new()).layer(Echo);
    check::<u64, _, _, _>(stack);
}

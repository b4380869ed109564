//! A typed error without `Refusal`.

use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::check;
use mainstay_tests::Echo;
use tower::Layer;

#[derive(Debug)]
struct MyError;

impl From<std::convert::Infallible> for MyError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

fn main() {
    let stack = CircuitBreakerLayer::new("orders").with_error::<MyError>().layer(Echo);
    check::<u64, _, _, _>(stack);
}

//! A custom policy that implements `Classify` but not `Follow`.

use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::{Classify, Contextual, Outcome, check};
use mainstay_tests::Echo;
use tower::Layer;

#[derive(Clone)]
struct Numbers;

impl<E> Classify<u64, E> for Numbers {
    fn classify(&self, _: Result<&u64, &E>) -> Outcome {
        Outcome::Success
    }
}

impl Contextual<u64> for Numbers {}

fn main() {
    let stack = CircuitBreakerLayer::new("orders").with_policy(Numbers).layer(Echo);
    check::<u64, _, _, _>(stack);
}

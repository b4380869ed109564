//! A fallback value whose type is not the response of the service.

use mainstay_core::check;
use mainstay_fallback::FallbackLayer;
use mainstay_tests::Echo;
use tower::Layer;

fn main() {
    let stack = FallbackLayer::value("fallback", "sorry").layer(Echo);
    check::<u64, _, _, _>(stack);
}

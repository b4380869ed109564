//! A retry of HTTP requests that does not name the policy.

use mainstay_core::check;
use mainstay_retry::RetryLayer;
use tower::Layer;

fn main() {
    let stack = RetryLayer::new().layer(reqwest::Client::new());
    check::<reqwest::Request, _, _, _>(stack);
}

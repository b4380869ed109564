//! A retry of HTTP requests without a policy.

use mainstay_core::check;
use mainstay_retry::RetryLayer;
use tower::Layer;

fn main() {
    let stack = RetryLayer::new("retry").layer(reqwest::Client::new());
    check::<reqwest::Request, _, _, _>(stack);
}

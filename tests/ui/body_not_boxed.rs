//! A breaker over hyper's client, whose body cannot hold a guard.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::check;
use mainstay_http::Http;
use tower::Layer;

fn main() {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let stack = CircuitBreakerLayer::new("orders").with_policy(Http::new()).layer(client);
    check::<Request<Full<Bytes>>, _, _, _>(stack);
}

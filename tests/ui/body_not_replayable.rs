//! A retry of requests with streaming bodies.

use bytes::Bytes;
use http::{Request, Response};
use mainstay_core::{BoxError, check};
use mainstay_http::Http;
use mainstay_retry::RetryLayer;
use tower::{Layer, service_fn};

type Body = hyper::body::Incoming;

fn main() {
    let proxy = service_fn(|_: Request<Body>| async { Ok::<_, BoxError>(Response::new(Bytes::new())) });
    check::<Request<Body>, _, _, _>(RetryLayer::new("retry").with_policy(Http::new()).layer(proxy));
}

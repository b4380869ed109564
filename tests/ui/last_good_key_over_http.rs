//! Last good HTTP responses under a key alone, for whichever user.

use std::convert::Infallible;

use http::{Request, Response};
use mainstay_core::check;
use mainstay_fallback::{FallbackLayer, last_good_if};
use mainstay_http::Http;
use tower::{Layer, service_fn};

async fn account(_: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::default())
}

fn main() {
    let step = last_good_if(|request: &Request<String>| request.method().is_safe().then(|| request.uri().clone()));
    let stack = FallbackLayer::new("account", step).with_policy(Http::new()).layer(service_fn(account));
    check::<Request<String>, _, _, _>(stack);
}

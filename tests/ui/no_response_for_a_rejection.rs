//! Rejections as responses whose body cannot be made from text.

use http::{Request, Response};
use mainstay_core::{BoxError, check};
use mainstay_http::RejectionLayer;
use tower::{Layer, service_fn};

fn main() {
    let server = service_fn(|_: Request<()>| async { Ok::<_, BoxError>(Response::new(7)) });
    check::<Request<()>, _, _, _>(RejectionLayer::new().layer(server));
}

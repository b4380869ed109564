//! The stacks that take part.

use http::Request;

use crate::server::Req;

pub mod failover;
pub mod overload;

/// Copies a request with its extensions.
pub(crate) fn copy(request: &Req) -> Req {
    let mut copy = copy_head(request);
    *copy.extensions_mut() = request.extensions().clone();
    copy
}

/// Copies what of a request crosses the network.
pub(crate) fn copy_head(request: &Req) -> Req {
    let mut copy = Request::new(());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    copy
}

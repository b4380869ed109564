//! The headers of a forwarded message.

use std::net::IpAddr;

use http::{Request, Response, uri::Scheme};

use crate::proxy::{
    forwarded::{Inbound, set_forwarded},
    not_forwarded::{strip_hop_by_hop, strip_replaced},
    via::Via,
};

/// Turns the headers of a client's request into those of a backend's: removes what is not forwarded, sets
/// `X-Forwarded-*` ([`set_forwarded`]), and appends to `Via`.
///
/// `peer` and `scheme` are those of the connection that the request arrived on.
pub fn prepare_request<B>(request: &mut Request<B>, peer: IpAddr, scheme: &Scheme, inbound: Inbound, via: &Via) {
    let version = request.version();
    // First, or a client could name in `Connection` what is added below.
    strip_hop_by_hop(request.headers_mut());
    set_forwarded(request, Some(peer), scheme, inbound);
    via.add(request.headers_mut(), version);
    // After `X-Forwarded-Host`, which is read from `Host`.
    strip_replaced(request.headers_mut());
}

/// Turns the headers of a backend's response into those of the proxy's: removes what is not forwarded and appends to
/// `Via`.
pub fn prepare_response<B>(response: &mut Response<B>, via: &Via) {
    let version = response.version();
    strip_hop_by_hop(response.headers_mut());
    via.add(response.headers_mut(), version);
}

//! `X-Forwarded-*`: where a request came from.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{self, Entry},
    uri::Scheme,
};

use crate::proxy::{list::append, not_forwarded::strip_claims};

/// `X-Forwarded-For`: the addresses that a request came through, the client first.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Host`: the host that the client requested.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `X-Forwarded-Proto`: the scheme that the client used.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether the peer's `Forwarded`, `X-Forwarded-*` and `X-Real-IP` fields are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inbound {
    /// The peer is a client. The fields are removed, because it could claim another address.
    #[default]
    Untrusted,
    /// The peer is one of your proxies. The fields are kept, and its own address is appended.
    Trusted,
}

/// Returns the host that a request is for: the URI's authority (HTTP/2, absolute form) without user and password, else
/// the `Host` header. `None` if it has neither, or one that is not text.
#[must_use]
pub fn requested_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        Some(authority) => Some(authority.as_str().rsplit('@').next().unwrap_or_default()),
        None => headers.get(header::HOST)?.to_str().ok(),
    }
}

/// Sets `X-Forwarded-For`, `-Proto` and `-Host`, the last to the [`requested_host`].
///
/// `peer` and `scheme` are those of the connection that the request arrived on. The peer is appended to the list of a
/// trusted proxy. Scheme and host of a trusted proxy stay, because it saw the client. The fields of an untrusted peer are
/// removed first, `Forwarded` and `X-Real-IP` too.
pub fn set_forwarded<B>(request: &mut Request<B>, peer: Option<IpAddr>, scheme: &Scheme, inbound: Inbound) {
    let host = host_value(request.uri(), request.headers());
    let headers = request.headers_mut();
    if inbound == Inbound::Untrusted {
        strip_claims(headers);
    }
    if let Some(peer) = peer {
        // An IPv4 client of a dual-stack socket is `::ffff:192.0.2.1`, which matches no allow-list.
        append(headers, X_FORWARDED_FOR, &peer.to_canonical().to_string());
    }
    if let Entry::Vacant(proto) = headers.entry(X_FORWARDED_PROTO)
        && let Some(scheme) = scheme_value(scheme)
    {
        proto.insert(scheme);
    }
    if let Entry::Vacant(entry) = headers.entry(X_FORWARDED_HOST)
        && let Some(host) = host
    {
        entry.insert(host);
    }
}

/// Shares the bytes of the client's `Host` if it can, so that a copy of the head only adds to a reference count.
fn host_value(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(_) => HeaderValue::from_str(requested_host(uri, headers)?).ok(),
        None => headers.get(header::HOST).filter(|host| host.to_str().is_ok()).cloned(),
    }
}

fn scheme_value(scheme: &Scheme) -> Option<HeaderValue> {
    match scheme.as_str() {
        "http" => Some(HeaderValue::from_static("http")),
        "https" => Some(HeaderValue::from_static("https")),
        other => HeaderValue::from_str(other).ok(),
    }
}

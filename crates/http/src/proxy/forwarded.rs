//! `X-Forwarded-*`: where a request came from.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    header::{self, Entry},
    uri::Scheme,
};

use crate::proxy::{
    address::with_text,
    host::requested_host,
    list::{append, is_text, retain},
};

/// `X-Forwarded-For`: the addresses that a request came through, the client first.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Host`: the host that the client requested.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `X-Forwarded-Proto`: the scheme that the client used.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether the peer's `X-Forwarded-*` fields are kept.
///
/// `Forwarded`, `X-Real-IP`, `X-Forwarded-Port` and `X-Forwarded-Server` are removed in either case: this proxy does not
/// extend them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inbound {
    /// The peer is a client. The fields are removed, because it could claim another address.
    #[default]
    Untrusted,
    /// The peer is one of your proxies. The fields are kept, and its own address is appended.
    Trusted,
}

mainstay_core::labels! {
    Inbound:
    Untrusted => "untrusted",
    Trusted => "trusted",
}

/// Adds the connection that the request arrived on to the fields that are left. The peer is appended to the list of a
/// trusted proxy. Scheme and host of a trusted proxy stay, because it saw the client.
pub(super) fn add_forwarded(headers: &mut HeaderMap, peer: IpAddr, scheme: &Scheme, host: Option<HeaderValue>) {
    with_text(peer, |peer| append(headers, X_FORWARDED_FOR, peer));
    for (name, value) in [(X_FORWARDED_PROTO, scheme_value(scheme)), (X_FORWARDED_HOST, host)] {
        let Some(value) = value else { continue };
        if let Entry::Vacant(entry) = headers.entry(name) {
            entry.insert(value);
        }
    }
}

/// Leaves out what is not text from the fields of a trusted proxy: a client may have begun a line that the proxy extended.
pub(super) fn clean_forwarded(headers: &mut HeaderMap) {
    for name in [X_FORWARDED_PROTO, X_FORWARDED_HOST] {
        retain(headers, &name, is_text);
    }
}

/// Returns the [`requested_host`]. Shares the bytes of the client's `Host` if it can, so that a copy of the head only adds
/// to a reference count.
pub(super) fn host_value(uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
    match uri.authority() {
        Some(_) => HeaderValue::from_str(requested_host(uri, headers)?).ok(),
        None => headers.get(header::HOST).filter(|host| !host.is_empty()).cloned(),
    }
}

fn scheme_value(scheme: &Scheme) -> Option<HeaderValue> {
    match scheme.as_str() {
        "http" => Some(HeaderValue::from_static("http")),
        "https" => Some(HeaderValue::from_static("https")),
        other => HeaderValue::from_str(other).ok(),
    }
}

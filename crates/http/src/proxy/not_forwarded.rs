//! The headers that a proxy does not forward. All removals are in this file.
//!
//! | removed | from | why |
//! |---|---|---|
//! | `Connection` and the headers it names, `Keep-Alive`, `Proxy-Connection`, `Proxy-Authenticate`, `Proxy-Authorization`, `TE` (sent again as `trailers`), `Transfer-Encoding`, `Upgrade` | requests, responses | they concern one connection only |
//! | `Forwarded`, `X-Forwarded-*`, `X-Real-IP` | requests of untrusted peers | a client could claim another address |
//! | `Expect` | requests | the server in front of the proxy has met it |
//! | `Host` | requests | the client writes it from the backend's URI |

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::proxy::list::list;

const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What `Connection` must not name (besides `X-Forwarded-*`).
const END_TO_END: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::FORWARDED,
    header::HOST,
    header::TRAILER,
    header::VIA,
];

/// Removes the fields that concern one connection only: those that RFC 9110 (7.6.1) and its predecessors list and those
/// that `Connection` names.
///
/// `Trailer` stays: it announces what the receiver may get at the end, and hyper sends no trailers without it.
/// `TE: trailers` stays: without it the next hop drops trailers, and gRPC does not work.
///
/// `Connection` cannot name fields that routing, framing or earlier proxies rely on (`Host`, `Content-Length`,
/// `X-Forwarded-For` and the like): the RFC forbids such options, and they are a known attack.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    let trailers = accepts_trailers(headers);
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Removes the headers in which an untrusted peer states addresses and hosts of itself and of earlier hops.
pub(super) fn strip_claims(headers: &mut HeaderMap) {
    let claims: Vec<_> = headers.keys().filter(|name| is_forwarded(name)).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
    headers.remove(header::FORWARDED);
    headers.remove("x-real-ip");
}

/// Removes the end-to-end fields of a request that the proxy's own server and client replace.
pub(super) fn strip_replaced(headers: &mut HeaderMap) {
    headers.remove(header::EXPECT);
    headers.remove(header::HOST);
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    list(headers, &header::CONNECTION)
        .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
        // Every conforming sender names `TE`, which is handled on its own.
        .filter(|name| *name != header::TE && !END_TO_END.contains(name) && !is_forwarded(name))
        .collect()
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    list(headers, &header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

fn is_forwarded(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded-")
}

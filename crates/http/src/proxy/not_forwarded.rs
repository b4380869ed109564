//! The headers that a proxy does not forward. All removals are in this file; [`FieldKind`] has the names.
//!
//! | removed | from | why |
//! |---|---|---|
//! | `Connection` and the headers it names, `Keep-Alive`, `Proxy-Connection`, `Proxy-Authenticate`, `Proxy-Authentication-Info`, `Proxy-Authorization`, `TE` (sent again as `trailers`), `Transfer-Encoding`, `Upgrade`, `HTTP2-Settings` | requests, responses | they concern one connection only |
//! | `X-Forwarded-*` | requests of untrusted peers | a client could claim another address |
//! | `Forwarded`, `X-Real-IP`, `X-Forwarded-Port`, `X-Forwarded-Server` | requests | this proxy does not write them, so a client's would stay |
//! | `Proxy` | requests | CGI programs take it for the proxy of their own requests (`HTTP_PROXY`) |
//! | names with underscores that differ from a known name only by them (`x_forwarded_for`, `content_length`) | requests | CGI and its successors take them for the known name |
//! | `Expect` | requests | the server in front of the proxy may have met it; a proxy that passes it on adds it again |
//! | `Host` | requests, unless it is preserved | the client writes it from the backend's URI |
//! | `X-Degraded`, `X-Served-By` | responses | the proxy marks its responses with them |

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::proxy::{
    field_kind::{FieldKind, is_control},
    forwarded::Inbound,
    list::list,
};

/// Removes the fields that concern one connection only: those that RFC 9110 (7.6.1) and its predecessors list and those
/// that `Connection` names.
///
/// `Trailer` stays: it announces what the receiver may get at the end, and hyper sends no trailers without it.
/// `TE: trailers` stays: without it the next hop drops trailers, and gRPC does not work.
///
/// `Connection` cannot name fields that routing, framing or earlier proxies rely on (`Host`, `Content-Length`,
/// `X-Forwarded-For` and the like): the RFC forbids such options, and they are a known attack.
pub fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named = named_by_connection(headers);
    if strip(headers, &named, |kind| kind == FieldKind::Connection) {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Removes what is not forwarded from the head of a request, except for `Host`.
pub(super) fn strip_request(headers: &mut HeaderMap, named: &[HeaderName], inbound: Inbound) {
    let trailers = strip(headers, named, |kind| match kind {
        FieldKind::Connection | FieldKind::Claim => true,
        FieldKind::Forwarded => inbound == Inbound::Untrusted,
        FieldKind::EndToEnd | FieldKind::Mark => false,
    });
    headers.remove(header::EXPECT);
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
}

/// Removes what is not forwarded from the head of a response.
pub(super) fn strip_response(headers: &mut HeaderMap, named: &[HeaderName]) {
    strip(headers, named, |kind| matches!(kind, FieldKind::Connection | FieldKind::Mark));
}

/// Returns the fields that `Connection` names, which are removed from head and trailers, in order for [`is_named`].
pub(super) fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let usual = |option: &[u8]| [&b"close"[..], b"keep-alive"].iter().any(|usual| option.eq_ignore_ascii_case(usual));
    let named = list(headers, &header::CONNECTION)
        // Most messages have only these, and no field is called `close`.
        .filter(|option| !usual(option))
        .filter_map(|option| HeaderName::from_bytes(option).ok())
        .filter(|name| {
            let name = name.as_str();
            matches!(FieldKind::of(name), FieldKind::EndToEnd | FieldKind::Mark) && !is_control(name)
        });
    let mut named: Vec<_> = named.collect();
    named.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    named
}

/// Whether `Connection` names a field. A head can name thousands.
pub(super) fn is_named(named: &[HeaderName], name: &HeaderName) -> bool {
    named.binary_search_by(|other| other.as_str().cmp(name.as_str())).is_ok()
}

/// Removes these kinds of fields, and those that `Connection` names. Returns whether a `TE` was removed that accepts
/// trailers.
fn strip(headers: &mut HeaderMap, named: &[HeaderName], is_removed: impl Fn(FieldKind) -> bool) -> bool {
    let removed: Vec<_> = headers.keys().filter(|name| is_removed(FieldKind::of(name.as_str()))).cloned().collect();
    let trailers = removed.contains(&header::TE) && accepts_trailers(headers);
    for name in removed.iter().chain(named) {
        headers.remove(name);
    }
    trailers
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    list(headers, &header::TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

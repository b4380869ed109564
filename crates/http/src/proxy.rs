//! What a reverse proxy does to the head of a message (RFC 9110, 7.6): pure functions over headers and URIs.
//!
//! The order matters: [`strip_hop_by_hop`] before [`set_forwarded`] and [`Via::add`], or a client could name what
//! the proxy adds in its `Connection` header and have it removed again.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri,
    header::{self, Entry},
    uri::{Parts, PathAndQuery, Scheme},
};

mod via;

pub use via::Via;

/// `X-Forwarded-For`: the addresses that a request came through, the client first.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Host`: the host that the client asked for.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `X-Forwarded-Proto`: the scheme that the client used.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Whether to believe what a request says of the hops before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inbound {
    /// The peer is a client: what it says of earlier hops is removed, or it could pass for anybody.
    #[default]
    Untrusted,
    /// The peer is a proxy of ours: its word is kept and ours is appended.
    Trusted,
}

/// Removes the fields that speak of one connection only: those that RFC 9110 (7.6.1) and its predecessors list and
/// those that `Connection` names.
///
/// Stays: `Trailer`, which announces what the receiver may get at the end (hyper sends no trailers without it), and
/// `TE: trailers`, without which the next hop would drop them and gRPC does not work at all.
///
/// `Connection` cannot name away what routing, framing or the proxies before us rely on (`Host`, `Content-Length`,
/// `X-Forwarded-For` and the like): such options are forbidden by the RFC and known as an attack.
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

/// The host that a request asks for: the URI's authority (HTTP/2, absolute form), else the `Host` header. `None`
/// where it has neither, or one that is not text.
#[must_use]
pub fn requested_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match uri.authority() {
        // Without user and password, which nobody may see.
        Some(authority) => Some(authority.as_str().rsplit('@').next().unwrap_or_default()),
        None => headers.get(header::HOST)?.to_str().ok(),
    }
}

/// Says where the request came from: `X-Forwarded-For`, `-Proto` and `-Host`, the last as [`requested_host`] has it.
///
/// `peer` and `scheme` are of the connection that it arrived on. The peer is appended to what a trusted proxy said
/// before; its word on scheme and host stands, because it saw the client. An untrusted peer's claims are removed first,
/// `Forwarded` and `X-Real-IP` among them.
pub fn set_forwarded<B>(request: &mut Request<B>, peer: Option<IpAddr>, scheme: &Scheme, inbound: Inbound) {
    let host = host_value(request.uri(), request.headers());
    let headers = request.headers_mut();
    if inbound == Inbound::Untrusted {
        remove_claims(headers);
    }
    if let Some(peer) = peer {
        // An IPv4 client of a dual-stack socket is `::ffff:192.0.2.1`, which no allow-list knows.
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

/// Whether a URI's path leads nowhere but down from a prefix that was matched: it begins with `/`, and has no `.` or `..`
/// segments, encoded or not, with parameters (`..;x`) or without, which a backend would resolve.
#[must_use]
pub fn stays_below(uri: &Uri) -> bool {
    // Of `OPTIONS *` and `CONNECT` there is no path.
    uri.path().starts_with('/') && !uri.path().split(['/', '\\']).any(is_dot_segment)
}

/// The URI to ask a backend for: its scheme, its authority and its path in front, then the client's path and query.
///
/// `None` if the path could lead [elsewhere](stays_below), or if the backend's URI is not absolute.
/// Nothing that a client sends can choose the host.
#[must_use]
pub fn rebase(backend: &Uri, requested: &Uri) -> Option<Uri> {
    let requested = requested.path_and_query().filter(|_| stays_below(requested))?;
    let mut parts = Parts::default();
    parts.scheme = Some(backend.scheme()?.clone());
    parts.authority = Some(backend.authority()?.clone());
    parts.path_and_query = Some(match backend.path().trim_end_matches('/') {
        "" => requested.clone(),
        base => PathAndQuery::try_from(format!("{base}{requested}")).ok()?,
    });
    Uri::from_parts(parts).ok()
}

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

/// What `Connection` must not name (beside `X-Forwarded-*`).
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

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    list(headers, &header::CONNECTION)
        .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
        // `TE` is named by every sender that is in order, and looked at on its own.
        .filter(|name| *name != header::TE && !END_TO_END.contains(name) && !is_forwarded(name))
        .collect()
}

fn accepts_trailers(headers: &HeaderMap) -> bool {
    list(headers, &header::TE).any(|coding| coding.eq_ignore_ascii_case("trailers"))
}

fn is_forwarded(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded-")
}

fn remove_claims(headers: &mut HeaderMap) {
    let claims: Vec<_> = headers.keys().filter(|name| is_forwarded(name)).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
    headers.remove(header::FORWARDED);
    headers.remove("x-real-ip");
}

/// The members of a comma-separated field, over all its lines; lines that are not text are passed over.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|member| !member.is_empty())
}

/// Appends a member to a list and joins its lines into one, because some receivers read only the first or the last.
fn append(headers: &mut HeaderMap, name: HeaderName, member: &str) {
    let line = list(headers, &name).fold(String::new(), |line, member| line + member + ", ") + member;
    if let Ok(value) = HeaderValue::try_from(line) {
        headers.insert(name, value);
    }
}

/// Shares the client's own bytes where it can: a copy of the head is then a matter of counts.
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

fn is_dot_segment(segment: &str) -> bool {
    // Nearly every segment: neither a dot nor something encoded in it.
    if !segment.contains(['.', '%']) {
        return false;
    }
    // A percent-encoded separator hides a segment's end: `%2e%2e%2f`.
    let mut segment = segment.to_ascii_lowercase();
    for (encoded, plain) in [("%2e", "."), ("%5c", "/"), ("%2f", "/"), ("%3b", ";")] {
        segment = segment.replace(encoded, plain);
    }
    // Some servers cut parameters off before they resolve dots: `..;x=y`.
    segment.split('/').filter_map(|part| part.split(';').next()).any(|name| name == "." || name == "..")
}

#[cfg(test)]
#[path = "proxy/tests.rs"]
mod tests;

//! The head of a forwarded message.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, uri::Scheme};
use http_body::Body;

use crate::proxy::{
    cookie::join_cookies,
    fault::{RequestFault, ResponseFault},
    forwarded::{Inbound, add_forwarded, clean_forwarded, host_value},
    host::check_host,
    length::{normalize_length, strip_length_without_content},
    location::map_location,
    max_forwards::count_forward,
    not_forwarded::{strip_request, strip_response},
    path::stays_below,
    trailers::{ForwardedBody, strip_announced},
    via::Via,
};

/// What a proxy is told about its place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxyRules {
    /// The proxy's own member of `Via`.
    pub via: Via,
    /// Whether the peers' `X-Forwarded-*` fields are kept.
    pub inbound: Inbound,
    /// The `Host` of the request to the backend.
    pub host: HostRule,
}

/// The `Host` of the request to a backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostRule {
    /// The backend's: the client writes it from the URI.
    #[default]
    Backend,
    /// The one that the client requested, for backends that serve several hosts or write links to themselves.
    Requested,
}

mainstay_core::labels! {
    HostRule:
    Backend => "backend",
    Requested => "requested",
}

/// Turns a client's request into a backend's: checks it, removes what is not forwarded, leaves one length, joins `Cookie`,
/// counts `Max-Forwards`, sets `X-Forwarded-*`, and appends to `Via`. The body filters the trailers.
///
/// `peer` and `scheme` are those of the connection that the request arrived on. [`rebase`](crate::proxy::rebase) makes the
/// URI.
///
/// # Errors
/// The request must not be forwarded. The fault has the status of the answer.
pub fn prepare_request<B: Body>(
    mut request: Request<B>,
    peer: IpAddr,
    scheme: &Scheme,
    rules: &ProxyRules,
) -> Result<Request<ForwardedBody<B>>, RequestFault> {
    check_target(&request)?;
    check_host(&request)?;
    if request.version() > Version::HTTP_11 {
        check_fields(request.headers())?;
    }
    if rules.via.is_loop(request.headers()) {
        return Err(RequestFault::Loop);
    }
    normalize_length(request.headers_mut())?;
    let method = request.method().clone();
    count_forward(&method, request.headers_mut())?;

    let (mut head, body) = request.into_parts();
    let body = ForwardedBody::new(body, &head.headers);
    let host = host_value(&head.uri, &head.headers);
    let headers = &mut head.headers;
    // First, or a client could name in `Connection` what is added below.
    strip_request(headers, body.named(), rules.inbound);
    strip_announced(headers, body.named());
    join_cookies(headers);
    set_length(&method, headers, &body);
    match (rules.host, &host) {
        (HostRule::Requested, Some(host)) => headers.insert(header::HOST, host.clone()),
        _ => headers.remove(header::HOST),
    };
    if rules.inbound == Inbound::Trusted {
        clean_forwarded(headers);
    }
    add_forwarded(headers, peer, scheme, host);
    rules.via.add(headers, head.version);
    Ok(Request::from_parts(head, body))
}

/// Turns a backend's response into the proxy's: checks it, removes what is not forwarded, leaves one length, maps
/// `Location` ([`map_location`]), appends to `Via`, and sets the proxy's own HTTP version (RFC 9112, 2.3). The body filters
/// the trailers.
///
/// # Errors
/// The response must not be forwarded. The answer is 502.
pub fn prepare_response<B: Body>(
    response: Response<B>,
    backend: &Uri,
    via: &Via,
) -> Result<Response<ForwardedBody<B>>, ResponseFault> {
    let (mut head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(ResponseFault::Upgrade);
    }
    let headers = &mut head.headers;
    // Without content there is nothing to decode: the coding is the one that another method would get.
    if body.is_end_stream() && headers.remove(header::TRANSFER_ENCODING).is_some() {
        headers.remove(header::CONTENT_LENGTH);
    }
    normalize_length(headers)?;
    strip_length_without_content(headers, head.status);
    let body = ForwardedBody::new(body, headers);
    strip_response(headers, body.named());
    strip_announced(headers, body.named());
    map_location(headers, backend);
    via.add(headers, head.version);
    head.version = Version::HTTP_11;
    Ok(Response::from_parts(head, body))
}

fn check_target<B>(request: &Request<B>) -> Result<(), RequestFault> {
    let uri = request.uri();
    if request.method() == Method::CONNECT {
        let is_authority =
            uri.authority().is_some_and(|authority| authority.port().is_some()) && uri.scheme().is_none();
        return Err(if is_authority { RequestFault::Connect } else { RequestFault::ConnectTarget });
    }
    if stays_below(uri) { Ok(()) } else { Err(RequestFault::Path) }
}

/// HTTP/1.1 removes the white space around a value, so the next recipient would read another one than HTTP/2 carries. The
/// `http` crate accepts a quotation mark in a name of HTTP/2, which is no name in HTTP/1.1.
fn check_fields(headers: &HeaderMap) -> Result<(), RequestFault> {
    if headers.keys().any(|name| name.as_str().contains('"')) {
        return Err(RequestFault::FieldName);
    }
    let is_blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let mut values = headers.values().map(HeaderValue::as_bytes);
    match values.any(|value| is_blank(value.first()) || is_blank(value.last())) {
        true => Err(RequestFault::FieldValue),
        false => Ok(()),
    }
}

/// States the length where the client of the next hop would not (hyper; RFC 9110, 8.6): `Content-Length: 0` of methods that
/// have content, and `chunked` where hyper assumes no content and would drop it.
fn set_length(method: &Method, headers: &mut HeaderMap, body: &impl Body) {
    match *method {
        Method::POST | Method::PUT | Method::PATCH if body.is_end_stream() => {
            headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
        }
        Method::GET | Method::HEAD if !body.is_end_stream() && !headers.contains_key(header::CONTENT_LENGTH) => {
            headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        _ => {}
    }
}

// === impl ProxyRules ===

impl ProxyRules {
    /// Rules of a proxy with this name, whose peers are clients, and whose backends get their own `Host`.
    #[must_use]
    pub fn new(via: Via) -> Self {
        Self { via, inbound: Inbound::default(), host: HostRule::default() }
    }

    /// Sets whether the peers' `X-Forwarded-*` fields are kept.
    #[must_use]
    pub fn with_inbound(self, inbound: Inbound) -> Self {
        Self { inbound, ..self }
    }

    /// Sets the `Host` of the request to the backend.
    #[must_use]
    pub fn with_host(self, host: HostRule) -> Self {
        Self { host, ..self }
    }
}

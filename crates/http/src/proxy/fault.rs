//! Why a proxy does not forward a message.

use std::{error::Error, fmt};

use http::{HeaderName, HeaderValue, StatusCode, header};

/// The methods of a proxy's own answers, for `Allow`. It forwards other methods, too.
const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/// Why a request is not forwarded. [`status`](Self::status) is that of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestFault {
    /// `CONNECT` with a path: its target is a host and a port (RFC 9112, 3.2.3).
    ConnectTarget,
    /// `CONNECT`: the proxy makes no tunnels (RFC 9110, 9.3.6).
    Connect,
    /// `Host` is absent, occurs twice, is no host, or is another one than `:authority` (RFC 9112, 3.2; RFC 9113, 8.3.1).
    Host,
    /// The path might lead out of the prefix that was matched ([`stays_below`](crate::proxy::stays_below)).
    Path,
    /// A field name has a quotation mark in HTTP/2 (RFC 9110, 5.1).
    FieldName,
    /// A field value begins or ends with a space or a tab in HTTP/2 (RFC 9113, 8.2.1).
    FieldValue,
    /// `Content-Length` is no number, or several different ones (RFC 9112, 6.3).
    ContentLength,
    /// The body is `chunked` twice, or not at last (RFC 9112, 6.1).
    Chunked,
    /// A transfer coding other than `chunked` (RFC 9112, 6.1).
    TransferCoding,
    /// `Max-Forwards` of `OPTIONS` is no number (RFC 9110, 7.6.2).
    MaxForwards,
    /// `OPTIONS` with `Max-Forwards: 0`: the proxy answers itself, which is no error (RFC 9110, 7.6.2).
    LastOptions,
    /// `TRACE`: its answer would show the client the fields that this proxy adds, and those that a browser keeps from
    /// scripts (RFC 9110, 9.3.8).
    Trace,
    /// The request has passed this proxy before ([`Via`](crate::proxy::Via)).
    Loop,
}

/// Why a response is not forwarded. The answer is 502 (Bad Gateway).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseFault {
    /// 101 (Switching Protocols), although the request had no `Upgrade` (RFC 9110, 7.8).
    Upgrade,
    /// `Content-Length` is no number, or several different ones (RFC 9112, 6.3).
    ContentLength,
    /// A transfer coding other than `chunked`, which would reach the client as content (RFC 9112, 6.1).
    TransferCoding,
}

// === impl RequestFault ===

mainstay_core::names! {
    RequestFault:
    ConnectTarget => "connect_target",
    Connect => "connect",
    Host => "host",
    Path => "path",
    FieldName => "field_name",
    FieldValue => "field_value",
    ContentLength => "content_length",
    Chunked => "chunked",
    TransferCoding => "transfer_coding",
    MaxForwards => "max_forwards",
    LastOptions => "last_options",
    Trace => "trace",
    Loop => "loop",
}

impl RequestFault {
    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::LastOptions => StatusCode::OK,
            Self::Connect | Self::Trace => StatusCode::METHOD_NOT_ALLOWED,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Loop => StatusCode::LOOP_DETECTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// Returns the `Allow` of an answer that needs one (RFC 9110, 10.2.1).
    #[must_use]
    pub const fn allow(self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Connect | Self::LastOptions | Self::Trace => Some((header::ALLOW, HeaderValue::from_static(ALLOWED))),
            _ => None,
        }
    }
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectTarget => "the target of CONNECT must be host:port",
            Self::Connect => "CONNECT is not supported",
            Self::Host => "Host must be one host[:port], the same as :authority",
            Self::Path => "the path must have no . or .. segments, no NUL and no characters outside of ASCII",
            Self::FieldName => "field names must be tokens",
            Self::FieldValue => "field values must not begin or end with a space or a tab",
            Self::ContentLength => "Content-Length must be one number",
            Self::Chunked => "chunked must be the last transfer coding and occur once",
            Self::TransferCoding => "Transfer-Encoding must be chunked",
            Self::MaxForwards => "Max-Forwards must be one number",
            Self::LastOptions => "Max-Forwards is 0",
            Self::Trace => "TRACE is not supported",
            Self::Loop => "the request has passed this proxy before",
        })
    }
}

impl Error for RequestFault {}

// === impl ResponseFault ===

mainstay_core::names! {
    ResponseFault:
    Upgrade => "upgrade",
    ContentLength => "content_length",
    TransferCoding => "transfer_coding",
}

impl fmt::Display for ResponseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upgrade => "status 101 without a request to upgrade",
            Self::ContentLength => "Content-Length must be one number",
            Self::TransferCoding => "Transfer-Encoding must be chunked",
        })
    }
}

impl Error for ResponseFault {}

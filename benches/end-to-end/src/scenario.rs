//! A scenario: protocol, number of connections, and body.

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};

/// A scenario; all its requests are the same.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) protocol: Protocol,
    pub(crate) connections: usize,
    pub(crate) body: Body,
}

/// The protocol of clients. Backends receive HTTP/1.1, as from the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    H1,
    /// Without TLS, by prior knowledge; one request at a time on each connection.
    H2,
}

/// The bodies of request and response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    /// A small response.
    Small,
    /// A large response.
    Download,
    /// A large request that may be sent twice, and a small response.
    Upload,
    /// A small response after [`HOLD_MILLIS`], to measure requests in flight.
    Hold,
}

/// Bytes of a large body.
pub(crate) const LARGE: usize = 64 * 1024;

/// A small body, typical of an API.
pub(crate) const SMALL: &str = r#"{"id":4711,"state":"paid","amount":"12.50","currency":"EUR","items":[1,2,3]}"#;

/// Well below the second after which the gateway starts a second attempt.
pub(crate) const HOLD_MILLIS: u64 = 600;

// === impl Scenario ===

impl Scenario {
    /// Returns every combination, with one and with `many` connections.
    pub(crate) fn all(many: usize) -> Vec<Self> {
        let mut all = Vec::new();
        for protocol in [Protocol::H1, Protocol::H2] {
            for connections in [1, many] {
                for body in [Body::Small, Body::Download, Body::Upload] {
                    all.push(Self { protocol, connections, body });
                }
            }
        }
        all
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, connections, body } = self;
        let plural = if *connections == 1 { "" } else { "s" };
        write!(f, "{protocol}, {connections} connection{plural}, {body}")
    }
}

// === impl Protocol ===

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H1 => "h1",
            Self::H2 => "h2",
        })
    }
}

// === impl Body ===

impl Body {
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Upload => Method::PUT,
            _ => Method::GET,
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Small => "/api/v1/small",
            Self::Download => "/api/v1/download",
            Self::Upload => "/api/v1/upload",
            Self::Hold => "/api/v1/hold",
        }
    }

    /// Returns the length of the request body in bytes.
    pub(crate) const fn sent(self) -> usize {
        if matches!(self, Self::Upload) { LARGE } else { 0 }
    }

    /// Returns the length of the response body in bytes.
    pub(crate) const fn received(self) -> usize {
        if matches!(self, Self::Download) { LARGE } else { SMALL.len() }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Download => "64 KiB down",
            Self::Upload => "64 KiB up",
            Self::Hold => "held",
        })
    }
}

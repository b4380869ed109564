//! What is measured: a protocol, so many connections, a body.

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};

/// Requests that are all alike.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Scenario {
    pub(crate) protocol: Protocol,
    pub(crate) connections: usize,
    pub(crate) body: Body,
}

/// What clients speak. Backends are spoken to in HTTP/1.1, as the gateway does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protocol {
    H1,
    /// Without TLS, by prior knowledge; one request at a time on each connection.
    H2,
}

/// Which bytes go over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    /// A small answer.
    Small,
    /// A large answer.
    Download,
    /// A large request that may be sent twice, and a small answer.
    Upload,
    /// A small answer after [`HOLD_MILLIS`]: for what a request costs while it is in flight.
    Hold,
}

/// Bytes of a large body.
pub(crate) const LARGE: usize = 64 * 1024;

/// A small body: an answer as APIs give it.
pub(crate) const SMALL: &str = r#"{"id":4711,"state":"paid","amount":"12.50","currency":"EUR","items":[1,2,3]}"#;

/// Well below the second after which the gateway calls a primary silent.
pub(crate) const HOLD_MILLIS: u64 = 600;

// === impl Scenario ===

impl Scenario {
    /// Every combination, with few and with many connections.
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

    /// Bytes of the request's body.
    pub(crate) const fn sent(self) -> usize {
        if matches!(self, Self::Upload) { LARGE } else { 0 }
    }

    /// Bytes of the answer's body.
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

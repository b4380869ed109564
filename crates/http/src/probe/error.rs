//! Why a service that was probed is not healthy.

use std::{error::Error, fmt};

use mainstay_core::escaped;

/// What an [`HttpProbe`](super::HttpProbe) found where the service is not healthy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpProbeError {
    /// The request failed, or its response is not the expected one.
    Unhealthy {
        /// The error with its causes, or what is wrong with the response.
        reason: String,
    },
    /// The request was not sent, because this process or its system has no file descriptor left. It says nothing about the
    /// service.
    NotSent {
        /// The error with its causes.
        reason: String,
    },
    /// The service reports an overload (429).
    Overloaded,
    /// The response has the [`out_header`](super::HttpProbeSettings::out_header).
    Out {
        /// The header's value.
        reason: String,
    },
}

// === impl HttpProbeError ===

impl HttpProbeError {
    /// Returns the name as a stable label, without the reason.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unhealthy { .. } => "unhealthy",
            Self::NotSent { .. } => "not_sent",
            Self::Overloaded => "overloaded",
            Self::Out { .. } => "out",
        }
    }
}

impl From<String> for HttpProbeError {
    fn from(reason: String) -> Self {
        Self::Unhealthy { reason }
    }
}

impl fmt::Display for HttpProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unhealthy { reason } => escaped(reason).fmt(f),
            Self::NotSent { reason } => write!(f, "not sent: {}", escaped(reason)),
            Self::Overloaded => f.write_str("overloaded"),
            Self::Out { reason } => write!(f, "out of service: {}", escaped(reason)),
        }
    }
}

impl Error for HttpProbeError {}

//! What a probe found.

use std::{error::Error, fmt};

use mainstay_core::{escaped, is_out_of_files};

/// The outcome of one probe attempt, or of a round of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ProbeOutcome {
    /// The endpoint works.
    Healthy,
    /// The endpoint does not work.
    Unhealthy {
        /// The reason, for the log and the operators' page.
        reason: String,
    },
    /// The probe was not sent, because this process or its system has no file descriptor left: it says nothing about the
    /// endpoint, and changes nothing.
    NotSent {
        /// The reason, for the log and the operators' page.
        reason: String,
    },
    /// The endpoint answered that it is too busy: no success for its recovery.
    Overloaded,
    /// The endpoint answered that it must get no requests: it is left at once, without waiting for more failures.
    Out {
        /// The reason, for the log and the operators' page.
        reason: String,
    },
}

// === impl ProbeOutcome ===

impl ProbeOutcome {
    /// Creates an outcome of an endpoint that does not work, with the reason.
    #[must_use]
    pub fn unhealthy(reason: impl Into<String>) -> Self {
        Self::Unhealthy { reason: reason.into() }
    }

    /// Creates the outcome of a probe that ended with an error: unhealthy, unless the probe was not sent.
    #[must_use]
    pub fn failed(error: &(dyn Error + 'static), reason: impl Into<String>) -> Self {
        match is_out_of_files(error) {
            true => Self::NotSent { reason: reason.into() },
            false => Self::unhealthy(reason),
        }
    }

    /// Returns the name as a stable label, without the reason.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Unhealthy { .. } => "unhealthy",
            Self::NotSent { .. } => "not_sent",
            Self::Overloaded => "overloaded",
            Self::Out { .. } => "out",
        }
    }

    /// Whether the endpoint works.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        matches!(self, Self::Healthy)
    }
}

impl fmt::Display for ProbeOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.write_str("healthy"),
            Self::Unhealthy { reason } => write!(f, "unhealthy: {}", escaped(reason)),
            Self::NotSent { reason } => write!(f, "not sent: {}", escaped(reason)),
            Self::Overloaded => f.write_str("overloaded"),
            Self::Out { reason } => write!(f, "asks to be taken out: {}", escaped(reason)),
        }
    }
}

impl From<bool> for ProbeOutcome {
    fn from(healthy: bool) -> Self {
        match healthy {
            true => Self::Healthy,
            false => Self::unhealthy("the probe returned false"),
        }
    }
}

impl From<()> for ProbeOutcome {
    fn from((): ()) -> Self {
        Self::Healthy
    }
}

impl<T: Into<Self>, E: fmt::Display> From<Result<T, E>> for ProbeOutcome {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(outcome) => outcome.into(),
            Err(error) => Self::unhealthy(error.to_string()),
        }
    }
}

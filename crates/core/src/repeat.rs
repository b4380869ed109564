//! Whether and when a request may be sent again.

use std::{fmt, time::Duration};

/// Whether and when a request may be sent again, as far as the server said so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeat {
    /// The server said nothing: the layer's own backoff decides.
    #[default]
    Backoff,
    /// Not before this much time has passed (`Retry-After`, gRPC pushback): a lower bound of the delay.
    After(Duration),
    /// Do not repeat (negative pushback, an exhausted total timeout, an exhausted budget below).
    Never,
}

// === impl Repeat ===

impl Repeat {
    /// Returns the name as a stable label, for metrics and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::After(_) => "after",
            Self::Never => "never",
        }
    }

    /// Returns `After` with the requested delay, or `Backoff` if none was requested.
    #[must_use]
    pub const fn from_retry_after(retry_after: Option<Duration>) -> Self {
        match retry_after {
            Some(wait) => Self::After(wait),
            None => Self::Backoff,
        }
    }

    /// Returns the requested delay, if any.
    #[must_use]
    pub const fn after(&self) -> Option<Duration> {
        match *self {
            Self::After(wait) => Some(wait),
            Self::Backoff | Self::Never => None,
        }
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

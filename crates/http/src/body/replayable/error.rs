//! Why a replayable body ended early.

use std::{error::Error, fmt, sync::Arc};

use mainstay_core::{BoxError, Outcome};

/// Why a [`Replayable`](super::Replayable) body ended early. No reason is a failure of the server.
#[derive(Clone, Debug)]
pub struct ReplayableError(Reason);

#[derive(Clone, Debug)]
enum Reason {
    Source(Arc<dyn Error + Send + Sync>),
    Superseded,
    Incomplete,
}

// === impl ReplayableError ===

impl ReplayableError {
    /// The source failed.
    pub(super) fn source_failed(error: impl Into<BoxError>) -> Self {
        Self(Reason::Source(Arc::from(error.into())))
    }

    /// The rest of the body goes to an attempt that began later.
    pub(super) const fn superseded() -> Self {
        Self(Reason::Superseded)
    }

    /// The copy was first read when the beginning of the body was no longer kept.
    pub(super) const fn incomplete() -> Self {
        Self(Reason::Incomplete)
    }

    /// A failure of the caller, or an attempt that this process ended; neither counts for or against the server.
    pub(crate) fn outcome(&self) -> Outcome {
        match self.0 {
            Reason::Source(_) => Outcome::ignored(),
            Reason::Superseded | Reason::Incomplete => Outcome::rejected(None),
        }
    }
}

impl fmt::Display for ReplayableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Reason::Source(_) => "the request's body failed",
            Reason::Superseded => "the request's body goes to another attempt",
            Reason::Incomplete => "the request's body cannot be sent again",
        })
    }
}

impl Error for ReplayableError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Reason::Source(error) => Some(error.as_ref()),
            Reason::Superseded | Reason::Incomplete => None,
        }
    }
}

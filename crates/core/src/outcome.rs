//! The outcome of a call, which every layer reads.

use std::{fmt, time::Duration};

use crate::Repeat;

/// What a result says about the dependency.
///
/// A [`Classify`](crate::Classify) policy turns each result into an outcome. Retry, breaker, fallback and failover all
/// act on it, so they agree on what a failure is.
///
/// | outcome | breaker, failover | retry | budget |
/// |---|---|---|---|
/// | `Success` | counts for | returned | earns |
/// | `Failure` | counts against | repeated | spends |
/// | `Overloaded` | counts in rates and trial calls, not in a streak | repeated, later | spends less |
/// | `Rejected` | not counted: the dependency was not called | returned | untouched |
/// | `Ignored` | not counted: it says nothing about the dependency | returned, or repeated if `repeat` permits it | spends if repeated |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The dependency did its work.
    Success,
    /// The dependency is at fault, and a repeat may help.
    Failure {
        /// What went wrong, as far as the protocol tells.
        kind: FailureKind,
        /// Whether and when to repeat.
        repeat: Repeat,
    },
    /// The dependency says that it is too busy, or that this caller sends too much.
    Overloaded {
        /// Whether and when to repeat.
        repeat: Repeat,
        /// Whose load it is: another endpoint can help with the server's, not with the caller's.
        whose: Overload,
    },
    /// A Mainstay layer refused the request; the dependency was *not called*.
    Rejected {
        /// Whether and when to repeat.
        repeat: Repeat,
    },
    /// Says nothing about the dependency: an error of the caller, a 4xx, a cancellation.
    Ignored {
        /// Whether and when to repeat: `Never` for most, but a 408 and a 425 concern one connection, not the request.
        repeat: Repeat,
    },
}

/// What went wrong with the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FailureKind {
    /// Nothing was sent: the name was not found, the connection or its TLS handshake failed or timed out, or the server
    /// refused the stream before it processed it. Any request may be sent again or elsewhere, a POST too.
    Connect,
    /// A reset after sending, a body cut off.
    Network,
    /// No answer in time.
    Timeout,
    /// It answered that it cannot serve (5xx, `UNAVAILABLE`).
    Unavailable,
    /// It does not accept our credentials.
    Authentication,
    /// An error that the policy cannot place.
    Unknown,
}

/// Whose load an [`Outcome::Overloaded`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overload {
    /// The server's: it is too busy for anyone (503).
    Server,
    /// The caller's: it sends more than its limit (429, `RESOURCE_EXHAUSTED`). The limit holds at other endpoints too.
    Caller,
}

/// The class of an [`Outcome`], without its details, as a key for filters and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "one for one the variants of `Outcome`")]
pub enum Class {
    Success,
    Failure,
    Overloaded,
    Rejected,
    Ignored,
}

crate::labels! {
    FailureKind:
    Connect => "connect",
    Network => "network",
    Timeout => "timeout",
    Unavailable => "unavailable",
    Authentication => "authentication",
    Unknown => "unknown",
}

crate::labels! {
    Overload:
    Server => "server",
    Caller => "caller",
}

crate::labels! {
    Class:
    Success => "success",
    Failure => "failure",
    Overloaded => "overloaded",
    Rejected => "rejected",
    Ignored => "ignored",
}

// === impl Outcome ===

impl Outcome {
    /// Creates a failure that may be repeated after the layer's backoff.
    #[must_use]
    pub const fn failure(kind: FailureKind) -> Self {
        Self::Failure { kind, repeat: Repeat::Backoff }
    }

    /// Creates an overload of the server, with the delay that it requested, if any.
    #[must_use]
    pub const fn overloaded(retry_after: Option<Duration>) -> Self {
        Self::Overloaded { repeat: Repeat::from_retry_after(retry_after), whose: Overload::Server }
    }

    /// Creates an overload by this caller, whose limit is used up, with the delay that the server requested, if any.
    #[must_use]
    pub const fn rate_limited(retry_after: Option<Duration>) -> Self {
        Self::Overloaded { repeat: Repeat::from_retry_after(retry_after), whose: Overload::Caller }
    }

    /// Creates a refusal by a Mainstay layer, with the delay that it suggests, if any.
    #[must_use]
    pub const fn rejected(retry_after: Option<Duration>) -> Self {
        Self::Rejected { repeat: Repeat::from_retry_after(retry_after) }
    }

    /// Creates an outcome that says nothing about the dependency, of a request that must not be repeated.
    #[must_use]
    pub const fn ignored() -> Self {
        Self::Ignored { repeat: Repeat::Never }
    }

    /// Returns the class, without the details.
    #[must_use]
    #[inline]
    pub const fn class(&self) -> Class {
        match self {
            Self::Success => Class::Success,
            Self::Failure { .. } => Class::Failure,
            Self::Overloaded { .. } => Class::Overloaded,
            Self::Rejected { .. } => Class::Rejected,
            Self::Ignored { .. } => Class::Ignored,
        }
    }

    /// Returns the name of the class as a stable label, for metrics and logs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        self.class().as_str()
    }

    /// Returns whether and when the request may be sent again: never after `Success`.
    #[must_use]
    pub const fn repeat(&self) -> Repeat {
        match *self {
            Self::Failure { repeat, .. }
            | Self::Overloaded { repeat, .. }
            | Self::Rejected { repeat }
            | Self::Ignored { repeat } => repeat,
            Self::Success => Repeat::Never,
        }
    }

    /// Returns whether the dependency did its work.
    #[must_use]
    #[inline]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }

    /// Returns whether the outcome counts against the dependency: a failure or an overload.
    #[must_use]
    #[inline]
    pub const fn is_failure(&self) -> bool {
        matches!(self, Self::Failure { .. } | Self::Overloaded { .. })
    }

    /// Returns whether it is certain that the dependency did not receive the request: no connection could be made, or a
    /// Mainstay layer refused. A request that must not be executed twice may then be sent again.
    #[must_use]
    #[inline]
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::Failure { kind: FailureKind::Connect, .. } | Self::Rejected { .. })
    }

    /// Replaces the `repeat` of the outcome. `Success` stays as it is.
    #[must_use]
    pub const fn with_repeat(self, repeat: Repeat) -> Self {
        match self {
            Self::Failure { kind, .. } => Self::Failure { kind, repeat },
            Self::Overloaded { whose, .. } => Self::Overloaded { repeat, whose },
            Self::Rejected { .. } => Self::Rejected { repeat },
            Self::Ignored { .. } => Self::Ignored { repeat },
            Self::Success => Self::Success,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! The outcome of a call, which every layer reads.

use std::time::Duration;

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
/// | `Ignored` | not counted: it says nothing about the dependency | returned | untouched |
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
    /// The dependency says that it is too busy.
    Overloaded {
        /// Whether and when to repeat.
        repeat: Repeat,
    },
    /// A Mainstay layer refused the request; the dependency was *not called*.
    Rejected {
        /// Whether and when to repeat.
        repeat: Repeat,
    },
    /// Says nothing about the dependency: an error of the caller, a 4xx, a cancellation.
    Ignored,
}

/// What went wrong with the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FailureKind {
    /// No connection, a reset, a body cut off.
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

// === impl Outcome ===

impl Outcome {
    /// Creates a failure that may be repeated after the layer's backoff.
    #[must_use]
    pub const fn failure(kind: FailureKind) -> Self {
        Self::Failure { kind, repeat: Repeat::Backoff }
    }

    /// Creates an overload, with the delay that the server requested, if any.
    #[must_use]
    pub const fn overloaded(retry_after: Option<Duration>) -> Self {
        Self::Overloaded { repeat: Repeat::from_retry_after(retry_after) }
    }

    /// Creates a refusal by a Mainstay layer, with the delay that it suggests, if any.
    #[must_use]
    pub const fn rejected(retry_after: Option<Duration>) -> Self {
        Self::Rejected { repeat: Repeat::from_retry_after(retry_after) }
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
            Self::Ignored => Class::Ignored,
        }
    }

    /// Returns whether and when the request may be sent again: never after `Success` and `Ignored`.
    #[must_use]
    pub const fn repeat(&self) -> Repeat {
        match *self {
            Self::Failure { repeat, .. } | Self::Overloaded { repeat } | Self::Rejected { repeat } => repeat,
            Self::Success | Self::Ignored => Repeat::Never,
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

    /// Replaces the `repeat` of the outcome. `Success` and `Ignored` stay as they are.
    #[must_use]
    pub const fn with_repeat(self, repeat: Repeat) -> Self {
        match self {
            Self::Failure { kind, .. } => Self::Failure { kind, repeat },
            Self::Overloaded { .. } => Self::Overloaded { repeat },
            Self::Rejected { .. } => Self::Rejected { repeat },
            other => other,
        }
    }
}

// === impl Repeat ===

impl Repeat {
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

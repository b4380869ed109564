//! Why a result was returned instead of repeated.

use std::fmt;

/// Why a result that was no success was returned instead of repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum GaveUp {
    /// One of our layers refused; the dependency was not asked.
    Rejected,
    /// The result says that it must not be repeated.
    ServerSaidNever,
    /// The request cannot be repeated, or not safely.
    NotReplayable,
    /// The request's context forbids it.
    DoNotRetry,
    /// All attempts are used up.
    Attempts,
    /// All layers together have sent the request as often as they may.
    AttemptQuota,
    /// The server asked for a longer wait than the cap or the deadline allows.
    RetryAfter,
    /// The wait and an attempt do not fit the deadline.
    Deadline,
    /// The budget is used up.
    Budget,
}

/// How often a retrier gave up, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[allow(missing_docs, reason = "one for one the variants of `GaveUp`")]
pub struct GaveUpCounts {
    pub rejected: u64,
    pub server_said_never: u64,
    pub not_replayable: u64,
    pub do_not_retry: u64,
    pub attempts: u64,
    pub attempt_quota: u64,
    pub retry_after: u64,
    pub deadline: u64,
    pub budget: u64,
}

// === impl GaveUp ===

impl GaveUp {
    /// A stable, lower-case word with underscores, for labels.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::ServerSaidNever => "server_said_never",
            Self::NotReplayable => "not_replayable",
            Self::DoNotRetry => "do_not_retry",
            Self::Attempts => "attempts",
            Self::AttemptQuota => "attempt_quota",
            Self::RetryAfter => "retry_after",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl GaveUpCounts ===

impl GaveUpCounts {
    pub(crate) fn read(of: impl Fn(GaveUp) -> u64) -> Self {
        Self {
            rejected: of(GaveUp::Rejected),
            server_said_never: of(GaveUp::ServerSaidNever),
            not_replayable: of(GaveUp::NotReplayable),
            do_not_retry: of(GaveUp::DoNotRetry),
            attempts: of(GaveUp::Attempts),
            attempt_quota: of(GaveUp::AttemptQuota),
            retry_after: of(GaveUp::RetryAfter),
            deadline: of(GaveUp::Deadline),
            budget: of(GaveUp::Budget),
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self {
            rejected,
            server_said_never,
            not_replayable,
            do_not_retry,
            attempts,
            attempt_quota,
            retry_after,
            deadline,
            budget,
        } = *self;
        rejected
            + server_said_never
            + not_replayable
            + do_not_retry
            + attempts
            + attempt_quota
            + retry_after
            + deadline
            + budget
    }
}

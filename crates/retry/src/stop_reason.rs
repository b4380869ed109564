//! The reasons why a request is not retried.

use std::fmt;

/// The reason why a failed request was not retried, so that its result was returned to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum StopReason {
    /// Another layer rejected the request before it reached the dependency.
    Rejected,
    /// The result forbids a retry, such as a negative gRPC pushback or a total timeout.
    NotRetryable,
    /// The request cannot be copied, or sending it twice is not safe.
    NotReplayable,
    /// The request's context sets `do_not_retry`.
    DoNotRetry,
    /// The request has used all its attempts.
    Attempts,
    /// The request has used the attempt quota that all layers share.
    AttemptQuota,
    /// The server requires a longer wait than the backoff's cap or the deadline allows.
    RetryAfter,
    /// The delay and one more attempt do not fit before the deadline.
    Deadline,
    /// The retry budget has no token left.
    Budget,
    /// A retry waits for its delay, and there is no tokio runtime for the timer.
    NoRuntime,
}

/// The number of requests that were not retried, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[allow(missing_docs, reason = "the fields are the variants of `StopReason`")]
pub struct StopReasonCounts {
    pub rejected: u64,
    pub not_retryable: u64,
    pub not_replayable: u64,
    pub do_not_retry: u64,
    pub attempts: u64,
    pub attempt_quota: u64,
    pub retry_after: u64,
    pub deadline: u64,
    pub budget: u64,
    pub no_runtime: u64,
}

// === impl StopReason ===

impl StopReason {
    /// Returns the reason as a stable label in snake case.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::NotRetryable => "not_retryable",
            Self::NotReplayable => "not_replayable",
            Self::DoNotRetry => "do_not_retry",
            Self::Attempts => "attempts",
            Self::AttemptQuota => "attempt_quota",
            Self::RetryAfter => "retry_after",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
            Self::NoRuntime => "no_runtime",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl StopReasonCounts ===

impl StopReasonCounts {
    pub(crate) fn read(of: impl Fn(StopReason) -> u64) -> Self {
        Self {
            rejected: of(StopReason::Rejected),
            not_retryable: of(StopReason::NotRetryable),
            not_replayable: of(StopReason::NotReplayable),
            do_not_retry: of(StopReason::DoNotRetry),
            attempts: of(StopReason::Attempts),
            attempt_quota: of(StopReason::AttemptQuota),
            retry_after: of(StopReason::RetryAfter),
            deadline: of(StopReason::Deadline),
            budget: of(StopReason::Budget),
            no_runtime: of(StopReason::NoRuntime),
        }
    }

    /// Returns the sum over all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self {
            rejected,
            not_retryable,
            not_replayable,
            do_not_retry,
            attempts,
            attempt_quota,
            retry_after,
            deadline,
            budget,
            no_runtime,
        } = *self;
        rejected
            + not_retryable
            + not_replayable
            + do_not_retry
            + attempts
            + attempt_quota
            + retry_after
            + deadline
            + budget
            + no_runtime
    }
}

//! The reasons why a request is not retried.

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

mainstay_core::labels! {
    StopReason:
    Rejected => "rejected",
    NotRetryable => "not_retryable",
    NotReplayable => "not_replayable",
    DoNotRetry => "do_not_retry",
    Attempts => "attempts",
    AttemptQuota => "attempt_quota",
    RetryAfter => "retry_after",
    Deadline => "deadline",
    Budget => "budget",
    NoRuntime => "no_runtime",
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

    /// Returns the number of requests for one reason.
    #[must_use]
    pub const fn get(&self, reason: StopReason) -> u64 {
        match reason {
            StopReason::Rejected => self.rejected,
            StopReason::NotRetryable => self.not_retryable,
            StopReason::NotReplayable => self.not_replayable,
            StopReason::DoNotRetry => self.do_not_retry,
            StopReason::Attempts => self.attempts,
            StopReason::AttemptQuota => self.attempt_quota,
            StopReason::RetryAfter => self.retry_after,
            StopReason::Deadline => self.deadline,
            StopReason::Budget => self.budget,
            StopReason::NoRuntime => self.no_runtime,
        }
    }

    /// Returns each reason with its number, zeros included, so that an exporter needs no list of the reasons.
    ///
    /// ```
    /// use mainstay_core::BoxError;
    /// use mainstay_retry::{Retrier, StopReason};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let retrier = Retrier::new("orders");
    /// let _down = retrier.run(|_attempt| async { Err::<(), _>(BoxError::from("down")) }).await;
    /// for (reason, requests) in retrier.snapshot().stopped.iter() {
    ///     println!("retry_stopped_total{{reason=\"{reason}\"}} {requests}");
    /// }
    /// // The allowance of the budget has paid for one retry.
    /// assert_eq!(retrier.snapshot().stopped.get(StopReason::Budget), 1);
    /// # }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (StopReason, u64)> + '_ {
        StopReason::ALL.iter().map(|reason| (*reason, self.get(*reason)))
    }

    /// Returns the sum over all reasons.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, requests)| requests).sum()
    }
}

//! The reasons why a layer refuses.

/// Why a layer refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Reason {
    /// The circuit breaker is open, or its trial calls are all taken.
    CircuitOpen,
    /// The bulkhead has neither a free permit nor room in its queue.
    BulkheadFull,
    /// No permit became free in time.
    QueueTimeout,
    /// The caller's deadline passed while the call waited for a permit.
    DeadlineExceeded,
    /// A rate limit is used up.
    RateLimited,
    /// One attempt took too long. The dependency *was* called.
    AttemptTimeout,
    /// The whole call took too long. It must not be retried.
    TotalTimeout,
    /// No endpoint of a failover is usable.
    NoHealthyEndpoint,
    /// The process is shutting down.
    Draining,
    /// The head of the response exceeds a limit of this process. The dependency *was* called.
    ResponseTooLarge,
    /// This process, or its system, has no file descriptor left.
    OutOfFiles,
    /// The call needs a timer, and there is no tokio runtime.
    NoRuntime,
}

// === impl Reason ===

crate::labels! {
    Reason:
    CircuitOpen => "circuit_open",
    BulkheadFull => "bulkhead_full",
    QueueTimeout => "queue_timeout",
    DeadlineExceeded => "deadline_exceeded",
    RateLimited => "rate_limited",
    AttemptTimeout => "attempt_timeout",
    TotalTimeout => "total_timeout",
    NoHealthyEndpoint => "no_healthy_endpoint",
    Draining => "draining",
    ResponseTooLarge => "response_too_large",
    OutOfFiles => "out_of_files",
    NoRuntime => "no_runtime",
}

impl Reason {
    /// Returns the text of a refusal for this reason.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::CircuitOpen => "circuit open",
            Self::BulkheadFull => "bulkhead full",
            Self::QueueTimeout => "no permit became free in time",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::RateLimited => "rate limited",
            Self::AttemptTimeout => "attempt timed out",
            Self::TotalTimeout => "timed out",
            Self::NoHealthyEndpoint => "no healthy endpoint",
            Self::Draining => "shutting down",
            Self::ResponseTooLarge => "the head of the response is larger than permitted",
            Self::OutOfFiles => "no file descriptor is left",
            Self::NoRuntime => "no tokio runtime for the timer that is needed: call it inside of one",
        }
    }
}

//! The kinds of retries.

/// The kind of a retry, which determines its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// The retry of a failure.
    Retry,
    /// The retry of an overload.
    Throttled,
}

crate::labels! {
    Cost:
    Retry => "retry",
    Throttled => "throttled",
}

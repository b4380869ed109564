//! The outcome of one run of a check.

use std::fmt::Display;

use mainstay_core::{Level, Status};

/// The outcome of one run of a check: a level, and the reason as text.
///
/// A check returns anything that converts into it: a `Result` (an error is [`Level::Unhealthy`], its text the reason), a
/// [`Level`], a component's [`Status`], or a `CheckOutcome`.
///
/// ```
/// use mainstay_health::{Level, CheckOutcome};
///
/// let outcome: CheckOutcome = Err::<(), _>("connection refused").into();
/// assert_eq!((outcome.level(), outcome.reason()), (Level::Unhealthy, "connection refused"));
/// assert_eq!(CheckOutcome::degraded("replica 40 s behind").level(), Level::Degraded);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    level: Level,
    reason: String,
}

// === impl CheckOutcome ===

impl CheckOutcome {
    /// Creates an outcome: it works.
    #[must_use]
    pub const fn healthy() -> Self {
        Self { level: Level::Healthy, reason: String::new() }
    }

    /// Creates an outcome: it works, but not as it should.
    pub fn degraded(reason: impl Into<String>) -> Self {
        Self::new(Level::Degraded, reason)
    }

    /// Creates an outcome: it does not work.
    pub fn unhealthy(reason: impl Into<String>) -> Self {
        Self::new(Level::Unhealthy, reason)
    }

    /// Creates an outcome from a level and its reason.
    pub fn new(level: Level, reason: impl Into<String>) -> Self {
        Self { level, reason: reason.into() }
    }

    /// Returns the level.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Returns the reason, which may be empty. HTTP responses contain it only with
    /// [`show_details`](crate::HealthBuilder::show_details).
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn into_parts(self) -> (Level, String) {
        (self.level, self.reason)
    }
}

impl From<Level> for CheckOutcome {
    fn from(level: Level) -> Self {
        Self { level, reason: String::new() }
    }
}

impl From<Status> for CheckOutcome {
    fn from(status: Status) -> Self {
        Self { level: status.level, reason: status.reason }
    }
}

impl<E: Display> From<Result<(), E>> for CheckOutcome {
    fn from(result: Result<(), E>) -> Self {
        result.map(|()| Self::healthy()).into()
    }
}

impl<E: Display> From<Result<Self, E>> for CheckOutcome {
    fn from(result: Result<Self, E>) -> Self {
        result.unwrap_or_else(|error| Self::unhealthy(error.to_string()))
    }
}

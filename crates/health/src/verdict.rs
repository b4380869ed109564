//! What a check found.

use std::fmt::Display;

use mainstay_core::{Level, Status};

/// What one run of a check found: a level, and the reason in words for people.
///
/// A check returns anything that becomes one: a `Result` (an error is [`Level::Unhealthy`], its text the reason), a
/// [`Level`], a component's [`Status`], or a verdict made here.
///
/// ```
/// use mainstay_health::{Level, Verdict};
///
/// let verdict: Verdict = Err::<(), _>("connection refused").into();
/// assert_eq!((verdict.level(), verdict.reason()), (Level::Unhealthy, "connection refused"));
/// assert_eq!(Verdict::degraded("replica 40 s behind").level(), Level::Degraded);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    level: Level,
    reason: String,
}

// === impl Verdict ===

impl Verdict {
    /// It works.
    #[must_use]
    pub const fn healthy() -> Self {
        Self { level: Level::Healthy, reason: String::new() }
    }

    /// It works, but not as it should.
    pub fn degraded(reason: impl Into<String>) -> Self {
        Self::new(Level::Degraded, reason)
    }

    /// It does not work.
    pub fn unhealthy(reason: impl Into<String>) -> Self {
        Self::new(Level::Unhealthy, reason)
    }

    /// A level with its reason.
    pub fn new(level: Level, reason: impl Into<String>) -> Self {
        Self { level, reason: reason.into() }
    }

    /// How it is.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Why; empty when there is nothing to say. Shown over HTTP only where details are turned on.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn into_parts(self) -> (Level, String) {
        (self.level, self.reason)
    }
}

impl From<Level> for Verdict {
    fn from(level: Level) -> Self {
        Self { level, reason: String::new() }
    }
}

impl From<Status> for Verdict {
    fn from(status: Status) -> Self {
        Self { level: status.level, reason: status.reason }
    }
}

impl<E: Display> From<Result<(), E>> for Verdict {
    fn from(result: Result<(), E>) -> Self {
        result.map(|()| Self::healthy()).into()
    }
}

impl<E: Display> From<Result<Self, E>> for Verdict {
    fn from(result: Result<Self, E>) -> Self {
        result.unwrap_or_else(|error| Self::unhealthy(error.to_string()))
    }
}

//! What a fallback shows.

use mainstay_core::{Level, Name};

/// The figures of one [`Fallbacks`](crate::Fallbacks).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FallbackSnapshot {
    /// Its name.
    pub name: Name,
    /// Healthy: not in use. Degraded: steps answer. Unhealthy: every step failed lately.
    pub level: Level,
    /// Calls that the steps ran for.
    pub needed: u64,
    /// Calls that a step answered. What is missing from `needed` is under way, or its caller has gone.
    pub answered: u64,
    /// Calls that no step could answer: their callers got the original error.
    pub exhausted: u64,
    /// The steps in their order.
    pub steps: Vec<StepSnapshot>,
}

/// The figures of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct StepSnapshot {
    /// Its name.
    pub name: Name,
    /// Whether it is switched on.
    pub on: bool,
    /// Calls that it answered.
    pub answered: u64,
    /// Calls that it tried to answer, and could not.
    pub failed: u64,
    /// Calls that it had nothing for: no value kept, a request that cannot be copied, a deadline passed.
    pub skipped: u64,
}

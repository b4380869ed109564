//! The figures of a fallback.

use mainstay_core::{Level, Name};

/// The figures of one [`FallbackHandle`](crate::FallbackHandle).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FallbackSnapshot {
    /// The name of the handle.
    pub name: Name,
    /// Healthy: not in use. Degraded: steps answer. Unhealthy: every step failed recently.
    pub level: Level,
    /// The number of calls for which the steps ran.
    pub needed: u64,
    /// The number of calls that a step answered. `needed` is larger while calls are in flight, and by dropped calls.
    pub answered: u64,
    /// The number of calls that no step could answer, so that the caller got the original result.
    pub exhausted: u64,
    /// The steps in order.
    pub steps: Vec<StepSnapshot>,
}

/// The figures of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct StepSnapshot {
    /// The name of the step.
    pub name: Name,
    /// Whether the step is switched on.
    pub on: bool,
    /// The number of calls that the step answered.
    pub answered: u64,
    /// The number of calls that the step failed to answer.
    pub failed: u64,
    /// The number of calls that the step skipped: no cached answer, no copy of the request, or the deadline had passed.
    pub skipped: u64,
}

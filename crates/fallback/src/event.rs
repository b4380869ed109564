//! What happens at a fallback.

use mainstay_core::Name;

/// An event of a [`FallbackHandle`](crate::FallbackHandle): see [`FallbackHandle::events`](crate::FallbackHandle::events).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FallbackEvent {
    /// A step answered in place of the service.
    Answered {
        /// The name of the step.
        step: Name,
    },
    /// A step failed, and the next one runs.
    StepFailed {
        /// The name of the step.
        step: Name,
        /// The error's text. Escape it where it is shown: it comes from outside.
        error: String,
    },
    /// A step could not run, and the next one does.
    StepSkipped {
        /// The name of the step.
        step: Name,
        /// The reason.
        reason: String,
    },
    /// Every step failed, and the caller received the original result.
    Exhausted,
}

// === impl FallbackEvent ===

impl FallbackEvent {
    /// Returns the name as a stable label, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::StepFailed { .. } => "step_failed",
            Self::StepSkipped { .. } => "step_skipped",
            Self::Exhausted => "exhausted",
        }
    }
}

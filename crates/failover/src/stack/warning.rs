//! Settings that have no effect.

use std::fmt;

use mainstay_core::Name;

/// A setting that has no effect, or less than expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The setting's path.
    pub field: &'static str,
    /// The reason, for the log.
    pub reason: String,
}

/// The warnings of one stack.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<Warning>);

// === impl Warnings ===

impl Warnings {
    pub(super) fn add_if(&mut self, is_ineffective: bool, field: &'static str, reason: impl FnOnce() -> String) {
        if is_ineffective {
            self.0.push(Warning { field, reason: reason() });
        }
    }

    pub(super) fn log(self, stack: &Name) -> Vec<Warning> {
        for warning in &self.0 {
            tracing::warn!(%stack, setting = warning.field, "{}", warning.reason);
        }
        self.0
    }
}

// === impl Warning ===

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

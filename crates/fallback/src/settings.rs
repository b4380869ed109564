//! When a fallback runs.

use std::time::Duration;

use mainstay_core::{
    Class, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of [`Fallbacks`](crate::Fallbacks): which outcomes the steps run for.
///
/// Success and `Ignored` (the caller's own mistake, a 4xx, a cancellation) cannot be chosen: a fallback would hide
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct FallbackSettings {
    /// The dependency failed. Default true.
    pub on_failure: bool,
    /// The dependency said that it is too busy. Default true.
    pub on_overloaded: bool,
    /// One of our own layers refused: an open breaker, a full bulkhead. Default true.
    pub on_rejected: bool,
    /// How long after its last use the status says that the fallback is in use, so that a dependency which fails now
    /// and then does not make it flap. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub settle_after: Duration,
}

// === impl FallbackSettings ===

impl FallbackSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// No outcome chosen at all (switch the steps off instead); `settle_after` below a millisecond or above a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if !(self.on_failure || self.on_overloaded || self.on_rejected) {
            let allowed = "must be true unless on_overloaded or on_rejected is: a fallback for nothing never runs";
            return Err(InvalidSetting::new("on_failure", false, allowed));
        }
        settings::duration("settle_after", self.settle_after, SHORTEST..=LONGEST)
    }

    /// Whether the steps run for an outcome of this class.
    #[must_use]
    pub fn covers(&self, class: Class) -> bool {
        match class {
            Class::Failure => self.on_failure,
            Class::Overloaded => self.on_overloaded,
            Class::Rejected => self.on_rejected,
            _ => false,
        }
    }
}

impl Default for FallbackSettings {
    fn default() -> Self {
        Self { on_failure: true, on_overloaded: true, on_rejected: true, settle_after: Duration::from_secs(10) }
    }
}

//! The settings of a fallback.

use std::time::Duration;

use mainstay_core::{
    Class, InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of [`FallbackHandle`](crate::FallbackHandle): which outcomes the steps run for.
///
/// Success and `Ignored` (the caller's mistake, a 4xx, a cancellation) cannot be selected, because a fallback would hide
/// them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct FallbackSettings {
    /// Whether the steps run if the dependency failed. Default true.
    pub on_failure: bool,
    /// Whether the steps run if the dependency is overloaded. Default true.
    pub on_overloaded: bool,
    /// Whether the steps run if another layer rejected the request: an open breaker, a full bulkhead. Default true.
    pub on_rejected: bool,
    /// The time after the last use during which the status reports the fallback as in use, so that occasional failures
    /// do not make the status flap. Default 10 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub settle_after: Duration,
}

// === impl FallbackSettings ===

impl FallbackSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// No class is selected (switch the steps off instead); `settle_after` below a millisecond or above a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if !(self.on_failure || self.on_overloaded || self.on_rejected) {
            let allowed = "must be true unless on_overloaded or on_rejected is true; otherwise the fallback never runs";
            return Err(InvalidSetting::new("on_failure", false, allowed));
        }
        settings::duration("settle_after", self.settle_after, SHORTEST..=LONGEST)
    }

    /// Returns whether the steps run for an outcome of this class.
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

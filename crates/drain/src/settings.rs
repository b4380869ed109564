//! The durations of a drain's phases.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST},
};

/// The durations of a drain's phases.
///
/// The orchestrator's own limit must exceed their sum plus the hooks' limits: Kubernetes kills the process after
/// `terminationGracePeriodSeconds`, 30 s unless set, which the defaults fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct DrainSettings {
    /// The time from "not ready" until the listener closes. Default 5 s: load balancers send requests until they have
    /// noticed, and a listener that closes sooner turns those requests into errors. Zero: no delay.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub drain_delay: Duration,
    /// The time that requests in flight have after that. Default 20 s. Zero: they are aborted at once.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub drain_timeout: Duration,
}

// === impl DrainSettings ===

impl DrainSettings {
    /// Checks the values.
    ///
    /// # Errors
    /// A duration above a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("drain_delay", self.drain_delay, Duration::ZERO..=LONGEST)?;
        settings::duration("drain_timeout", self.drain_timeout, Duration::ZERO..=LONGEST)
    }
}

impl Default for DrainSettings {
    fn default() -> Self {
        Self { drain_delay: Duration::from_secs(5), drain_timeout: Duration::from_secs(20) }
    }
}

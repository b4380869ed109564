//! How long the phases may last.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST},
};

/// How long the phases of a drain may last.
///
/// The orchestrator's own patience must be longer than both and the hooks together: Kubernetes kills after
/// `terminationGracePeriodSeconds`, 30 s unless set, which the defaults fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct DrainSettings {
    /// From "not ready" until nothing new is accepted. Default 5 s: load balancers go on sending until they have
    /// noticed, and a listener that closes sooner turns those requests into errors. Zero: none.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub drain_delay: Duration,
    /// How long requests in flight may go on after that. Default 20 s. Zero: they are cut off at once.
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

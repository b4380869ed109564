//! The settings of the hold.

use std::time::Duration;

use mainstay_circuit_breaker::{Growth, OpenSettings};
use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// The minimum time that traffic stays away from an endpoint that was left: `min(base * k, max)`, where k is the number
/// of consecutive departures.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct HoldSettings {
    /// The first hold. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub base: Duration,
    /// The longest hold. Default 300 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max: Duration,
    /// The largest share that jitter adds to a hold, 0..=0.5, so that a fleet does not return at once. Default 0.1.
    pub jitter: f64,
    /// After a return, each period of this length without a departure lowers k by one. Default 300 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub decay: Duration,
}

// === impl HoldSettings ===

impl HoldSettings {
    /// Returns the breaker's settings. Its jitter has both directions and a hold is a minimum, so the middle is moved up
    /// by half of the jitter.
    pub(super) fn open(&self) -> OpenSettings {
        let middle = 1.0 + self.jitter / 2.0;
        OpenSettings {
            base: self.base.mul_f64(middle),
            max: self.max.mul_f64(middle),
            growth: Growth::Linear,
            jitter: self.jitter / 2.0 / middle,
            decay: self.decay,
            refusals_per_trial: None,
        }
    }

    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("base", self.base, SHORTEST..=LONGEST)?;
        settings::duration("max", self.max, Duration::ZERO..=LONGEST / 2)?;
        settings::at_least("max", self.max, "base", self.base)?;
        settings::duration("decay", self.decay, SHORTEST..=LONGEST)?;
        match (0.0..=0.5).contains(&self.jitter) {
            true => Ok(()),
            false => Err(InvalidSetting::new("jitter", self.jitter, "must be 0 to 0.5")),
        }
    }
}

impl Default for HoldSettings {
    fn default() -> Self {
        let base = Duration::from_secs(30);
        Self { base, max: 10 * base, jitter: 0.1, decay: 10 * base }
    }
}

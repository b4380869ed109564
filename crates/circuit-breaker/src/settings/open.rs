//! How long an open breaker stays open.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// How long an open breaker stays open: `base`, grown with each opening in a row, up to `max`, plus or minus jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct OpenSettings {
    /// The first opening. Default 0.5 s: 30-60 s, as other libraries have it, is 30-60 s of refusals after a
    /// hiccup of one.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub base: Duration,
    /// The longest. Default 8 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max: Duration,
    /// How it grows with the k-th opening in a row.
    pub growth: Growth,
    /// The share by which chance changes it, 0..=0.5. Default 0.1.
    pub jitter: f64,
    /// After closing, each period of this length without an opening takes one step of growth back. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub decay: Duration,
}

/// How the time grows with the k-th opening in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Growth {
    /// `base * 2^(k-1)`.
    Doubling,
    /// `base * k`.
    Linear,
    /// `base`.
    Constant,
}

// === impl OpenSettings ===

impl OpenSettings {
    /// The same time for every opening.
    #[must_use]
    pub fn constant(time: Duration) -> Self {
        Self { base: time, max: time, growth: Growth::Constant, ..Self::default() }
    }

    /// The time of the k-th opening in a row, before jitter.
    #[must_use]
    pub fn time(&self, openings: u32) -> Duration {
        let steps = openings.max(1) - 1;
        let grown = match self.growth {
            Growth::Doubling => self.base.saturating_mul(1_u32.checked_shl(steps).unwrap_or(u32::MAX)),
            Growth::Linear => self.base.saturating_mul(steps.saturating_add(1)),
            Growth::Constant => self.base,
        };
        grown.min(self.max)
    }

    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("base", self.base, SHORTEST..=LONGEST)?;
        settings::duration("max", self.max, self.base..=LONGEST)?;
        settings::duration("decay", self.decay, SHORTEST..=LONGEST)?;
        match (0.0..=0.5).contains(&self.jitter) {
            true => Ok(()),
            false => Err(InvalidSetting::new("jitter", self.jitter, "must be 0 to 0.5")),
        }
    }
}

impl Default for OpenSettings {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            max: Duration::from_secs(8),
            growth: Growth::Doubling,
            jitter: 0.1,
            decay: Duration::from_secs(30),
        }
    }
}

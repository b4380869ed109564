//! The time that an open breaker stays open.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// The time that an open breaker stays open: `base`, grown with each consecutive opening up to `max`, plus or minus
/// jitter.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct OpenSettings {
    /// The time of the first opening. Default 0.5 s: the 30-60 s of other libraries are 30-60 s of refusals after a
    /// fault of one second.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub base: Duration,
    /// The maximum. Default 8 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max: Duration,
    /// How the time grows with the k-th consecutive opening.
    pub growth: Growth,
    /// The random share that is added or subtracted, 0..=0.5. Default 0.1.
    pub jitter: f64,
    /// After closing, each period of this length without an opening takes back one step of growth. Default 30 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub decay: Duration,
    /// The number of refused calls after which a trial call is admitted although the open time has not passed; not before
    /// `base` has passed since the breaker opened or the last trial call began, or the time that the server asked for. The
    /// calls that are refused while a trial call runs count too, whatever its result. It bounds what a recovered dependency loses in calls
    /// instead of seconds, and the calls to one that is down to a share of the traffic. A half-open breaker admits further
    /// trial calls at the same pace until one has succeeded. Default 60, 1.6 % of the calls; `None`: the time alone decides,
    /// and a half-open breaker admits all its trial calls at once.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub refusals_per_trial: Option<u32>,
}

/// How the time grows with the k-th consecutive opening.
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

mainstay_core::labels! {
    Growth:
    Doubling => "doubling",
    Linear => "linear",
    Constant => "constant",
}

// === impl OpenSettings ===

impl OpenSettings {
    /// Returns settings with the same time for every opening, however many calls are refused.
    #[must_use]
    pub fn constant(time: Duration) -> Self {
        Self { base: time, max: time, growth: Growth::Constant, refusals_per_trial: None, ..Self::default() }
    }

    /// Returns the time of the k-th consecutive opening, before jitter.
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
        settings::duration("max", self.max, Duration::ZERO..=LONGEST)?;
        settings::at_least("max", self.max, "base", self.base)?;
        settings::duration("decay", self.decay, SHORTEST..=LONGEST)?;
        if let Some(refusals) = self.refusals_per_trial {
            settings::count("refusals_per_trial", refusals.into(), 1..=1_000_000)?;
        }
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
            refusals_per_trial: Some(60),
        }
    }
}

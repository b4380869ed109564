//! What a breaker can be told.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting, Window,
    settings::{self, LONGEST, SHORTEST},
};

mod open;
mod recovery;

pub use open::{Growth, OpenSettings};
pub use recovery::{Recovery, TrialCriteria};

/// Settings of a [`Breaker`](crate::Breaker). Any enabled rule opens it.
///
/// The default opens at 50 % failures among the last 100 calls, of which at least 20 were made, for half a second at
/// first. Presets by name: [`standard`](Self::standard), [`quick`](Self::quick), [`sensitive`](Self::sensitive).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct BreakerSettings {
    /// Opens after this many failures in a row. Overloads neither lengthen nor end the row. Default: off.
    pub consecutive_failures: Option<u32>,
    /// Opens when at least this share of the window failed, 0..=1. Default 0.5.
    pub failure_rate: Option<f64>,
    /// Opens when at least a share of the window was slow. Costs two clock reads per call. Default: off.
    pub slow_calls: Option<SlowCalls>,
    /// What the rates are taken over. Default: the last 100 calls.
    pub window: WindowSettings,
    /// Below this many calls in the window a rate says nothing. Default 20.
    pub minimum_calls: u32,
    /// A call that its caller gave up on after this long counts as a failure, so that `timeout(breaker(..))` opens over
    /// a hung backend; one given up sooner says nothing. Costs one clock read for a call that does not answer at
    /// once. Default 1 s; `None` turns it off.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub abandoned_after: Option<Duration>,
    /// How long it stays open.
    pub open: OpenSettings,
    /// How it finds out that the dependency is back.
    pub recovery: Recovery,
    /// After closing, admit a growing share of calls, from 10 % to all, over this long. Default: off.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ramp: Option<Duration>,
}

/// When a call is slow, and what share of slow calls is too many.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SlowCalls {
    /// A call that took at least this long is slow, whatever its outcome. A slow trial call counts as a failure.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub duration: Duration,
    /// Opens when at least this share of the window was slow, 0..=1.
    pub rate: f64,
}

/// What rates are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum WindowSettings {
    /// The last N calls. Up to 104 fit one atomic word.
    LastCalls(u32),
    /// The calls of the last T, in ten slices.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    Last(Duration),
}

// === impl BreakerSettings ===

impl BreakerSettings {
    /// 5 failures in a row or 50 % of the last 300 s, open for 60 s, closed by 3 successes. A minute of refusals
    /// after a hiccup is what it costs.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            consecutive_failures: Some(5),
            window: WindowSettings::Last(Duration::from_secs(300)),
            open: OpenSettings::constant(Duration::from_secs(60)),
            ..Self::default()
        }
    }

    /// 5 failures in a row, open for 30 s, 3 trial calls.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            consecutive_failures: Some(5),
            failure_rate: None,
            open: OpenSettings::constant(Duration::from_secs(30)),
            ..Self::default()
        }
    }

    /// 3 failures in a row, open for 30 s, closed by 2 successes.
    #[must_use]
    pub fn sensitive() -> Self {
        Self {
            consecutive_failures: Some(3),
            failure_rate: None,
            open: OpenSettings::constant(Duration::from_secs(30)),
            recovery: Recovery::trials(2),
            ..Self::default()
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range, or no rule at all.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if let Some(failures) = self.consecutive_failures {
            settings::count("consecutive_failures", failures.into(), 1..=1_000_000)?;
        }
        if let Some(rate) = self.failure_rate {
            settings::rate("failure_rate", rate)?;
        }
        if let Some(slow) = self.slow_calls {
            settings::duration("slow_calls.duration", slow.duration, SHORTEST..=LONGEST)?;
            settings::rate("slow_calls.rate", slow.rate)?;
        }
        self.window.validate(self.minimum_calls)?;
        if let Some(after) = self.abandoned_after {
            settings::duration("abandoned_after", after, SHORTEST..=LONGEST)?;
        }
        if let Some(ramp) = self.ramp {
            settings::duration("ramp", ramp, SHORTEST..=LONGEST)?;
        }
        self.open.validate().map_err(|error| error.within("open"))?;
        self.recovery.validate().map_err(|error| error.within("recovery"))
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            consecutive_failures: None,
            failure_rate: Some(0.5),
            slow_calls: None,
            window: WindowSettings::LastCalls(100),
            minimum_calls: 20,
            abandoned_after: Some(Duration::from_secs(1)),
            open: OpenSettings::default(),
            recovery: Recovery::trials(3),
            ramp: None,
        }
    }
}

// === impl WindowSettings ===

impl WindowSettings {
    pub(crate) fn build(self) -> Window {
        match self {
            Self::LastCalls(n) => Window::last_calls(n),
            Self::Last(span) => Window::last(span),
        }
    }

    fn validate(self, minimum_calls: u32) -> Result<(), InvalidSetting> {
        let most = match self {
            Self::LastCalls(n) => {
                settings::count("window.last_calls", n.into(), 1..=1_000_000)?;
                n
            }
            Self::Last(span) => {
                settings::duration("window.last", span, Duration::from_millis(10)..=LONGEST)?;
                u32::MAX
            }
        };
        settings::count("minimum_calls", minimum_calls.into(), 1..=most.into())
    }
}

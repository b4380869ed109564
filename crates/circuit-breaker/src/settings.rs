//! The settings of a breaker.

use std::{fmt, time::Duration};

use mainstay_core::{
    InvalidSetting, Window,
    settings::{self, LONGEST, SHORTEST, human},
};

use crate::Recovery;

mod open;

pub use open::{Growth, OpenSettings};

/// Settings of a [`Breaker`](crate::Breaker). Any rule that is on can open it.
///
/// The default opens after 10 consecutive failures, or at 50 % failures among the last 100 calls, once there are 20, for
/// half a second at first. Presets:
/// [`standard`](Self::standard), [`quick`](Self::quick), [`sensitive`](Self::sensitive).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct BreakerSettings {
    /// Opens after this many consecutive failures. Overloads neither lengthen nor end the streak. Default 10: after a
    /// hundred successes the rate alone needs 50 failures, which callers that wait for a dead dependency take seconds to
    /// collect. At 20 % independent failures ten in a row come once in ten million calls.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub consecutive_failures: Option<u32>,
    /// Opens when at least this share of the window failed, 0..=1. Default 0.5.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub failure_rate: Option<f64>,
    /// Opens when at least a share of the window was slow. Costs two clock reads per call. Default: off.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off"))]
    pub slow_calls: Option<SlowCalls>,
    /// The calls over which the rates are taken. Default: the last 100.
    pub window: WindowSettings,
    /// The number of calls in the window below which no rate opens the breaker. Default 20.
    pub minimum_calls: u32,
    /// A call that its caller drops after this time counts as a failure, so that `timeout(breaker(..))` opens over a
    /// hung backend. A call that is dropped sooner counts for nothing. Costs one clock read for a call that is pending at
    /// its first poll. Default 1 s; `None` turns it off.
    ///
    /// This time, that of slow calls and the lease of a trial call run from the last byte of the request's body, where the
    /// policy knows its [`UploadClock`](mainstay_core::UploadClock): the time that a caller takes for its upload says nothing
    /// about the dependency.
    ///
    /// The tasks that a runtime drops when it ends count for nothing, also in a breaker that another runtime shares. Three
    /// kinds of dropped calls cannot be told from callers that give up: those outside of tokio's runtimes, those of a
    /// `LocalSet` or of futures that are kept outside of the runtime's tasks, and those whose task or connection is ended
    /// by the program. If a program ends many of these at once, it drains them first, or turns this off.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub abandoned_after: Option<Duration>,
    /// The time that an open breaker stays open.
    pub open: OpenSettings,
    /// How an open breaker detects that the dependency is back.
    pub recovery: Recovery,
    /// The time after closing over which the share of admitted calls grows from 10 % to all. Default: off.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub ramp: Option<Duration>,
}

/// The rule for slow calls.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct SlowCalls {
    /// The duration from which on a call is slow, whatever its outcome. A slow trial call counts as a failure.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub duration: Duration,
    /// Opens when at least this share of the window was slow, 0..=1.
    pub rate: f64,
}

/// The calls over which rates are taken.
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
    /// Opens after 5 consecutive failures or at 50 % failures of the last 300 s, for 60 s; closes after 3 successes. Its
    /// price is a minute of refusals after a short fault.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            consecutive_failures: Some(5),
            window: WindowSettings::Last(Duration::from_secs(300)),
            open: OpenSettings::constant(Duration::from_secs(60)),
            ..Self::default()
        }
    }

    /// Opens after 5 consecutive failures, for 30 s; closes after 3 successes.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            consecutive_failures: Some(5),
            failure_rate: None,
            open: OpenSettings::constant(Duration::from_secs(30)),
            ..Self::default()
        }
    }

    /// Opens after 3 consecutive failures, for 30 s; closes after 2 successes.
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
    /// A field out of its range, or no rule that is on.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if (self.consecutive_failures, self.failure_rate, self.slow_calls) == (None, None, None) {
            let allowed = "can't be off while every rule is off: set consecutive_failures, failure_rate or slow_calls";
            return Err(InvalidSetting::new("failure_rate", "none", allowed));
        }
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
            consecutive_failures: Some(10),
            failure_rate: Some(0.5),
            slow_calls: None,
            window: WindowSettings::LastCalls(100),
            minimum_calls: 20,
            abandoned_after: Some(Duration::from_secs(1)),
            open: OpenSettings::default(),
            recovery: Recovery::default(),
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
        settings::count("minimum_calls", minimum_calls.into(), 1..=u32::MAX.into())?;
        match self {
            Self::LastCalls(n) => {
                settings::count("window.last_calls", n.into(), 1..=1_000_000)?;
                match minimum_calls > n {
                    true => {
                        let allowed = format!("must be at most window.last_calls, {n}");
                        Err(InvalidSetting::new("minimum_calls", minimum_calls, allowed)
                            .bounded_by("window.last_calls"))
                    }
                    false => Ok(()),
                }
            }
            Self::Last(span) => settings::duration("window.last", span, Duration::from_millis(10)..=LONGEST),
        }
    }
}

/// The form of a settings file.
impl fmt::Display for WindowSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LastCalls(n) => write!(f, "{{ last_calls = {n} }}"),
            Self::Last(span) => write!(f, "{{ last = \"{}\" }}", human(*span)),
        }
    }
}

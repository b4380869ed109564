//! One check: what to ask, how often, and what its answer weighs.

use std::{fmt, ops::RangeInclusive, pin::Pin, sync::Arc, time::Duration};

use mainstay_core::{
    InvalidSetting, Name,
    settings::{self, LONGEST, SHORTEST},
};

use crate::Verdict;

/// An async function that says whether something works, with its schedule.
///
/// ```
/// use std::time::Duration;
/// use mainstay_health::Check;
///
/// # async fn ping() -> std::io::Result<()> { Ok(()) }
/// let check = Check::new("database", || async { ping().await })
///     .critical()
///     .interval(Duration::from_secs(10))
///     .timeout(Duration::from_millis(500));
/// # let _ = check;
/// ```
#[derive(Clone)]
pub struct Check {
    name: Name,
    probe: Probe,
    settings: CheckSettings,
}

/// A check's schedule and weight.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct CheckSettings {
    /// Whether the process can do nothing useful without it. A critical check that is unhealthy or unknown makes the
    /// process not ready; any other makes it degraded at worst. Default `false`: a dependency shared by all replicas
    /// that is declared critical takes all of them out at once.
    pub critical: bool,
    /// From the start of one run to the start of the next, 10 % more or less. Default 5 s: it is read by probes that
    /// come every few seconds, so quicker is unseen.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval: Duration,
    /// How long one run may take; below the interval. Default 1 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
    /// Runs that must fail in a row before a working dependency counts as down. Default 3 (HAProxy's): one lost
    /// packet must not take every replica out of rotation at once.
    pub fall: u32,
    /// Runs that must pass in a row before a failed dependency counts as up. Default 2 (HAProxy's).
    pub rise: u32,
}

pub(crate) type Probe = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Verdict> + Send>> + Send + Sync>;

const RUNS: RangeInclusive<u64> = 1..=1_000;

// === impl Check ===

impl Check {
    /// A check with the default settings: not critical, every 5 s.
    ///
    /// The function is called once a run, in a task of its own: it may panic, hang or block without harm to other
    /// checks or to the endpoints. A run that takes too long is dropped.
    pub fn new<F, Fut>(name: impl Into<Name>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Verdict>> + Send + 'static,
    {
        let probe: Probe = Arc::new(move || {
            let run = check();
            Box::pin(async move { run.await.into() })
        });
        Self { name: name.into(), probe, settings: CheckSettings::default() }
    }

    /// Replaces all settings.
    #[must_use]
    pub fn with_settings(mut self, settings: CheckSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Declares that the process can do nothing useful without it.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.settings.critical = true;
        self
    }

    /// How often it runs.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// How long one run may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// How many runs must fail in a row before it counts as down.
    #[must_use]
    pub fn fall(mut self, runs: u32) -> Self {
        self.settings.fall = runs;
        self
    }

    /// How many runs must pass in a row before it counts as up again.
    #[must_use]
    pub fn rise(mut self, runs: u32) -> Self {
        self.settings.rise = runs;
        self
    }

    /// The name it is shown under.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn into_parts(self) -> (Name, Probe, CheckSettings) {
        (self.name, self.probe, self.settings)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}

// === impl CheckSettings ===

impl CheckSettings {
    /// Checks the values.
    ///
    /// # Errors
    /// An interval outside 1 ms to a year, a timeout that is zero or not below the interval, a threshold outside
    /// 1 to 1,000.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("interval", self.interval, SHORTEST * 2..=LONGEST)?;
        if self.timeout < SHORTEST || self.timeout >= self.interval {
            let allowed = format!("must be at least {SHORTEST:?} and below the interval ({:?})", self.interval);
            return Err(InvalidSetting::new("timeout", format!("{:?}", self.timeout), allowed));
        }
        settings::count("fall", self.fall.into(), RUNS)?;
        settings::count("rise", self.rise.into(), RUNS)
    }
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self { critical: false, interval: Duration::from_secs(5), timeout: Duration::from_secs(1), fall: 3, rise: 2 }
    }
}

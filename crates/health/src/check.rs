//! One check: its function, schedule and thresholds.

use std::{fmt, ops::RangeInclusive, pin::Pin, sync::Arc, time::Duration};

use mainstay_core::{
    InvalidSetting, Name,
    settings::{self, LONGEST, SHORTEST},
};

use crate::outcome::CheckOutcome;

/// An async function that checks whether something works, with its schedule.
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
    run: RunCheck,
    settings: CheckSettings,
}

/// The schedule and thresholds of a check.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct CheckSettings {
    /// Whether the process cannot work without it. A critical check that is unhealthy or unknown makes the
    /// process not ready; any other makes it degraded at worst. Default `false`: a dependency shared by all replicas
    /// that is declared critical takes all of them out at once.
    pub critical: bool,
    /// The time from the start of one run to the start of the next, +-10 %. Default 5 s: orchestrators probe every few
    /// seconds, so a shorter interval shows nothing more.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval: Duration,
    /// The time limit of one run; below the interval. Default (`None`): 1 s, or half of the interval if that is shorter.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Option<Duration>,
    /// Consecutive failures after which a working dependency counts as down. Default 3 (HAProxy's): one lost packet must
    /// not take every replica out of rotation at once.
    pub fall: u32,
    /// Consecutive successes after which a failed dependency counts as up. Default 2 (HAProxy's).
    pub rise: u32,
}

pub(crate) type RunCheck = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = CheckOutcome> + Send>> + Send + Sync>;

const THRESHOLD: RangeInclusive<u64> = 1..=1_000;
const LONGEST_DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);

// === impl Check ===

impl Check {
    /// Creates a check with the default settings: not critical, every 5 s.
    ///
    /// The function is called once per run. It and its future run on tokio's threads for blocking work: a panic, a hang
    /// or a blocked thread does not affect other checks or the endpoints. A run that exceeds the timeout is dropped; one
    /// that blocks its thread cannot be stopped, and the next run waits for its end.
    pub fn new<F, Fut>(name: impl Into<Name>, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<CheckOutcome>> + Send + 'static,
    {
        let run: RunCheck = Arc::new(move || {
            let outcome = check();
            Box::pin(async move { outcome.await.into() })
        });
        Self { name: name.into(), run, settings: CheckSettings::default() }
    }

    /// Replaces all settings.
    #[must_use]
    pub fn with_settings(mut self, settings: CheckSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Declares that the process cannot work without it.
    #[must_use]
    pub fn critical(mut self) -> Self {
        self.settings.critical = true;
        self
    }

    /// Sets the interval between runs. The default timeout follows it.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Sets the time limit of one run.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Sets the number of consecutive failures after which it counts as down.
    #[must_use]
    pub fn fall(mut self, failures: u32) -> Self {
        self.settings.fall = failures;
        self
    }

    /// Sets the number of consecutive successes after which it counts as up again.
    #[must_use]
    pub fn rise(mut self, successes: u32) -> Self {
        self.settings.rise = successes;
        self
    }

    /// Returns the name that reports show.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    pub(crate) fn into_parts(self) -> (Name, RunCheck, CheckSettings) {
        (self.name, self.run, self.settings)
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("name", &self.name).field("settings", &self.settings).finish_non_exhaustive()
    }
}

// === impl CheckSettings ===

impl CheckSettings {
    /// Returns the time limit of one run: the timeout, or its default for this interval.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        self.timeout.unwrap_or_else(|| LONGEST_DEFAULT_TIMEOUT.min(self.interval / 2))
    }

    /// Checks the values.
    ///
    /// # Errors
    /// An interval outside 1 ms to a year, a timeout that is zero or not below the interval, a threshold outside
    /// 1 to 1,000.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("interval", self.interval, SHORTEST * 2..=LONGEST)?;
        let limit = self.time_limit();
        settings::duration("timeout", limit, SHORTEST..=LONGEST)?;
        settings::below("timeout", limit, "interval", self.interval)?;
        settings::count("fall", self.fall.into(), THRESHOLD)?;
        settings::count("rise", self.rise.into(), THRESHOLD)
    }
}

impl Default for CheckSettings {
    fn default() -> Self {
        Self { critical: false, interval: Duration::from_secs(5), timeout: None, fall: 3, rise: 2 }
    }
}

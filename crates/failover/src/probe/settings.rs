//! Settings of the probes.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of the probes of all endpoints of a failover.
///
/// Three defaults follow the interval, in a file and in [`ProbeSettings::every`]: the other intervals and the timeout.
///
/// ```
/// use std::time::Duration;
/// use mainstay_failover::ProbeSettings;
///
/// let probe = ProbeSettings { failures: 3, ..ProbeSettings::every(Duration::from_secs(1)) };
/// assert_eq!(probe.timeout, Duration::from_millis(500));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(from = "Given"))]
pub struct ProbeSettings {
    /// The time from the start of one round to the next, plus or minus 10 %. Default 5 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval: Duration,
    /// The interval while failures or recovery successes are being counted, while only probes keep an endpoint away after
    /// its hold, and while all endpoints are down. At most `interval`. Default 1 s, or `interval` if that is shorter.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval_counting: Duration,
    /// The interval for a healthy endpoint that is not in use. At least `interval`. Default 60 s, or `interval` if that is
    /// longer.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval_idle: Duration,
    /// The timeout of one attempt. Below `interval`. Default 1 s, or half of `interval` if that is shorter.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
    /// The number of further attempts after a failed one; the first success ends the round. Default 2.
    pub max_retries: u32,
    /// The wait before the n-th further attempt is `backoff_base * 2^(n-1)`. Default 0.5 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub backoff_base: Duration,
    /// Leave an endpoint after this many consecutive rounds failed, whatever its requests say. Default 2.
    pub failures: u32,
    /// What starts the rounds. Default: a background task.
    pub driven: Driven,
}

/// Settings as a file has them. A default that follows the interval is known once the interval is.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    #[serde(with = "humantime_serde")]
    interval: Duration,
    #[serde(with = "humantime_serde")]
    interval_counting: Option<Duration>,
    #[serde(with = "humantime_serde")]
    interval_idle: Option<Duration>,
    #[serde(with = "humantime_serde")]
    timeout: Option<Duration>,
    max_retries: u32,
    #[serde(with = "humantime_serde")]
    backoff_base: Duration,
    failures: u32,
    driven: Driven,
}

/// What starts probe rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Driven {
    /// A background task for each endpoint. It ends when the last handle and service are dropped.
    #[default]
    Background,
    /// Requests: each starts the rounds that are due, without waiting for them. A process without traffic makes no
    /// probes, and the first request after a quiet time is sent by an old outcome.
    Traffic,
    /// Only [`FailoverHandle::check_now`](crate::FailoverHandle::check_now).
    Manual,
}

mainstay_core::labels! {
    Driven:
    Background => "background",
    Traffic => "traffic",
    Manual => "manual",
}

// === impl ProbeSettings ===

impl ProbeSettings {
    /// Returns the defaults for this interval.
    #[must_use]
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            interval_counting: Duration::from_secs(1).min(interval),
            interval_idle: Duration::from_secs(60).max(interval),
            timeout: Duration::from_secs(1).min(interval / 2),
            max_retries: 2,
            backoff_base: Duration::from_millis(500),
            failures: 2,
            driven: Driven::Background,
        }
    }

    /// Returns the duration of the longest round, in which every attempt times out.
    #[must_use]
    pub fn longest_round(&self) -> Duration {
        let timeouts = self.timeout.saturating_mul(self.max_retries.saturating_add(1));
        (1..=self.max_retries).fold(timeouts, |sum, retry| sum.saturating_add(self.backoff(retry)))
    }

    /// Returns the age up to which a success counts for the recovery: two intervals and a round.
    #[must_use]
    pub fn fresh_for(&self) -> Duration {
        self.interval.saturating_mul(2).saturating_add(self.longest_round())
    }

    /// Returns the wait before the n-th further attempt.
    pub(crate) fn backoff(&self, retry: u32) -> Duration {
        let factor = 1_u32.checked_shl(retry.max(1) - 1).unwrap_or(u32::MAX);
        self.backoff_base.saturating_mul(factor)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range; a timeout that is not below the interval.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("interval", self.interval, SHORTEST..=LONGEST / 4)?;
        settings::duration("interval_counting", self.interval_counting, SHORTEST..=LONGEST)?;
        settings::at_most("interval_counting", self.interval_counting, "interval", self.interval)?;
        settings::duration("interval_idle", self.interval_idle, SHORTEST..=LONGEST)?;
        settings::at_least("interval_idle", self.interval_idle, "interval", self.interval)?;
        settings::duration("timeout", self.timeout, SHORTEST..=LONGEST)?;
        settings::below("timeout", self.timeout, "interval", self.interval)?;
        settings::count("failures", self.failures.into(), 1..=1_000)?;
        settings::count("max_retries", self.max_retries.into(), 0..=20)?;
        settings::duration("backoff_base", self.backoff_base, Duration::ZERO..=Duration::from_secs(60))
    }
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self::every(Duration::from_secs(5))
    }
}

// === impl Given ===

#[cfg(feature = "serde")]
impl Default for Given {
    fn default() -> Self {
        let ProbeSettings { interval, max_retries, backoff_base, failures, driven, .. } = ProbeSettings::default();
        let (interval_counting, interval_idle, timeout) = (None, None, None);
        Self { interval, interval_counting, interval_idle, timeout, max_retries, backoff_base, failures, driven }
    }
}

#[cfg(feature = "serde")]
impl From<Given> for ProbeSettings {
    fn from(given: Given) -> Self {
        let Given { interval, max_retries, backoff_base, failures, driven, .. } = given;
        let defaults = Self::every(interval);
        Self {
            interval,
            interval_counting: given.interval_counting.unwrap_or(defaults.interval_counting),
            interval_idle: given.interval_idle.unwrap_or(defaults.interval_idle),
            timeout: given.timeout.unwrap_or(defaults.timeout),
            max_retries,
            backoff_base,
            failures,
            driven,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_follow_the_interval() {
        assert_eq!(ProbeSettings::every(Duration::from_secs(5)), ProbeSettings::default());
        for millis in [2, 500, 1_000, 1_500, 5_000, 600_000] {
            ProbeSettings::every(Duration::from_millis(millis)).validate().unwrap();
        }
    }
}

//! How and how often endpoints are probed.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// How endpoints are probed.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct ProbeSettings {
    /// From the start of one round to the next, plus or minus 10 %. Default 5 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval: Duration,
    /// The same while an endpoint counts towards leaving or towards its return. Default 1 s, at most `interval`.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval_counting: Duration,
    /// The same for a healthy endpoint that is not in use. Default 60 s, at least `interval`.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub interval_idle: Duration,
    /// How long one attempt may take. Default 1 s, below `interval`.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
    /// Further attempts of a round after a bad one; the first good one ends the round. Default 2.
    pub max_retries: u32,
    /// The pause before the n-th further attempt: `base * 2^(n-1)`. Default 0.5 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub backoff_base: Duration,
    /// Who drives the rounds. Default: a background task.
    pub driven: Driven,
}

/// Who drives the rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Driven {
    /// A background task per endpoint, which ends with the last handle and service.
    #[default]
    Background,
    /// Requests: each starts the rounds that are due, without waiting for them. A process without traffic sends no
    /// probes, and the first request after a quiet time finds an old outcome.
    Traffic,
    /// Nobody but [`FailoverHandle::check_now`](crate::FailoverHandle::check_now).
    Manual,
}

// === impl ProbeSettings ===

impl ProbeSettings {
    /// How long the longest round takes: every attempt times out.
    #[must_use]
    pub fn longest_round(&self) -> Duration {
        let timeouts = self.timeout.saturating_mul(self.max_retries.saturating_add(1));
        (1..=self.max_retries).fold(timeouts, |sum, retry| sum.saturating_add(self.pause(retry)))
    }

    /// How old a success may be to speak for a return: two intervals and a round.
    #[must_use]
    pub fn fresh_for(&self) -> Duration {
        self.interval.saturating_mul(2).saturating_add(self.longest_round())
    }

    /// The pause before the n-th further attempt.
    pub(crate) fn pause(&self, retry: u32) -> Duration {
        let factor = 1_u32.checked_shl(retry.max(1) - 1).unwrap_or(u32::MAX);
        self.backoff_base.saturating_mul(factor)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range; a timeout that is not below the interval.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("interval", self.interval, SHORTEST..=LONGEST / 4)?;
        settings::duration("interval_counting", self.interval_counting, SHORTEST..=self.interval)?;
        settings::duration("interval_idle", self.interval_idle, self.interval..=LONGEST)?;
        settings::duration("timeout", self.timeout, SHORTEST..=LONGEST)?;
        if self.timeout >= self.interval {
            let allowed = format!("must be below the interval, {:?}", self.interval);
            return Err(InvalidSetting::new("timeout", format!("{:?}", self.timeout), allowed));
        }
        settings::count("max_retries", self.max_retries.into(), 0..=20)?;
        settings::duration("backoff_base", self.backoff_base, Duration::ZERO..=Duration::from_secs(60))
    }
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            interval_counting: Duration::from_secs(1),
            interval_idle: Duration::from_secs(60),
            timeout: Duration::from_secs(1),
            max_retries: 2,
            backoff_base: Duration::from_millis(500),
            driven: Driven::Background,
        }
    }
}

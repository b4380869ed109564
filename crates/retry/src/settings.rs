//! Settings of a retrier, and presets.

use std::time::Duration;

use mainstay_core::{AttemptQuota, Backoff, InvalidSetting, settings};

/// Settings of a [`Retrier`](crate::Retrier).
///
/// ```
/// use std::time::Duration;
/// use mainstay_retry::RetrySettings;
///
/// let settings = RetrySettings { max_attempts: 2, deadline: Some(Duration::from_secs(3)), ..RetrySettings::default() };
/// assert!(settings.validate().is_ok());
/// let wrong = RetrySettings { max_attempts: 0, ..settings };
/// assert_eq!(wrong.validate().unwrap_err().to_string(), "max_attempts = 0: must be 1 to 4294967295");
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct RetrySettings {
    /// The most attempts of a request, the first included. Default 3: more attempts add load and rarely succeed.
    pub max_attempts: u32,
    /// The delay between attempts. Default: 100 ms, doubled each time up to 20 s, full jitter.
    ///
    /// Its cap is also the longest `Retry-After` that a request waits for.
    pub backoff: Backoff,
    /// Whether the success rate scales the backoff. Default: fixed.
    pub scaling: Scaling,
    /// The time from the request's start after which no attempt starts. Default: only the request's own deadline.
    ///
    /// It bounds delays and the start of attempts. To stop a running attempt, add a total timeout.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub deadline: Option<Duration>,
    /// The longest rejection by another layer (an open breaker, a full bulkhead) that a request waits out, as its
    /// `retry_after` says; once for each request, and only if it fits the deadline. Default: none, a rejection is returned
    /// at once.
    ///
    /// Set it where nothing else can answer and few requests wait at the same time. With a fallback outside, waiting only
    /// delays its answer; behind a bulkhead, the requests that wait hold its permits.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub wait_out: Option<Duration>,
    /// The most times that a request is sent by all layers together, if its context carries the quota. Default 4. Below
    /// `max_attempts` it is the number of attempts: the first such request logs a warning.
    pub attempt_quota: u32,
    /// Which attempts are timed. Default: those that read the clock anyway.
    pub timing: Timing,
}

/// Whether the backoff follows the dependency's success rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Scaling {
    /// The backoff is not scaled.
    #[default]
    Fixed,
    /// Delays are shorter at a high success rate and longer at a low one: see [`Adaptive`](crate::Adaptive).
    Adaptive,
}

mainstay_core::labels! {
    Scaling:
    Fixed => "fixed",
    Adaptive => "adaptive",
}

/// Which attempts are timed, for the statistics.
///
/// Timing an attempt reads the clock twice, which costs as much as the rest of a request that succeeds at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Timing {
    /// Attempts under a deadline, which needs the typical latency, and retries.
    #[default]
    WhereNeeded,
    /// Every attempt.
    Every,
}

mainstay_core::labels! {
    Timing:
    WhereNeeded => "where_needed",
    Every => "every",
}

// === impl RetrySettings ===

impl RetrySettings {
    /// Settings for calls over a network: 5 attempts, 1 s doubled up to 30 s.
    #[must_use]
    pub fn network() -> Self {
        let backoff = Backoff::exponential(Duration::from_secs(1)).with_cap(Duration::from_secs(30));
        Self { max_attempts: 5, attempt_quota: 5, backoff, ..Self::default() }
    }

    /// Settings for a database: 3 attempts, 0.5 s doubled up to 10 s.
    #[must_use]
    pub fn database() -> Self {
        let backoff = Backoff::exponential(Duration::from_millis(500)).with_cap(Duration::from_secs(10));
        Self { backoff, ..Self::default() }
    }

    /// Settings for a third-party API: 4 attempts, 2 s times 1.5 up to 60 s.
    ///
    /// The policy decides which statuses are retried: `Http` retries 408, 425, 429, 500, 502, 503 and 504.
    #[must_use]
    pub fn api() -> Self {
        let backoff = Backoff::exponential(Duration::from_secs(2)).with_factor(1.5).with_cap(Duration::from_secs(60));
        Self { max_attempts: 4, backoff, ..Self::default() }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// No attempts, an empty quota, a deadline or `wait_out` below 1 ms or above a year, an invalid backoff.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("max_attempts", self.max_attempts.into(), 1..=u32::MAX.into())?;
        settings::count("attempt_quota", self.attempt_quota.into(), 1..=u32::MAX.into())?;
        if let Some(deadline) = self.deadline {
            settings::duration("deadline", deadline, settings::SHORTEST..=settings::LONGEST)?;
        }
        if let Some(wait_out) = self.wait_out {
            settings::duration("wait_out", wait_out, settings::SHORTEST..=settings::LONGEST)?;
        }
        self.backoff.validate().map_err(|wrong| wrong.within("backoff"))
    }
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            backoff: Backoff::default(),
            scaling: Scaling::default(),
            deadline: None,
            wait_out: None,
            attempt_quota: AttemptQuota::DEFAULT,
            timing: Timing::default(),
        }
    }
}

//! Settings of a retrier, and the presets by name.

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
    /// How often a request is sent at most, the first time included. Default 3: more add load, and hardly success.
    pub max_attempts: u32,
    /// The wait between attempts. Default: 100 ms, doubled each time up to 20 s, full jitter.
    ///
    /// Its cap is also the longest `Retry-After` that is waited for.
    pub backoff: Backoff,
    /// Whether the rate of success scales the backoff. Default: fixed.
    pub scaling: Scaling,
    /// How long after its start a request may still be attempted. Default: no limit but the request's own.
    ///
    /// Bounds waiting and starting; a total timeout is what cuts a running attempt off.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub deadline: Option<Duration>,
    /// How often a request may be sent over all layers that repeat it, where its context carries that count.
    /// Default 4.
    pub attempt_quota: u32,
    /// Which attempts are timed. Default: where it costs nothing extra.
    pub timing: Timing,
}

/// Whether the backoff follows the dependency's rate of success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Scaling {
    /// The backoff as it is.
    #[default]
    Fixed,
    /// Shorter while nearly all succeeds, longer while much fails: see [`Adaptive`](crate::Adaptive).
    Adaptive,
}

/// Which attempts are timed, for the statistics.
///
/// Timing an attempt takes two looks at the clock, as much as all the rest of a request that succeeds at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Timing {
    /// Attempts under a deadline (which needs to know the typical latency) and repeats.
    #[default]
    WhereNeeded,
    /// Every attempt.
    Every,
}

// === impl RetrySettings ===

impl RetrySettings {
    /// For calls over a network: 5 attempts, 1 s doubled up to 30 s.
    #[must_use]
    pub fn network() -> Self {
        let backoff = Backoff::exponential(Duration::from_secs(1)).with_cap(Duration::from_secs(30));
        Self { max_attempts: 5, attempt_quota: 5, backoff, ..Self::default() }
    }

    /// For a database: 3 attempts, 0.5 s doubled up to 10 s.
    #[must_use]
    pub fn database() -> Self {
        let backoff = Backoff::exponential(Duration::from_millis(500)).with_cap(Duration::from_secs(10));
        Self { backoff, ..Self::default() }
    }

    /// For somebody else's API: 4 attempts, 2 s times 1.5 up to 60 s.
    ///
    /// Which statuses are repeated is the policy's to say: `Http` repeats 429, 502, 503 and 504, and with them 408,
    /// 425 and 500.
    #[must_use]
    pub fn api() -> Self {
        let backoff = Backoff::exponential(Duration::from_secs(2)).with_factor(1.5).with_cap(Duration::from_secs(60));
        Self { max_attempts: 4, backoff, ..Self::default() }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// No attempt or no send at all, a deadline below 1 ms or above a year, a wrong backoff.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("max_attempts", self.max_attempts.into(), 1..=u32::MAX.into())?;
        settings::count("attempt_quota", self.attempt_quota.into(), 1..=u32::MAX.into())?;
        if let Some(deadline) = self.deadline {
            settings::duration("deadline", deadline, settings::SHORTEST..=settings::LONGEST)?;
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
            attempt_quota: AttemptQuota::DEFAULT,
            timing: Timing::default(),
        }
    }
}

//! How an open breaker recovers: by trial calls or by probes. [`RecoveryState`](crate::recovery_state) follows it.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

use crate::TrialCriteria;

/// How an open breaker detects that the dependency is back.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Recovery {
    /// The breaker becomes half-open and admits a limited number of live calls.
    Trials {
        /// The maximum of trial calls at a time. Default 3. If `refusals_per_trial` is set, they are paced until one has
        /// succeeded.
        permits: u32,
        /// The time that a trial call may take. After it the call counts as a failure and its permit is free. Default
        /// 30 s; keep it above the attempt timeout.
        #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
        lease: Duration,
        /// What the trial calls must show.
        criteria: TrialCriteria,
    },
    /// No live call passes while the breaker is open. Probes report by
    /// [`Breaker::record_probe`](crate::Breaker::record_probe). The breaker closes at the first instant at which the
    /// open time has passed, the last `successes` probes succeeded, and the newest success is fresh.
    Probes {
        /// The number of consecutive successes that closes the breaker.
        successes: u32,
        /// The maximum age of the newest success.
        #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
        fresh_for: Duration,
    },
}

/// The progress of a recovery: trial calls or probes that succeeded, and how many are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RecoveryProgress {
    /// Successes so far.
    pub have: u32,
    /// Successes needed.
    pub need: u32,
}

// === impl Recovery ===

impl Recovery {
    /// The number of trial calls at a time, if no other is set.
    pub const DEFAULT_PERMITS: u32 = 3;
    /// The time that a trial call may take, if no other is set.
    pub const DEFAULT_LEASE: Duration = Duration::from_secs(30);
    /// The number of successful trial calls that closes a breaker, if no other is set.
    pub const DEFAULT_SUCCESSES: u32 = 3;

    /// Returns a recovery by trial calls that closes after this many successes, with the default permits and lease.
    #[must_use]
    pub fn trials(successes: u32) -> Self {
        let criteria = TrialCriteria::Successes(successes);
        Self::Trials { permits: Self::DEFAULT_PERMITS, lease: Self::DEFAULT_LEASE, criteria }
    }

    pub(crate) fn validate(&self) -> Result<(), InvalidSetting> {
        match *self {
            Self::Trials { permits, lease, criteria } => {
                settings::count("trials.permits", permits.into(), 1..=10_000)?;
                settings::duration("trials.lease", lease, SHORTEST..=LONGEST)?;
                criteria.validate().map_err(|error| error.within("trials.criteria"))
            }
            Self::Probes { successes, fresh_for } => {
                settings::count("probes.successes", successes.into(), 1..=1_000_000)?;
                settings::duration("probes.fresh_for", fresh_for, SHORTEST..=LONGEST)
            }
        }
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self::trials(Self::DEFAULT_SUCCESSES)
    }
}

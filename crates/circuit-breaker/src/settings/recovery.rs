//! How an open breaker finds out that the dependency is back.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// How an open breaker finds out that the dependency is back.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Recovery {
    /// Half-open: a few live calls are let through.
    Trials {
        /// How many at a time. Default 3.
        permits: u32,
        /// How long one may take; later it counts as a failure and its place is free. Default 30 s; keep it above the
        /// attempt timeout.
        #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
        lease: Duration,
        /// What they must show.
        criteria: TrialCriteria,
    },
    /// No live call while open: probes tell ([`Breaker::record_probe`](crate::Breaker::record_probe)). It closes at the
    /// first instant where the open time has passed, the last `successes` probes succeeded, and the newest is fresh.
    Probes {
        /// How many successes in a row.
        successes: u32,
        /// How old the newest may be.
        #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
        fresh_for: Duration,
    },
}

/// What trial calls must show.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TrialCriteria {
    /// Close after this many successes; open again on the first failure. The default, with 3.
    Successes(u32),
    /// Judge a number of calls by their failure rate, as early as the decision is certain either way: for
    /// dependencies with some background errors.
    Rate {
        /// How many trial calls.
        calls: u32,
        /// Open again at this share of failures, 0..=1.
        failure_rate: f64,
    },
}

// === impl Recovery ===

impl Recovery {
    /// Trial calls, three at a time, with leases of 30 s; closes after this many successes.
    #[must_use]
    pub fn trials(successes: u32) -> Self {
        Self::Trials { permits: 3, lease: Duration::from_secs(30), criteria: TrialCriteria::Successes(successes) }
    }

    pub(super) fn validate(&self) -> Result<(), InvalidSetting> {
        match *self {
            Self::Trials { permits, lease, criteria } => {
                settings::count("permits", permits.into(), 1..=10_000)?;
                settings::duration("lease", lease, SHORTEST..=LONGEST)?;
                match criteria {
                    TrialCriteria::Successes(n) => settings::count("successes", n.into(), 1..=1_000_000),
                    TrialCriteria::Rate { calls, failure_rate } => {
                        settings::count("calls", calls.into(), 1..=1_000_000)?;
                        settings::rate("failure_rate", failure_rate)
                    }
                }
            }
            Self::Probes { successes, fresh_for } => {
                settings::count("successes", successes.into(), 1..=1_000_000)?;
                settings::duration("fresh_for", fresh_for, SHORTEST..=LONGEST)
            }
        }
    }
}

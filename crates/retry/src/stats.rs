//! What a retrier counts, and what it shows.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{BudgetSnapshot, Counters, Name};

use crate::{GaveUp, GaveUpCounts, mean::Mean};

/// What a [`Retrier`](crate::Retrier) shows.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RetrySnapshot {
    /// The handle's name.
    pub name: Name,
    /// Requests that came.
    pub calls: u64,
    /// Attempts that were made for them.
    pub attempts: u64,
    /// Attempts after the first.
    pub retries: u64,
    /// Requests that succeeded.
    pub succeeded: u64,
    /// Requests that succeeded after the first attempt had failed.
    pub succeeded_after_retry: u64,
    /// Results that say nothing about the dependency, returned as they are.
    pub ignored: u64,
    /// Refusals by our own layers that were waited out once, as their deadline allowed.
    pub refusals_waited_out: u64,
    /// Results that were returned instead of repeated, by reason.
    pub gave_up: GaveUpCounts,
    /// How long attempts took, of those that were timed.
    pub times: Option<AttemptTimes>,
    /// The rate of success that scales the delay, with [`Scaling::Adaptive`](crate::Scaling::Adaptive).
    pub success_rate: Option<f64>,
    /// The budget, if there is one.
    pub budget: Option<BudgetSnapshot>,
}

/// How long attempts took. Only some are timed: see [`Timing`](crate::Timing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AttemptTimes {
    /// How many were timed.
    pub timed: u64,
    /// The time of all of them.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub total: Duration,
    /// Their mean.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub mean: Duration,
    /// The shortest.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub min: Duration,
    /// The longest.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max: Duration,
    /// The running mean of the successful ones: what a deadline must leave room for.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub typical: Option<Duration>,
}

/// What a count is of.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    Calls,
    Late,
    Retries,
    Succeeded,
    Recovered,
    Ignored,
    WaitedOut,
    Timed,
    Nanos,
    GaveUp(GaveUp),
}

const FIRST_REASON: usize = 9;
const COUNTS: usize = FIRST_REASON + GaveUp::Budget as usize + 1;

#[derive(Debug)]
pub(crate) struct Stats {
    counters: Counters<COUNTS>,
    typical: Mean,
    min_nanos: AtomicU64,
    max_nanos: AtomicU64,
}

// === impl Count ===

impl Count {
    const fn index(self) -> usize {
        match self {
            Self::Calls => 0,
            Self::Late => 1,
            Self::Retries => 2,
            Self::Succeeded => 3,
            Self::Recovered => 4,
            Self::Ignored => 5,
            Self::WaitedOut => 6,
            Self::Timed => 7,
            Self::Nanos => 8,
            Self::GaveUp(reason) => FIRST_REASON + reason as usize,
        }
    }
}

// === impl Stats ===

impl Stats {
    pub(crate) fn new() -> Self {
        Self {
            counters: Counters::per_thread(),
            typical: Mean::default(),
            min_nanos: AtomicU64::new(u64::MAX),
            max_nanos: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn add(&self, count: Count) {
        self.counters.add(count.index());
    }

    pub(crate) fn time(&self, elapsed: Duration, success: bool) {
        let nanos = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        self.counters.add(Count::Timed.index());
        self.counters.add_many(Count::Nanos.index(), nanos);
        // Looked at first: most values are neither the shortest nor the longest, and then nothing is written.
        if nanos < self.min_nanos.load(Relaxed) {
            self.min_nanos.fetch_min(nanos, Relaxed);
        }
        if nanos > self.max_nanos.load(Relaxed) {
            self.max_nanos.fetch_max(nanos, Relaxed);
        }
        if success {
            self.typical.record(elapsed);
        }
    }

    /// How long a successful attempt takes, as far as is known.
    pub(crate) fn typical(&self) -> Duration {
        self.typical.get().unwrap_or_default()
    }

    pub(crate) fn snapshot(
        &self,
        name: Name,
        success_rate: Option<f64>,
        budget: Option<BudgetSnapshot>,
    ) -> RetrySnapshot {
        let counts = self.counters.read();
        let of = |count: Count| counts[count.index()];
        RetrySnapshot {
            name,
            calls: of(Count::Calls),
            attempts: (of(Count::Calls) + of(Count::Retries)).saturating_sub(of(Count::Late)),
            retries: of(Count::Retries),
            succeeded: of(Count::Succeeded),
            succeeded_after_retry: of(Count::Recovered),
            ignored: of(Count::Ignored),
            refusals_waited_out: of(Count::WaitedOut),
            gave_up: GaveUpCounts::read(|reason| of(Count::GaveUp(reason))),
            times: self.times(of(Count::Timed), of(Count::Nanos)),
            success_rate,
            budget,
        }
    }

    fn times(&self, timed: u64, nanos: u64) -> Option<AttemptTimes> {
        Some(AttemptTimes {
            timed,
            total: Duration::from_nanos(nanos),
            mean: Duration::from_nanos(nanos.checked_div(timed)?),
            min: Duration::from_nanos(self.min_nanos.load(Relaxed)),
            max: Duration::from_nanos(self.max_nanos.load(Relaxed)),
            typical: self.typical.get(),
        })
    }
}

//! The counters of a retrier, and its snapshot.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{BudgetSnapshot, Counters, Name, nanos};

use crate::{StopReason, StopReasonCounts, ewma::Ewma};

/// The figures of a [`Retrier`](crate::Retrier).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RetrySnapshot {
    /// The name of the handle.
    pub name: Name,
    /// The number of requests.
    pub calls: u64,
    /// The number of attempts.
    pub attempts: u64,
    /// The number of attempts after the first of a request.
    pub retries: u64,
    /// The number of requests that succeeded.
    pub succeeded: u64,
    /// The number of requests that succeeded after a failed attempt.
    pub succeeded_after_retry: u64,
    /// The number of results with the outcome `Ignored` that must not be repeated, which were returned unchanged.
    pub ignored: u64,
    /// The number of rejections by other layers that were waited out, because the settings allow it.
    pub rejections_waited_out: u64,
    /// The number of failed requests that were not retried, by reason.
    pub stopped: StopReasonCounts,
    /// The durations of the timed attempts; `None` if none was timed.
    pub times: Option<AttemptTimes>,
    /// The success rate that scales the delay, with [`Scaling::Adaptive`](crate::Scaling::Adaptive).
    pub success_rate: Option<f64>,
    /// The figures of the budget, if there is one.
    pub budget: Option<BudgetSnapshot>,
}

/// The durations of attempts. Not every attempt is timed: see [`Timing`](crate::Timing). An attempt whose policy knows the
/// [`UploadClock`](mainstay_core::UploadClock) of the request's body is timed from the body's last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct AttemptTimes {
    /// The number of timed attempts.
    pub timed: u64,
    /// The sum of the durations.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub total: Duration,
    /// The mean duration.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub mean: Duration,
    /// The shortest duration.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub min: Duration,
    /// The longest duration.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub max: Duration,
    /// The moving average of the successful attempts: the time that must be left before the deadline for a retry.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub typical: Option<Duration>,
}

/// A counter.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    Calls,
    Late,
    Retries,
    Succeeded,
    SucceededAfterRetry,
    Ignored,
    WaitedOut,
    Timed,
    Nanos,
    Stopped(StopReason),
}

const FIRST_REASON: usize = 9;
const COUNTS: usize = FIRST_REASON + StopReason::NoRuntime as usize + 1;

#[derive(Debug)]
pub(crate) struct Stats {
    counters: Counters<COUNTS>,
    typical: Ewma,
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
            Self::SucceededAfterRetry => 4,
            Self::Ignored => 5,
            Self::WaitedOut => 6,
            Self::Timed => 7,
            Self::Nanos => 8,
            Self::Stopped(reason) => FIRST_REASON + reason as usize,
        }
    }
}

// === impl Stats ===

impl Stats {
    pub(crate) fn new() -> Self {
        Self {
            counters: Counters::per_thread(),
            typical: Ewma::default(),
            min_nanos: AtomicU64::new(u64::MAX),
            max_nanos: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn add(&self, count: Count) {
        self.counters.add(count.index());
    }

    /// Returns the value of one counter.
    pub(crate) fn get(&self, count: Count) -> u64 {
        self.counters.get(count.index())
    }

    pub(crate) fn time(&self, elapsed: Duration, success: bool) {
        let nanos = nanos(elapsed);
        self.counters.add(Count::Timed.index());
        self.counters.add_many(Count::Nanos.index(), nanos);
        // Most values are neither the shortest nor the longest, so the load avoids a locked operation.
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

    /// Returns the typical duration of a successful attempt, or zero if none was timed.
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
            succeeded_after_retry: of(Count::SucceededAfterRetry),
            ignored: of(Count::Ignored),
            rejections_waited_out: of(Count::WaitedOut),
            stopped: StopReasonCounts::read(|reason| of(Count::Stopped(reason))),
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

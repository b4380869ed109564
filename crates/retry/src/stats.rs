//! What a retrier counts, and what it shows.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{BudgetSnapshot, Counters, Name};

use crate::mean::Mean;

/// Why a result that was no success was returned instead of repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum GaveUp {
    /// One of our layers refused; the dependency was not asked.
    Rejected,
    /// The result says that it must not be repeated.
    ServerSaidNever,
    /// The request cannot be repeated, or not safely.
    NotReplayable,
    /// The request's context forbids it.
    DoNotRetry,
    /// All attempts are used up.
    Attempts,
    /// All layers together have sent the request as often as they may.
    Sends,
    /// The server asked for a longer wait than the cap or the deadline allows.
    RetryAfter,
    /// The wait and an attempt do not fit the deadline.
    Deadline,
    /// The budget is used up.
    Budget,
}

/// How often a retrier gave up, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
#[allow(missing_docs, reason = "one for one the variants of `GaveUp`")]
pub struct GaveUpCounts {
    pub rejected: u64,
    pub server_said_never: u64,
    pub not_replayable: u64,
    pub do_not_retry: u64,
    pub attempts: u64,
    pub sends: u64,
    pub retry_after: u64,
    pub deadline: u64,
    pub budget: u64,
}

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
    pub total: Duration,
    /// Their mean.
    pub mean: Duration,
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// The running mean of the successful ones: what a deadline must leave room for.
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

// === impl GaveUp ===

impl GaveUp {
    /// A stable, lower-case word with underscores, for labels.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::ServerSaidNever => "server_said_never",
            Self::NotReplayable => "not_replayable",
            Self::DoNotRetry => "do_not_retry",
            Self::Attempts => "attempts",
            Self::Sends => "sends",
            Self::RetryAfter => "retry_after",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl GaveUpCounts ===

impl GaveUpCounts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self {
            rejected,
            server_said_never,
            not_replayable,
            do_not_retry,
            attempts,
            sends,
            retry_after,
            deadline,
            budget,
        } = *self;
        rejected
            + server_said_never
            + not_replayable
            + do_not_retry
            + attempts
            + sends
            + retry_after
            + deadline
            + budget
    }
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
        let reason = |reason| of(Count::GaveUp(reason));
        RetrySnapshot {
            name,
            calls: of(Count::Calls),
            attempts: (of(Count::Calls) + of(Count::Retries)).saturating_sub(of(Count::Late)),
            retries: of(Count::Retries),
            succeeded: of(Count::Succeeded),
            succeeded_after_retry: of(Count::Recovered),
            ignored: of(Count::Ignored),
            refusals_waited_out: of(Count::WaitedOut),
            gave_up: GaveUpCounts {
                rejected: reason(GaveUp::Rejected),
                server_said_never: reason(GaveUp::ServerSaidNever),
                not_replayable: reason(GaveUp::NotReplayable),
                do_not_retry: reason(GaveUp::DoNotRetry),
                attempts: reason(GaveUp::Attempts),
                sends: reason(GaveUp::Sends),
                retry_after: reason(GaveUp::RetryAfter),
                deadline: reason(GaveUp::Deadline),
                budget: reason(GaveUp::Budget),
            },
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

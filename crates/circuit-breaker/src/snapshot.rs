//! What a breaker shows.

use std::time::Duration;

use mainstay_core::Name;
use tokio::time::Instant;

use crate::{Mode, RecoveryProgress, State, counters::Counter, state_machine::StateMachine};

/// State, rates and counts of a breaker at one time, for pages and metrics.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// The name.
    pub name: Name,
    /// The state.
    pub state: State,
    /// The mode that an operator has set.
    pub mode: Mode,
    /// The time in this state.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub for_time: Duration,
    /// The reason for this state; empty before the first change.
    pub reason: String,
    /// The number of the state; it grows with every change.
    pub epoch: u64,
    /// Consecutive openings, less one per healthy period since.
    pub openings: u32,
    /// The time until the open time ends, while open.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub open_left: Option<Duration>,
    /// The progress of the recovery, unless closed.
    pub recovery: Option<RecoveryProgress>,
    /// Consecutive failures.
    pub consecutive_failures: u32,
    /// The share of failures and overloads among the calls of the window; `None` below the minimum of calls.
    pub failure_rate: Option<f64>,
    /// Slow calls among the calls of the window; `None` below the minimum, or when the rule is off.
    pub slow_rate: Option<f64>,
    /// Calls in the window.
    pub window_calls: u32,
    /// Failures and overloads in the last hour.
    pub failures_in_last_hour: u32,
    /// The time since the last failure.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub since_last_failure: Option<Duration>,
    /// Calls that succeeded, since the start.
    pub successes: u64,
    /// Calls that failed, since the start; abandoned calls included, overloads not.
    pub failures: u64,
    /// Calls that the dependency was too busy for.
    pub overloaded: u64,
    /// Calls that a layer below refused.
    pub rejected_below: u64,
    /// Calls that say nothing about the dependency.
    pub ignored: u64,
    /// Slow calls.
    pub slow: u64,
    /// Calls that this breaker refused.
    pub refused: u64,
    /// Calls that passed in the shadow mode and would have been refused in the normal one.
    pub would_have_refused: u64,
    /// Calls that the caller dropped after `abandoned_after`: among `failures`, unless the breaker was disabled meanwhile.
    pub abandoned: u64,
    /// Calls that the caller dropped and that count for nothing; in no other of these counts.
    pub dropped: u64,
    /// Outcomes that arrived after the state had changed, and changed nothing.
    pub late: u64,
}

impl BreakerSnapshot {
    pub(crate) fn of(machine: &StateMachine) -> Self {
        let now = Instant::now();
        let (failures, slow) = machine.rules.tallies();
        let minimum_calls = machine.rules.minimum_calls();
        let locked = machine.lock();
        let word = machine.word.load();
        let counts = machine.counters.read();
        let open = word.state() == State::Open && word.mode() != Mode::ForcedOpen;
        Self {
            name: machine.name.clone(),
            state: word.state(),
            mode: word.mode(),
            for_time: now.saturating_duration_since(locked.log.since()),
            reason: locked.log.last().map(|last| last.reason.clone()).unwrap_or_default(),
            epoch: word.epoch(),
            openings: locked.openings_at(now, word.state()),
            open_left: open.then(|| locked.recovery.open_until.saturating_duration_since(now)),
            recovery: locked.recovery.progress(locked.settings.recovery, word.state()),
            consecutive_failures: machine.rules.consecutive_failures(),
            failure_rate: failures.rate(minimum_calls),
            slow_rate: locked.settings.slow_calls.and_then(|_| slow.rate(minimum_calls)),
            window_calls: failures.calls,
            failures_in_last_hour: machine.failures_in_hour(now),
            since_last_failure: machine.since_last_failure(),
            successes: counts[Counter::Successes],
            failures: counts[Counter::Failures],
            overloaded: counts[Counter::Overloaded],
            rejected_below: counts[Counter::RejectedBelow],
            ignored: counts[Counter::Ignored],
            slow: counts[Counter::Slow],
            refused: counts[Counter::Refused],
            would_have_refused: counts[Counter::WouldHaveRefused],
            abandoned: counts[Counter::Abandoned],
            dropped: counts[Counter::Dropped],
            late: counts[Counter::Late],
        }
    }
}

//! What a breaker shows.

use std::time::Duration;

use mainstay_core::Name;

use crate::{Mode, State};

/// One look at a breaker: figures for pages, metrics and people.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// Its name.
    pub name: Name,
    /// Its state.
    pub state: State,
    /// What an operator made of it.
    pub mode: Mode,
    /// For how long it has been in this state.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub for_time: Duration,
    /// Why it is in this state; empty before the first change.
    pub reason: String,
    /// The number of the state; it grows with every change.
    pub epoch: u64,
    /// Openings in a row, less one per healthy period since.
    pub openings: u32,
    /// How long it stays open yet.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub open_left: Option<Duration>,
    /// How far recovery has come.
    pub recovery: Option<RecoveryProgress>,
    /// Failures in a row.
    pub consecutive_failures: u32,
    /// Failures among the calls of the window; `None` below the minimum of calls.
    pub failure_rate: Option<f64>,
    /// Slow calls among the calls of the window; `None` below the minimum, or when the rule is off.
    pub slow_rate: Option<f64>,
    /// Calls in the window.
    pub window_calls: u32,
    /// Failures in the last hour.
    pub failures_in_last_hour: u32,
    /// The time since the last failure.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub since_last_failure: Option<Duration>,
    /// Calls that succeeded, since the start.
    pub successes: u64,
    /// Calls that failed, since the start; overloads and abandoned calls apart.
    pub failures: u64,
    /// Answers that the dependency was too busy.
    pub overloaded: u64,
    /// Calls that a layer below refused.
    pub rejected_below: u64,
    /// Calls that said nothing about the dependency.
    pub ignored: u64,
    /// Slow calls.
    pub slow: u64,
    /// Calls that this breaker refused.
    pub refused: u64,
    /// Calls that it would have refused, had it not been in the shadow mode.
    pub would_have_refused: u64,
    /// Calls that counted as failures because their caller gave up on them. Also among `failures`.
    pub abandoned: u64,
    /// Outcomes that came after the state had changed, and changed nothing.
    pub late: u64,
}

/// How far recovery has come: trial calls or probes that succeeded, of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RecoveryProgress {
    /// Successes so far.
    pub have: u32,
    /// Successes needed.
    pub need: u32,
}

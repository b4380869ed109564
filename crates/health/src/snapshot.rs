//! The state of the process and its checks, as plain values.

use std::time::Duration;

use mainstay_core::{Level, Name};

/// The state of the process and of each check at one time. Taking it does no I/O.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The level of the process: unhealthy if a critical check is unhealthy or unknown, degraded if any other check is
    /// not healthy, else healthy.
    pub level: Level,
    /// Why the process is not ready; `None` while it is.
    pub not_ready: Option<String>,
    /// Whether every critical check has passed once.
    pub started: bool,
    /// Whether a drain has begun.
    pub draining: bool,
    /// `false` once the process was declared beyond recovery.
    pub alive: bool,
    /// Each check and component, in the order of the builder's calls.
    pub checks: Vec<CheckSnapshot>,
}

/// One check's state and counts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CheckSnapshot {
    /// The name of the check.
    pub name: Name,
    /// The current level.
    pub level: Level,
    /// Whether the process cannot work without it.
    pub critical: bool,
    /// The reason for the level; may be empty.
    pub reason: String,
    /// The time since the level last changed.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub held: Duration,
    /// The time since the newest run ended; `None` before the first.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub age: Option<Duration>,
    /// The duration of the newest run; `None` before the first.
    #[cfg_attr(feature = "serde", serde(serialize_with = "mainstay_core::times::seconds"))]
    pub took: Option<Duration>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Runs since the start.
    pub runs: u64,
    /// Runs that failed.
    pub failures: u64,
    /// Of these, runs that exceeded the timeout.
    pub timeouts: u64,
    /// Of these, runs that panicked.
    pub panics: u64,
}

//! What is known now, as plain values.

use std::time::Duration;

use mainstay_core::{Level, Name};

/// The state of the process and of each check at one time. Taken without I/O.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The whole: healthy, degraded (something that is not critical does not work as it should) or unhealthy (a
    /// critical check is unhealthy or unknown).
    pub level: Level,
    /// Why the process is not ready; `None` while it is.
    pub not_ready: Option<String>,
    /// Whether every critical check has passed once.
    pub started: bool,
    /// Whether a drain has begun.
    pub draining: bool,
    /// `false` once the process was declared beyond recovery.
    pub alive: bool,
    /// Each check and component, in the order they were added.
    pub checks: Vec<CheckSnapshot>,
}

/// One check's state and counts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CheckSnapshot {
    /// Its name.
    pub name: Name,
    /// How it is.
    pub level: Level,
    /// Whether the process can do nothing useful without it.
    pub critical: bool,
    /// Why; empty when there is nothing to say.
    pub reason: String,
    /// How long it has had this level.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub held: Duration,
    /// How long ago the newest run ended; `None` before the first.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub age: Option<Duration>,
    /// How long the newest run took; `None` before the first.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub took: Option<Duration>,
    /// Runs that failed in a row, up to now.
    pub consecutive_failures: u32,
    /// Runs so far.
    pub runs: u64,
    /// Runs that did not pass.
    pub failures: u64,
    /// Of these, runs that took too long.
    pub timeouts: u64,
    /// Of these, runs that panicked.
    pub panics: u64,
}

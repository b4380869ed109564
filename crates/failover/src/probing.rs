//! What is known of the probing of one endpoint.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
};

use mainstay_core::{Counters, Name};
use tokio::sync::Notify;

use crate::{ProbeReport, probe::SharedProbe};

/// The probing of one endpoint.
#[derive(Debug)]
pub(crate) struct Probing {
    pub(crate) probe: Option<SharedProbe>,
    /// Held while a round runs: the number of the newest one, and what it found.
    pub(crate) flight: tokio::sync::Mutex<Option<(u64, ProbeReport)>>,
    /// Rounds that were begun.
    pub(crate) begun: AtomicU64,
    newest: Mutex<Option<ProbeReport>>,
    newest_is_good: AtomicBool,
    /// When the next round is due, in nanoseconds since the router's start.
    pub(crate) due: AtomicU64,
    /// Something changed that may change the interval.
    pub(crate) wake: Notify,
    pub(crate) counters: Counters<3>,
}

pub(crate) const ROUNDS: usize = 0;
pub(crate) const BAD: usize = 1;
/// Answers that came after the endpoint's state had changed, and changed nothing.
pub(crate) const LATE: usize = 2;

// === impl Probing ===

impl Probing {
    pub(crate) fn new(probe: Option<SharedProbe>) -> Self {
        Self {
            probe,
            flight: tokio::sync::Mutex::default(),
            begun: AtomicU64::new(0),
            newest: Mutex::default(),
            newest_is_good: AtomicBool::new(false),
            due: AtomicU64::new(0),
            wake: Notify::new(),
            counters: Counters::shared(),
        }
    }

    pub(crate) fn newest_is_good(&self) -> bool {
        self.newest_is_good.load(Relaxed)
    }

    pub(crate) fn newest(&self) -> Option<ProbeReport> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs the first bad round and the recovery; the ones between are only counted.
    pub(crate) fn publish(&self, failover: &Name, endpoint: &Name, report: &ProbeReport) {
        let before = self.newest.lock().unwrap_or_else(PoisonError::into_inner).replace(report.clone());
        self.newest_is_good.store(report.is_healthy(), Relaxed);
        let (failover, endpoint, found) = (&**failover, &**endpoint, &report.outcome);
        let (attempts, elapsed) = (report.attempts, report.elapsed);
        match (before.map(|before| before.is_healthy()), report.is_healthy()) {
            (None | Some(true), false) => {
                tracing::warn!(failover, endpoint, %found, attempts, ?elapsed, "probe failed");
            }
            (Some(false), true) => tracing::info!(failover, endpoint, attempts, ?elapsed, "probe succeeded again"),
            _ => tracing::debug!(failover, endpoint, %found, attempts, ?elapsed, "probed"),
        }
    }
}

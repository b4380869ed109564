//! Requests that failed at every endpoint that was asked: no endpoint's fault, as far as the failover can tell.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{Tally, Window, nanos};
use tokio::time::Instant;

/// How many of the last 100 requests failed at every endpoint, and when the newest one did.
#[derive(Debug)]
pub(crate) struct Everywhere {
    window: Window,
    /// In nanoseconds since the switchboard's start; [`NEVER`] before the first.
    newest: AtomicU64,
}

const NEVER: u64 = u64::MAX;
/// The time for which failures without a comparison say nothing of the endpoint.
const RECENT: Duration = Duration::from_secs(10);
/// The requests that the status needs, and the share of them that degrades it.
const MINIMUM: u32 = 20;
const SHARE: f64 = 0.2;

// === impl Everywhere ===

impl Everywhere {
    pub(crate) fn record(&self, now: u64) {
        self.newest.store(now, Relaxed);
        self.window.record(true, 0, Instant::now);
    }

    /// Records a request that was answered. Whether another one would change nothing.
    pub(crate) fn record_success(&self) -> bool {
        self.window.record(false, 0, Instant::now).is_none_or(|tally| tally.hits == 0)
    }

    pub(crate) fn is_recent(&self, now: u64) -> bool {
        let newest = self.newest.load(Relaxed);
        newest != NEVER && now.saturating_sub(newest) < nanos(RECENT)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.window.tally(Instant::now)
    }

    /// Whether so many requests fail everywhere that the status says it.
    pub(crate) fn is_notable(&self) -> bool {
        self.tally().reaches(SHARE, MINIMUM)
    }
}

impl Default for Everywhere {
    fn default() -> Self {
        Self { window: Window::last_calls(100), newest: AtomicU64::new(NEVER) }
    }
}

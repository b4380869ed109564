//! Requests that failed at every endpoint that was asked: no endpoint's fault, as far as the failover can tell.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{LogLimit, Name, Tally, Window, nanos};
use tokio::time::Instant;

/// How many of the last 100 requests failed at every endpoint, and when the newest one did.
#[derive(Debug)]
pub(crate) struct Everywhere {
    window: Window,
    /// In nanoseconds since the switchboard's start; [`NEVER`] before the first.
    newest: AtomicU64,
    is_notable: AtomicBool,
    log_limit: LogLimit,
}

const NEVER: u64 = u64::MAX;
/// The requests that the status needs, and the share of them that degrades it.
const MINIMUM: u32 = 20;
const SHARE: f64 = 0.2;
/// The share below which the status recovers.
const SHARE_OF_RECOVERY: f64 = 0.1;
/// The time after the newest failure after which the status recovers, also without requests.
const LASTS: Duration = Duration::from_secs(30);

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

    pub(crate) fn tally(&self) -> Tally {
        self.window.tally(Instant::now)
    }

    /// Whether so many requests failed everywhere in the last [`review`](Self::review) that the status says it.
    pub(crate) fn is_notable(&self) -> bool {
        self.is_notable.load(Relaxed)
    }

    /// Returns whether so many requests fail everywhere now that the status says it.
    pub(crate) fn review(&self, now: u64) -> bool {
        let newest = self.newest.load(Relaxed);
        let is_lasting = newest != NEVER && now.saturating_sub(newest) < nanos(LASTS);
        let share = if self.is_notable() { SHARE_OF_RECOVERY } else { SHARE };
        let is_notable = is_lasting && self.tally().reaches(share, MINIMUM);
        self.is_notable.store(is_notable, Relaxed);
        is_notable
    }

    /// Emits the tracing event of the begin or the end of failures that the status says.
    pub(crate) fn trace(&self, failover: &Name, is_notable: bool, now: Instant) {
        let (failover, Tally { hits: failed, calls, .. }) = (&**failover, self.tally());
        if !is_notable {
            if self.log_limit.recovery().is_some() {
                tracing::info!(failover, failed, calls, "few requests fail at every endpoint");
            }
        } else if let Some(left_out) = self.log_limit.fault(now) {
            tracing::warn!(failover, failed, calls, left_out, "many requests fail at every endpoint");
        }
    }
}

impl Default for Everywhere {
    fn default() -> Self {
        Self {
            window: Window::last_calls(100),
            newest: AtomicU64::new(NEVER),
            is_notable: AtomicBool::default(),
            log_limit: LogLimit::default(),
        }
    }
}

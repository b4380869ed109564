//! Requests that failed at every endpoint that was asked: no endpoint's fault, as far as the failover can tell.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use mainstay_core::{LogLimit, Name, Outcome, Tally, Window, nanos};
use tokio::time::Instant;

use crate::recent_kinds::RecentKinds;

/// How many of the last 100 requests failed at every endpoint, and when the newest one did.
#[derive(Debug)]
pub(crate) struct Everywhere {
    window: Window,
    /// In nanoseconds since the switchboard's start; [`NEVER`] before the first.
    newest: AtomicU64,
    /// The kinds of their last failures.
    pub(crate) kinds: RecentKinds,
    are_many: AtomicBool,
    log_limit: LogLimit,
}

const NEVER: u64 = u64::MAX;
/// The number of requests below which none are many, and the share of them that is.
const MINIMUM: u32 = 20;
const SHARE: f64 = 0.2;
/// The share below which they are few again.
const SHARE_OF_RECOVERY: f64 = 0.1;
/// The time after the newest failure after which they are few, also without requests.
const LASTS: Duration = Duration::from_secs(30);

// === impl Everywhere ===

impl Everywhere {
    pub(crate) fn record(&self, now: u64, outcome: &Outcome) {
        self.newest.store(now, Relaxed);
        self.kinds.record(outcome);
        self.window.record(true, 0, Instant::now);
    }

    /// Records a request that was answered. Whether another one would change nothing.
    pub(crate) fn record_success(&self) -> bool {
        self.window.record(false, 0, Instant::now).is_none_or(|tally| tally.hits == 0)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.window.tally(Instant::now)
    }

    /// Whether many requests failed everywhere in the last [`review`](Self::review). The status says so if it
    /// [lasts](crate::lasting).
    pub(crate) fn are_many(&self) -> bool {
        self.are_many.load(Relaxed)
    }

    /// Returns whether many requests fail everywhere now.
    pub(crate) fn review(&self, now: u64) -> bool {
        let newest = self.newest.load(Relaxed);
        let is_lasting = newest != NEVER && now.saturating_sub(newest) < nanos(LASTS);
        let share = if self.are_many() { SHARE_OF_RECOVERY } else { SHARE };
        let are_many = is_lasting && self.tally().reaches(share, MINIMUM);
        self.are_many.store(are_many, Relaxed);
        are_many
    }

    /// Emits the tracing event of the begin or the end of what the status says.
    pub(crate) fn trace(&self, failover: &Name, is_shown: bool, now: Instant) {
        let (failover, Tally { hits: failed, calls, .. }) = (&**failover, self.tally());
        if !is_shown {
            if self.log_limit.recovery().is_some() {
                tracing::info!(failover, failed, calls, "few requests fail at every endpoint");
            }
        } else if let Some(left_out) = self.log_limit.fault(now) {
            let kinds = self.kinds.to_string();
            tracing::warn!(
                failover,
                failed,
                calls,
                kinds,
                left_out,
                "many requests fail at every endpoint: one route or client, or something that all endpoints share"
            );
        }
    }
}

impl Default for Everywhere {
    fn default() -> Self {
        Self {
            window: Window::last_calls(100),
            newest: AtomicU64::new(NEVER),
            kinds: RecentKinds::default(),
            are_many: AtomicBool::default(),
            log_limit: LogLimit::default(),
        }
    }
}

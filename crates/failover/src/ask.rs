//! A probe that requests have asked for: a streak of failures asks, the probe decides.
//!
//! At most one is outstanding for an endpoint, and at most one is asked for a second. While a probe that a proven streak
//! has asked for is outstanding, the endpoint is *suspended*: first attempts go to the next usable endpoint.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use mainstay_core::nanos;
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Ask {
    /// When the newest probe was asked for, in nanoseconds since the switchboard's start; [`NEVER`] before the first.
    asked_at: AtomicU64,
    is_outstanding: AtomicBool,
    is_suspended: AtomicBool,
    /// The number of suspensions in the upper half, and of comparisons in the lower one.
    period: AtomicU64,
    /// Wakes the task that makes the probe.
    pub(crate) wake: Notify,
}

/// What has become of a request for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// This call has asked for it.
    Now,
    /// It is outstanding.
    Earlier,
    /// It is outstanding for so long that it will not come.
    Lost,
    /// Another one was asked for less than a second ago.
    TooSoon,
}

const NEVER: u64 = u64::MAX;
const SPACING: Duration = Duration::from_secs(1);
/// One suspension, in a period.
const SUSPENSION: u64 = 1 << 32;
/// The comparisons, in a period.
const COMPARISONS: u64 = SUSPENSION - 1;

/// Returns the number of suspensions until this period.
pub(crate) fn suspensions(period: u64) -> u32 {
    (period >> 32) as u32
}

// === impl Ask ===

impl Ask {
    /// Asks for a probe at this time. A probe that is not there after `patience` is lost.
    pub(crate) fn ask(&self, now: u64, timeout: Duration) -> Asked {
        let asked_at = self.asked_at.load(SeqCst);
        let age = now.saturating_sub(asked_at);
        if self.is_outstanding.load(SeqCst) {
            return if age > nanos(timeout) { Asked::Lost } else { Asked::Earlier };
        }
        if asked_at != NEVER && age < nanos(SPACING) {
            return Asked::TooSoon;
        }
        // Of several threads one asks.
        if self.asked_at.compare_exchange(asked_at, now, SeqCst, SeqCst).is_err() {
            return Asked::Earlier;
        }
        self.is_outstanding.store(true, SeqCst);
        self.wake.notify_one();
        Asked::Now
    }

    /// Suspends the endpoint while the probe is outstanding. Whether this call has suspended it.
    pub(crate) fn suspend(&self) -> bool {
        let suspends = self.is_outstanding.load(SeqCst) && !self.is_suspended.swap(true, SeqCst);
        if suspends {
            self.period.fetch_add(SUSPENSION, SeqCst);
        }
        suspends
    }

    /// Ends the request for a probe: it has come, or will not come.
    pub(crate) fn end(&self) {
        self.is_outstanding.store(false, SeqCst);
        self.is_suspended.store(false, SeqCst);
    }

    #[inline]
    pub(crate) fn is_suspended(&self) -> bool {
        self.is_suspended.load(SeqCst)
    }

    /// Returns the endpoint's period. Each suspension and each comparison begins another one, and failures of requests that
    /// were sent in an earlier one do not count.
    #[inline]
    pub(crate) fn period(&self) -> u64 {
        self.period.load(SeqCst)
    }

    /// Begins another period, because the endpoint is compared with another one.
    pub(crate) fn compare(&self) {
        // The halves stay apart also when the lower one overflows.
        let next = |period: u64| Some((period & !COMPARISONS) | (period.wrapping_add(1) & COMPARISONS));
        let _ = self.period.fetch_update(SeqCst, SeqCst, next);
    }

    pub(crate) fn suspensions(&self) -> u32 {
        suspensions(self.period())
    }

    pub(crate) fn comparisons(&self) -> u32 {
        (self.period() & COMPARISONS) as u32
    }
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            asked_at: AtomicU64::new(NEVER),
            is_outstanding: AtomicBool::default(),
            is_suspended: AtomicBool::default(),
            period: AtomicU64::default(),
            wake: Notify::new(),
        }
    }
}

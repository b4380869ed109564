//! What waits for one endpoint past the delay, without a second attempt; and whether the endpoint answers anything.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use mainstay_core::LogLimit;

/// What waits for one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Overdue {
    /// Requests in flight that wait past the delay.
    waiting: AtomicU32,
    /// Requests that have waited for `abandoned_after` since the newest success.
    unanswered: AtomicU32,
    /// Whether the status says that the endpoint is overdue.
    is_reported: AtomicBool,
    pub(crate) log_limit: LogLimit,
}

// === impl Overdue ===

impl Overdue {
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(SeqCst)
    }

    /// Notes that a request waits past the delay.
    pub(crate) fn begin(&self) {
        self.waiting.fetch_add(1, SeqCst);
    }

    /// Notes that such a request has ended.
    pub(crate) fn end(&self) {
        self.waiting.fetch_sub(1, SeqCst);
    }

    /// Notes that a request has had no answer for `abandoned_after`.
    pub(crate) fn note_unanswered(&self) {
        self.unanswered.fetch_add(1, SeqCst);
    }

    /// Notes a success. Returns whether it may change something.
    pub(crate) fn note_success(&self) -> bool {
        self.unanswered.load(SeqCst) > 0 && self.unanswered.swap(0, SeqCst) > 0
    }

    /// Whether at least so many requests wait, as many have waited for long, and none has succeeded since.
    pub(crate) fn is_overdue(&self, least: u32) -> bool {
        self.waiting() >= least && self.unanswered.load(SeqCst) >= least
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.is_reported.load(SeqCst)
    }

    /// Brings what is reported up to date. Returns whether it has changed.
    pub(crate) fn report(&self, least: u32) -> bool {
        let before = self.is_reported();
        loop {
            let is_overdue = self.is_overdue(least);
            // Stored before the next look, as a request that changes the counts looks at this after them.
            self.is_reported.store(is_overdue, SeqCst);
            if self.is_overdue(least) == is_overdue {
                return is_overdue != before;
            }
        }
    }
}

//! Counts of requests, for a server.

use mainstay_core::Counters;

use crate::report::RequestCounts;

pub(crate) const ACCEPTED: usize = 0;
pub(crate) const COMPLETED: usize = 1;
pub(crate) const CANCELLED: usize = 2;
pub(crate) const REFUSED: usize = 3;
/// Counted as completed, but the response was aborted in the write buffer.
pub(crate) const UNSENT: usize = 4;

/// The counters of one server.
#[derive(Debug)]
pub(crate) struct RequestCounters(Counters<5>);

// === impl RequestCounters ===

impl RequestCounters {
    pub(crate) fn new() -> Self {
        Self(Counters::per_thread())
    }

    pub(crate) fn add(&self, counter: usize) {
        self.0.add(counter);
    }

    pub(crate) fn read(&self, aborted: u64) -> RequestCounts {
        let [accepted, completed, cancelled, refused, unsent] = self.0.read();
        RequestCounts { accepted, completed: completed - unsent, cancelled, aborted, refused }
    }
}

//! A request that waits for an endpoint past the delay, and what the status and the log say when many do.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{endpoint_state::EndpointState, switchboard::Switchboard};

/// One such request, counted until it is dropped.
pub(crate) struct OverdueRequest {
    board: Arc<Switchboard>,
    endpoint: usize,
}

impl Switchboard {
    /// The requests that make an endpoint overdue: as many as ask for a probe.
    fn least_overdue(&self) -> u32 {
        let limits = self.live.limits();
        limits.streak.min(limits.minimum_calls).max(1)
    }

    /// Counts a request that has had no answer for long.
    pub(crate) fn record_unanswered(&self, index: usize) {
        self.endpoints[index].overdue.note_unanswered();
        self.review_overdue(index);
    }

    /// Notes a success of an endpoint.
    pub(crate) fn end_overdue(&self, index: usize) {
        if self.endpoints[index].overdue.note_success() {
            self.review_overdue(index);
        }
    }

    fn review_overdue(&self, index: usize) {
        let overdue = &self.endpoints[index].overdue;
        if overdue.is_overdue(self.least_overdue()) != overdue.is_reported() {
            self.observe();
        }
    }

    /// Brings what is reported of each endpoint up to date, and returns those that have changed. Only under the lock of the
    /// [log](Self::lock).
    pub(crate) fn report_overdue(&self) -> Vec<&EndpointState> {
        let least = self.least_overdue();
        self.endpoints.iter().filter(|endpoint| endpoint.overdue.report(least)).collect()
    }

    /// Emits the tracing event of an endpoint that is overdue, or is no longer.
    pub(crate) fn trace_overdue(&self, endpoint: &EndpointState, now: Instant) {
        let (failover, overdue) = (&*self.name, &endpoint.overdue);
        let (endpoint, waiting) = (&*endpoint.name, overdue.waiting());
        if !overdue.is_reported() {
            if overdue.log_limit.recovery().is_some() {
                tracing::info!(failover, endpoint, waiting, "endpoint no longer overdue");
            }
        } else if let Some(left_out) = overdue.log_limit.fault(now) {
            let message = "endpoint overdue: requests wait past the delay, and none is answered";
            tracing::warn!(failover, endpoint, waiting, left_out, "{message}");
        }
    }
}

// === impl OverdueRequest ===

impl OverdueRequest {
    pub(crate) fn new(board: &Arc<Switchboard>, endpoint: usize) -> Self {
        board.endpoints[endpoint].overdue.begin();
        Self { board: board.clone(), endpoint }
    }
}

impl Drop for OverdueRequest {
    fn drop(&mut self) {
        self.board.endpoints[self.endpoint].overdue.end();
        self.board.review_overdue(self.endpoint);
    }
}

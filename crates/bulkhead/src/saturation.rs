//! Whether a limit refuses calls, as a [`Status`].

use mainstay_core::{Level, LogLimit, Name, Status, StatusReceiver, StatusSender};
use tokio::time::Instant;

use crate::{
    slots::Slots,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

/// Set by the first refusal, cleared once a quarter of the permits is free and no call waits. The gap between the two
/// keeps a limit at its edge from publishing at every call.
pub(crate) struct Saturation {
    /// The number of changes, which is the epoch of the status: odd while saturated.
    changes: AtomicU64,
    status: StatusSender,
    /// Of the lines of this limit, or of all limits of its keyed store.
    log_limit: Arc<LogLimit>,
}

fn is_saturated(changes: u64) -> bool {
    changes % 2 == 1
}

// === impl Saturation ===

impl Saturation {
    pub(crate) fn new(log_limit: Arc<LogLimit>) -> Self {
        Self { changes: AtomicU64::new(0), status: StatusSender::new(Status::new(Level::Healthy, "")), log_limit }
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    /// Records a refusal.
    pub(crate) fn on_refusal(&self, name: &Name, slots: &Slots) {
        let changes = self.changes.load(SeqCst);
        if is_saturated(changes) {
            return self.log_full(name, slots, |limit| limit.fault_lasts(Instant::now()));
        }
        // A call that waited too long for the inner service is refused although permits are free.
        if has_room(slots) || !self.change(changes) {
            return;
        }
        self.log_full(name, slots, |limit| limit.fault(Instant::now()));
        self.status.publish_at(changes + 1, Level::Degraded, "full: calls are refused");
        // The last permit may have come back before the change.
        self.on_release(name, slots);
    }

    /// Records that permits may be free: one has come back, a call has left the queue, or the limit has grown.
    #[inline]
    pub(crate) fn on_release(&self, name: &Name, slots: &Slots) {
        if is_saturated(self.changes.load(SeqCst)) {
            self.recover(name, slots);
        }
    }

    fn recover(&self, name: &Name, slots: &Slots) {
        let changes = self.changes.load(SeqCst);
        if !is_saturated(changes) || !has_room(slots) || !self.change(changes) {
            return;
        }
        let (in_flight, _) = slots.counts();
        match self.log_limit.recovery() {
            Some(left_out) => {
                tracing::info!(bulkhead = %name, in_flight, left_out, "permits are free again");
            }
            None => tracing::debug!(bulkhead = %name, in_flight, "permits are free again"),
        }
        self.status.publish_at(changes + 1, Level::Healthy, "");
    }

    fn log_full(&self, name: &Name, slots: &Slots, fault: impl Fn(&LogLimit) -> Option<u64>) {
        if let Some(left_out) = fault(&self.log_limit) {
            let (in_flight, queued) = slots.counts();
            tracing::warn!(bulkhead = %name, in_flight, queued, left_out, "full: calls are refused");
        }
    }

    /// Makes the change after so many changes. Of several threads, one makes it.
    fn change(&self, changes: u64) -> bool {
        self.changes.compare_exchange(changes, changes + 1, SeqCst, SeqCst).is_ok()
    }
}

/// Whether a quarter of the permits is free and no call waits.
fn has_room(slots: &Slots) -> bool {
    let (in_flight, queued) = slots.counts();
    queued == 0 && u64::from(in_flight) * 4 <= u64::from(slots.limit()) * 3
}

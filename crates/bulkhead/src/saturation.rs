//! Whether a limit refuses calls, as a [`Status`].

use std::sync::atomic::{
    AtomicBool,
    Ordering::{Relaxed, SeqCst},
};

use mainstay_core::{Level, Name, Status, StatusReceiver, StatusSender};

use crate::slots::Slots;

/// Set by the first refusal, cleared once a quarter of the permits is free and no call waits. The gap between the two
/// keeps a limit at its edge from publishing at every call.
pub(crate) struct Saturation {
    saturated: AtomicBool,
    status: StatusSender,
}

// === impl Saturation ===

impl Saturation {
    pub(crate) fn new() -> Self {
        Self { saturated: AtomicBool::new(false), status: StatusSender::new(Status::new(Level::Healthy, "")) }
    }

    pub(crate) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    /// Records a refusal.
    pub(crate) fn on_refusal(&self, name: &Name, slots: &Slots) {
        if !self.saturated.load(Relaxed) && !self.saturated.swap(true, SeqCst) {
            let (in_flight, queued) = slots.counts();
            tracing::warn!(bulkhead = %name.escape_debug(), in_flight, queued, "full: calls are refused");
            self.publish();
        }
    }

    /// Records that a permit has come back.
    #[inline]
    pub(crate) fn on_release(&self, name: &Name, slots: &Slots) {
        if self.saturated.load(Relaxed) {
            self.recover(name, slots);
        }
    }

    fn recover(&self, name: &Name, slots: &Slots) {
        let (in_flight, queued) = slots.counts();
        let free = u64::from(in_flight) * 4 <= u64::from(slots.limit()) * 3;
        if free && queued == 0 && self.saturated.swap(false, SeqCst) {
            tracing::info!(bulkhead = %name.escape_debug(), in_flight, "permits are free again");
            self.publish();
        }
    }

    /// Publishes the current state. Repeats if it has changed meanwhile, so that the last thread publishes the last state.
    fn publish(&self) {
        loop {
            let saturated = self.saturated.load(SeqCst);
            match saturated {
                true => self.status.publish(Level::Degraded, "full: calls are refused"),
                false => self.status.publish(Level::Healthy, ""),
            }
            if self.saturated.load(SeqCst) == saturated {
                return;
            }
        }
    }
}

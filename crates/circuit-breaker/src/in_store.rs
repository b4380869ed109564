//! What the breakers of a keyed store share: the limit of log lines, the events, the counts of evicted breakers, and the
//! status.

use std::sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering::Relaxed};

use mainstay_core::{EventSender, Level, LogLimit, Status, StatusReceiver, StatusSender};
use portable_atomic::AtomicU64;

use crate::{
    BreakerEvent,
    counters::{BreakerCounters, Counts},
};

/// What the breakers of a keyed store share. A single breaker has one of its own, without a store.
#[derive(Debug, Default)]
pub(crate) struct InStore {
    /// Of the lines of all breakers.
    pub(crate) log_limit: LogLimit,
    /// Of all breakers.
    pub(crate) events: EventSender<BreakerEvent>,
    store: Option<Store>,
}

#[derive(Debug)]
struct Store {
    status: StatusSender,
    not_closed: Mutex<NotClosed>,
    /// The number of evicted breakers.
    evicted: AtomicU64,
    /// The sums of the counts of evicted breakers.
    counts: BreakerCounters,
}

/// The number of breakers that are not healthy.
#[derive(Clone, Copy, Debug, Default)]
struct NotClosed {
    breakers: u32,
    /// The number of changes, which is the epoch of the status.
    changes: u64,
}

// === impl InStore ===

impl InStore {
    pub(crate) fn keyed() -> Self {
        let store = Store {
            status: StatusSender::new(Status::new(Level::Healthy, "")),
            not_closed: Mutex::default(),
            evicted: AtomicU64::new(0),
            counts: BreakerCounters::shared(),
        };
        Self { store: Some(store), ..Self::default() }
    }

    /// Records that the level of one breaker changes. Runs under the lock of the breaker;
    /// [`publish`](Self::publish) follows after it.
    pub(crate) fn record(&self, before: Level, after: Level) {
        if let Some(store) = &self.store {
            store.change(u32::from(after != Level::Healthy), u32::from(before != Level::Healthy));
        }
    }

    /// Keeps the counts of a breaker that is evicted at this level: no handle is left to change them. Runs under
    /// the lock of the store. Returns whether [`publish`](Self::publish) must follow after it.
    pub(crate) fn collect(&self, level: Level, counts: &Counts) -> bool {
        let Some(store) = &self.store else { return false };
        let was_closed = level == Level::Healthy;
        store.evicted.fetch_add(1, Relaxed);
        store.counts.add_all(counts);
        store.change(0, u32::from(!was_closed));
        !was_closed
    }

    /// Publishes the status of the store, outside of all locks.
    pub(crate) fn publish(&self) {
        let Some(store) = &self.store else { return };
        let NotClosed { breakers, changes } = *store.not_closed();
        let (level, reason) = match breakers {
            0 => (Level::Healthy, String::new()),
            1 => (Level::Degraded, "1 breaker is not closed".to_owned()),
            _ => (Level::Degraded, format!("{breakers} breakers are not closed")),
        };
        store.status.publish_at(changes, level, reason);
    }

    /// Subscribes to the status of the store, if there is one.
    pub(crate) fn subscribe(&self) -> Option<StatusReceiver> {
        self.store.as_ref().map(|store| store.status.subscribe())
    }

    /// Returns the number of evicted breakers and the sums of their counts.
    pub(crate) fn evicted(&self) -> (u64, Counts) {
        self.store.as_ref().map(|store| (store.evicted.load(Relaxed), store.counts.read())).unwrap_or_default()
    }
}

// === impl Store ===

impl Store {
    fn not_closed(&self) -> MutexGuard<'_, NotClosed> {
        self.not_closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, more: u32, fewer: u32) {
        if more != fewer {
            let mut not_closed = self.not_closed();
            not_closed.breakers = (not_closed.breakers + more).saturating_sub(fewer);
            not_closed.changes += 1;
        }
    }
}

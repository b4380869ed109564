//! What the handles of writes in the background and their task share.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use mainstay_core::{Counters, LogLimit, Name};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::{
    pending::{Pending, Write},
    settings::WriteBehindSettings,
};
use crate::Storage;

pub(super) struct Shared {
    pub(super) name: Name,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) settings: WriteBehindSettings,
    pub(super) counters: Counters<3>,
    pub(super) log: LogLimit,
    pub(super) is_running: AtomicBool,
    /// Wakes the task: there is a write, or the handles are gone.
    pub(super) wake: Arc<Notify>,
    pending: Mutex<Pending>,
    /// Whether all writes are made. Changed under the lock of `pending`.
    is_idle: watch::Sender<bool>,
}

/// The indices of the counters.
pub(super) const WRITTEN: usize = 0;
pub(super) const DROPPED: usize = 1;
pub(super) const FAILED: usize = 2;

// === impl Shared ===

impl Shared {
    pub(super) fn new(name: Name, storage: Arc<dyn Storage>, settings: WriteBehindSettings) -> Self {
        Self {
            name,
            storage,
            settings,
            counters: Counters::per_thread(),
            log: LogLimit::default(),
            is_running: AtomicBool::new(false),
            wake: Arc::default(),
            pending: Mutex::default(),
            is_idle: watch::Sender::new(true),
        }
    }

    pub(super) fn put(&self, key: Arc<str>, write: Write) {
        let WriteBehindSettings { max_waiting, max_waiting_bytes, .. } = self.settings;
        let dropped = {
            let mut pending = self.lock();
            self.is_idle.send_replace(false);
            pending.put(key, write, max_waiting, max_waiting_bytes)
        };
        self.wake.notify_one();
        if dropped > 0 {
            self.counters.add_many(DROPPED, dropped);
            if let Some(left_out) = self.log.fault(Instant::now()) {
                let name = &self.name;
                tracing::warn!(%name, dropped, left_out, "writes to the store were dropped because too many wait");
            }
        }
    }

    /// Returns a write that the task could not make, or could not finish.
    pub(super) fn put_back(&self, key: Arc<str>, write: Write) {
        self.lock().put_back(key, write);
    }

    /// Takes the next write, or notes that all are made.
    pub(super) fn take(&self) -> Option<(Arc<str>, Write)> {
        let mut pending = self.lock();
        let next = pending.take();
        if next.is_none() {
            self.is_idle.send_if_modified(|is_idle| !std::mem::replace(is_idle, true));
        }
        next
    }

    pub(super) fn waiting(&self) -> u64 {
        self.lock().len()
    }

    /// Returns a receiver of whether all writes are made. It wakes when the task has ended, too.
    pub(super) fn subscribe(&self) -> watch::Receiver<bool> {
        self.is_idle.subscribe()
    }

    /// Notes that the task has ended with its runtime: a flush in another runtime starts the next one.
    pub(super) fn task_ended(&self) {
        self.is_running.store(false, SeqCst);
        self.is_idle.send_modify(|_| ());
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The task ends.
        self.is_running.store(false, SeqCst);
        self.wake.notify_one();
    }
}

//! Whether a storage counts as lost: one atomic, whose changes are logged and published once.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use mainstay_core::{Level, LogLimit, Name, Status, StatusReceiver, StatusSender, escaped};
use tokio::time::Instant;

use crate::{StorageError, StorageErrorKind};

pub(super) struct Availability {
    name: Name,
    /// Counts the changes: even while the storage is available, odd while it is lost.
    epoch: AtomicU64,
    status: StatusSender,
    log: LogLimit,
}

// === impl Availability ===

impl Availability {
    pub(super) fn new(name: Name) -> Self {
        let status = StatusSender::new(Status::new(Level::Healthy, ""));
        Self { name, epoch: AtomicU64::new(0), status, log: LogLimit::default() }
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn subscribe(&self) -> StatusReceiver {
        self.status.subscribe()
    }

    pub(super) fn status(&self) -> Status {
        self.status.get()
    }

    /// Returns the epoch for a call, or `None` if the storage is lost.
    pub(super) fn admit(&self) -> Option<u64> {
        let epoch = self.epoch.load(SeqCst);
        is_available(epoch).then_some(epoch)
    }

    pub(super) fn is_lost(&self) -> bool {
        !is_available(self.epoch.load(SeqCst))
    }

    /// Counts the storage as lost. Returns false if the state has changed since this epoch: a late failure says nothing
    /// about a storage that is back.
    pub(super) fn lose(&self, epoch: u64, error: &StorageError) -> bool {
        if self.epoch.compare_exchange(epoch, epoch + 1, SeqCst, SeqCst).is_err() {
            return false;
        }
        self.status.publish_at(epoch + 1, Level::Unhealthy, error.to_string());
        if let Some(left_out) = self.log.fault(Instant::now()) {
            let name = &self.name;
            tracing::warn!(%name, error = %escaped(error), left_out, "the storage is lost: calls go on without it until it answers a ping");
        }
        true
    }

    /// Notes that the storage is still lost.
    pub(super) fn still_lost(&self, error: &StorageError) {
        let name = &self.name;
        tracing::debug!(%name, error = %escaped(error), "the storage does not answer a ping");
        if let Some(left_out) = self.log.fault_lasts(Instant::now()) {
            tracing::warn!(%name, error = %escaped(error), left_out, "the storage is lost: calls go on without it until it answers a ping");
        }
    }

    /// Counts a lost storage as available.
    pub(super) fn restore(&self) {
        let epoch = self.epoch.load(SeqCst);
        if is_available(epoch) || self.epoch.compare_exchange(epoch, epoch + 1, SeqCst, SeqCst).is_err() {
            return;
        }
        self.status.publish_at(epoch + 1, Level::Healthy, "");
        if let Some(left_out) = self.log.recovery() {
            let name = &self.name;
            tracing::info!(%name, left_out, "the storage is back");
        }
    }
}

fn is_available(epoch: u64) -> bool {
    epoch.is_multiple_of(2)
}

/// The error of a call that is not made.
pub(super) fn lost() -> StorageError {
    StorageError::new(StorageErrorKind::Lost, "not called until it answers a ping")
}

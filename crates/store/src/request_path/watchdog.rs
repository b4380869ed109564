//! The task that pings a storage: while it is lost, and after a call that was given up.

use std::{
    sync::{Arc, Weak, atomic::Ordering::SeqCst},
    thread,
    time::Duration,
};

use mainstay_core::{Jitter, is_runtime_ending};
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use super::shared::{OUTAGES, Shared};
use crate::StorageError;

/// The task. If it ends with its runtime, the next call starts another one.
struct Watchdog(Weak<Shared>);

/// Spreads the pings of processes that lost the same storage.
const SPREAD: Jitter = Jitter::Proportional { share: 0.1 };

/// Counts the storage as lost and starts the task, unless the state has changed since the epoch in which the call was
/// made.
pub(super) fn lose(shared: &Arc<Shared>, epoch: u64, error: &StorageError) {
    if shared.availability.lose(epoch, error) {
        shared.counters.add(OUTAGES);
        ensure_running(shared);
    }
}

/// Starts the task unless it runs, or there is no runtime.
pub(super) fn ensure_running(shared: &Arc<Shared>) {
    if !shared.is_watched.load(SeqCst) {
        start(shared, false);
    }
}

/// Checks once whether the storage answers within the time limit of a call, unless the task runs.
pub(super) fn check(shared: &Arc<Shared>) {
    if !shared.is_watched.load(SeqCst) {
        start(shared, true);
    }
}

#[cold]
fn start(shared: &Arc<Shared>, checks_first: bool) {
    let Ok(runtime) = Handle::try_current() else { return };
    if !shared.is_watched.swap(true, SeqCst) {
        let watchdog = Watchdog(Arc::downgrade(shared));
        runtime.spawn(watchdog.run(checks_first));
    }
}

// === impl Watchdog ===

impl Watchdog {
    async fn run(self, checks_first: bool) {
        if checks_first {
            self.check().await;
        }
        // The pause is before each ping, so that calls that are given up cause one in each interval at most.
        while let Some(pause) = self.pause() {
            sleep(pause).await;
            let Some(shared) = self.0.upgrade() else { return };
            if shared.availability.is_lost() {
                match shared.storage.ping().await {
                    Ok(()) => shared.availability.restore(),
                    Err(error) => shared.availability.still_lost(&error),
                }
            }
            if !shared.availability.is_lost() {
                return;
            }
        }
    }

    /// Counts the storage as lost unless it answers within the time limit of a call.
    async fn check(&self) {
        let Some(shared) = self.0.upgrade() else { return };
        let Some(epoch) = shared.availability.admit() else { return };
        let limit = shared.settings.timeout;
        let error = match timeout(limit, shared.storage.ping()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(_) => StorageError::timeout(limit),
        };
        if error.is_outage() {
            lose(&shared, epoch, &error);
        }
    }

    fn pause(&self) -> Option<Duration> {
        let shared = self.0.upgrade()?;
        let interval = shared.settings.ping_interval;
        Some(SPREAD.apply(interval, Duration::ZERO, interval, shared.random.unit()))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let Some(shared) = self.0.upgrade() else { return };
        shared.is_watched.store(false, SeqCst);
        // A call may have lost the storage while this task ended, and found it running. After a panic the next call
        // starts the task, so that a ping that always panics does not keep the processor busy.
        if shared.availability.is_lost() && !thread::panicking() && !is_runtime_ending() {
            ensure_running(&shared);
        }
    }
}

//! The task that makes the writes, one after the other.

use std::{
    sync::{Arc, Weak, atomic::Ordering::SeqCst},
    thread,
};

use mainstay_core::escaped;
use tokio::{
    runtime::Handle,
    sync::Notify,
    time::{Instant, sleep},
};

use super::{
    pending::Write,
    shared::{DROPPED, FAILED, Shared, WRITTEN},
};
use crate::{StorageError, StorageErrorKind};

/// Part of the task. If the task ends in the middle of a write, with its runtime or in a panic of the storage, the write
/// waits for the next task.
struct Writer {
    shared: Weak<Shared>,
    current: Option<(Arc<str>, Write)>,
}

/// What became of a write.
enum Made {
    Done,
    /// The store does not work: the write is made later.
    Later,
}

/// Starts the task unless it runs, or there is no runtime.
pub(super) fn ensure_running(shared: &Arc<Shared>) {
    if shared.is_running.load(SeqCst) {
        return;
    }
    let Ok(runtime) = Handle::try_current() else { return };
    if !shared.is_running.swap(true, SeqCst) {
        let writer = Writer { shared: Arc::downgrade(shared), current: None };
        runtime.spawn(writer.run(Arc::clone(&shared.wake)));
    }
}

// === impl Writer ===

impl Writer {
    async fn run(mut self, wake: Arc<Notify>) {
        while let Some(shared) = self.shared.upgrade() {
            self.current = shared.take();
            let Some((key, write)) = &self.current else {
                drop(shared);
                wake.notified().await;
                continue;
            };
            match make(&shared, key, write).await {
                Made::Done => self.current = None,
                Made::Later => {
                    let pause = shared.settings.retry_interval;
                    self.return_current();
                    drop(shared);
                    sleep(pause).await;
                }
            }
        }
    }

    fn return_current(&mut self) {
        if let (Some((key, write)), Some(shared)) = (self.current.take(), self.shared.upgrade()) {
            shared.put_back(key, write);
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.return_current();
        let Some(shared) = self.shared.upgrade() else { return };
        match thread::panicking() {
            // The next write starts the task again. A flush does not: a storage that always panics would keep it busy.
            true => shared.is_running.store(false, SeqCst),
            false => shared.task_ended(),
        }
    }
}

async fn make(shared: &Shared, key: &str, write: &Write) -> Made {
    let left = write.expires.saturating_duration_since(Instant::now());
    // Storages count in milliseconds.
    if left.as_millis() == 0 {
        shared.counters.add(DROPPED);
        return Made::Done;
    }
    let made = match &write.value {
        Some(value) => shared.storage.set(key, value, left).await,
        None => shared.storage.delete(key).await.map(|_| true),
    };
    match made {
        Ok(stored) => {
            shared.counters.add(if stored { WRITTEN } else { DROPPED });
            if let Some(left_out) = shared.log.recovery() {
                let name = &shared.name;
                tracing::info!(%name, left_out, "writes to the store are made again");
            }
            Made::Done
        }
        Err(error) => failed(shared, &error),
    }
}

fn failed(shared: &Shared, error: &StorageError) -> Made {
    let waits = error.is_outage() || matches!(error.kind(), StorageErrorKind::Closed | StorageErrorKind::Lost);
    if !waits {
        shared.counters.add(FAILED);
    }
    if let Some(left_out) = shared.log.fault(Instant::now()) {
        let name = &shared.name;
        tracing::warn!(%name, error = %escaped(error), waits, left_out, "a write to the store failed");
    }
    if waits { Made::Later } else { Made::Done }
}

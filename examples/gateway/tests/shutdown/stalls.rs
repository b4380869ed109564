//! Measures how long the machine stalled, because stalls of a shared machine do not count as slowness of the gateway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

/// A thread that sleeps in short steps and sums up how late it woke.
pub(crate) struct Stalls(Arc<AtomicU64>);

const STEP: Duration = Duration::from_millis(10);

impl Stalls {
    /// Starts the thread. It ends when the handle is dropped.
    #[allow(clippy::disallowed_methods, reason = "the thread is outside of all runtimes")]
    pub(crate) fn begin() -> Self {
        let nanos = Arc::new(AtomicU64::new(0));
        let counted = Arc::downgrade(&nanos);
        thread::spawn(move || {
            while let Some(nanos) = counted.upgrade() {
                let asleep = Instant::now();
                thread::sleep(STEP);
                let late = asleep.elapsed().saturating_sub(STEP);
                nanos.fetch_add(late.as_nanos() as u64, Relaxed);
            }
        });
        Self(nanos)
    }

    /// Returns the sum so far.
    pub(crate) fn so_far(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

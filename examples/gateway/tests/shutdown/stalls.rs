//! How long the machine itself stood still: what a shared one takes away is no slowness of the gateway.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use tokio::time::Instant;

/// A thread that sleeps in short steps, and adds up by how much it woke too late.
pub(crate) struct Stalls(Arc<AtomicU64>);

const STEP: Duration = Duration::from_millis(10);

impl Stalls {
    /// Counts until it is dropped.
    #[allow(clippy::disallowed_methods, reason = "a thread of its own, apart from all runtimes")]
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

    /// All of it so far.
    pub(crate) fn so_far(&self) -> Duration {
        Duration::from_nanos(self.0.load(Relaxed))
    }
}

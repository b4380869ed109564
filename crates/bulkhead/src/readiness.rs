//! Callers that wait for the inner service in `poll_ready`.
//!
//! Such a caller holds no permit. When the permits are used up meanwhile, it is woken to queue or to be refused.

use crate::sync::{
    Notify,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

#[derive(Default)]
pub(crate) struct ReadinessWaiters {
    count: AtomicUsize,
    filled: Notify,
}

/// Counts one waiter for as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

// === impl ReadinessWaiters ===

impl ReadinessWaiters {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count.load(SeqCst) == 0
    }

    pub(crate) fn wake(&self) {
        self.filled.notify_waiters();
    }

    /// Ends with the next [`wake`](Self::wake).
    pub(crate) async fn wait(&self) {
        self.count.fetch_add(1, SeqCst);
        let _counted = Counted(&self.count);
        self.filled.notified().await;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

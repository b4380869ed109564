//! The requests that wait for an endpoint past the delay, without a second attempt.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// One such request, counted until it is dropped.
pub(crate) struct Overdue(Arc<AtomicU32>);

impl Overdue {
    pub(crate) fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count.clone())
    }
}

impl Drop for Overdue {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

//! A waker that counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Wake, Waker},
};

/// A task that counts its wake-ups, for polling by hand.
///
/// ```
/// use mainstay_core::test::Wakes;
///
/// let task = Wakes::new();
/// task.context(|cx| cx.waker().wake_by_ref());
/// assert_eq!(task.take(), 1);
/// assert_eq!(task.take(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Wakes {
    count: Arc<Count>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

// === impl Wakes ===

impl Wakes {
    /// Creates a task that was not woken yet.
    #[must_use]
    pub fn new() -> Self {
        let count = Arc::new(Count::default());
        Self { waker: count.clone().into(), count }
    }

    /// Calls `poll` with the context of this task.
    pub fn context<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        poll(&mut Context::from_waker(&self.waker))
    }

    /// Returns the number of wake-ups since the last call, and resets it.
    #[must_use]
    pub fn take(&self) -> usize {
        self.count.0.swap(0, SeqCst)
    }
}

impl Default for Wakes {
    fn default() -> Self {
        Self::new()
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

//! The tasks that wait for the source: one for every copy that has read all that is kept.
//!
//! A source keeps only the waker of its last poll. If that were the waker of one copy's task, the other tasks would never
//! wake after that copy is dropped. The source is polled with this waker instead, which wakes all of them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Wake, Waker},
};

#[derive(Default)]
pub(super) struct Wakers(Mutex<Vec<Waker>>);

// === impl Wakers ===

impl Wakers {
    pub(super) fn add(&self, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|waiting| waiting.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    /// Wakes all tasks but the running one.
    pub(super) fn wake_others(&self, running: &Waker) {
        self.take().into_iter().filter(|waker| !waker.will_wake(running)).for_each(Waker::wake);
    }

    fn wake_all(&self) {
        self.take().into_iter().for_each(Waker::wake);
    }

    fn take(&self) -> Vec<Waker> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

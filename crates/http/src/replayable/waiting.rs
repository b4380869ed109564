//! Who waits for the source: every copy that has caught up with it.
//!
//! A source remembers only the waker that it was polled with last. Were that one copy's own, the others would sleep for
//! ever once that copy is dropped, so the source is given this.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Wake, Waker},
};

#[derive(Default)]
pub(super) struct Waiting(Mutex<Vec<Waker>>);

// === impl Waiting ===

impl Waiting {
    pub(super) fn add(&self, waker: &Waker) {
        let mut wakers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !wakers.iter().any(|waiting| waiting.will_wake(waker)) {
            wakers.push(waker.clone());
        }
    }

    /// Wakes all but the one who is running.
    pub(super) fn wake_others(&self, running: &Waker) {
        self.take().into_iter().filter(|waker| !waker.will_wake(running)).for_each(Waker::wake);
    }

    pub(super) fn wake_all(&self) {
        self.take().into_iter().for_each(Waker::wake);
    }

    fn take(&self) -> Vec<Waker> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

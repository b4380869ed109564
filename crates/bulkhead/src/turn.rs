//! A place in the line for permits: in order of the first poll, which for every ordinary caller is that of the call.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::Shared;
use tokio::task::coop::unconstrained;

use crate::{
    Limit, Permit,
    inner::{Count, Inner},
};

/// A call that waits; counted until it gets its permit or goes away.
pub(crate) struct Turn {
    inner: Shared<Inner>,
    /// Boxed because the semaphore's future has no name, and whoever queues has time.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

// === impl Turn ===

impl Turn {
    /// A place that [`Slots::enter`](crate::slots::Slots::enter) has counted.
    pub(crate) fn new(inner: Shared<Inner>) -> Self {
        let turns = inner.slots.turns();
        // Unconstrained: with tokio's budget for the task used up, a turn that is there would seem not to be.
        let wait = unconstrained(async move {
            match turns.acquire_owned().await {
                Ok(turn) => turn.forget(),
                // The semaphore is never closed.
                Err(_) => std::future::pending().await,
            }
        });
        Self { inner, wait: Some(Box::pin(wait)) }
    }

    /// The limit that it is a place in line for.
    pub(crate) fn limit(&self) -> Limit {
        Limit::of(self.inner.clone())
    }

    pub(crate) fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<Permit> {
        let Some(wait) = &mut self.wait else { return Poll::Pending };
        ready!(wait.as_mut().poll(cx));
        self.wait = None;
        self.inner.slots.took_turn();
        self.inner.count(Count::Permitted);
        Poll::Ready(Permit::new(self.inner.clone()))
    }

    /// Goes away because its time is over, which is counted elsewhere.
    pub(crate) fn expire(&mut self) {
        if let Some(wait) = self.wait.take() {
            // First out of the semaphore's line, so that a turn it may hold goes to the next.
            drop(wait);
            self.inner.slots.left_the_line();
            self.inner.note_idle();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.wait.is_some() {
            self.inner.count(Count::Abandoned);
            self.expire();
        }
    }
}

//! A call that waits for a permit, in order of the first poll, which ordinary callers make with the call.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use mainstay_core::{Reason, Rejected, Shared};
use tokio::time::Instant;

use crate::{Permit, count::Count, inner::Inner, timer::WaitTimeout};

/// A place in the queue. Counted until it gets its permit, times out or is dropped.
pub(crate) struct Waiter {
    inner: Shared<Inner>,
    /// `None` once the wait has ended. Boxed because the future's type has no name.
    granted: Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>,
}

/// What a call gets that is not refused.
pub(crate) enum Admission {
    Admitted(Permit),
    Queued(Waiter),
}

// === impl Waiter ===

impl Waiter {
    #[cold]
    fn enqueue(inner: &Shared<Inner>) -> Option<Self> {
        let granted = || Self { inner: inner.clone(), granted: Some(Box::pin(inner.slots.granted())) };
        inner.slots.enqueue().then(granted)
    }

    /// Ready with the permit, or with a refusal when the wait times out.
    pub(crate) fn poll_permit(
        &mut self,
        timeout: &mut WaitTimeout,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Permit, Rejected>> {
        let Some(granted) = &mut self.granted else { return Poll::Pending };
        if granted.as_mut().poll(cx).is_pending() {
            return timeout.poll_elapsed(cx).map(|reason| {
                self.leave();
                Err(self.inner.reject(reason))
            });
        }
        self.granted = None;
        self.inner.slots.dequeue();
        self.inner.count(Count::Permitted);
        let permit = Permit::granted(self.inner.clone());
        if timeout.is_past_deadline() {
            return Poll::Ready(Err(permit.reject(Reason::DeadlineExceeded)));
        }
        Poll::Ready(Ok(permit))
    }

    fn leave(&mut self) {
        // Leaves the semaphore first, so that a grant it may hold goes to the next waiter.
        self.granted = None;
        self.inner.cancel();
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if self.granted.is_some() {
            self.leave();
            self.inner.count_late(Count::Abandoned);
        }
    }
}

// === impl Admission ===

impl Admission {
    /// Takes a free permit, or else a place in the queue. Returns `None`, and counts no refusal, if neither is free.
    #[inline]
    pub(crate) fn acquire(inner: &Shared<Inner>) -> Option<Self> {
        match Permit::try_acquire(inner) {
            Some(permit) => Some(Self::Admitted(permit)),
            None => Waiter::enqueue(inner).map(Self::Queued),
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        match self {
            Self::Admitted(permit) => permit.inner(),
            Self::Queued(waiter) => &waiter.inner,
        }
    }

    /// Waits for the permit.
    pub(crate) async fn permit(self, deadline: Option<Instant>) -> Result<Permit, Rejected> {
        let mut waiter = match self {
            Self::Admitted(permit) => return Ok(permit),
            Self::Queued(waiter) => waiter,
        };
        let mut timeout = WaitTimeout::new(waiter.inner.max_wait(), deadline);
        poll_fn(|cx| waiter.poll_permit(&mut timeout, cx)).await
    }
}

//! A call that waits, first for its permit and then for the inner service.

use std::task::{Context, Poll, ready};

use mainstay_core::Rejected;
use tokio::time::Instant;
use tower_service::Service;

use crate::{Permit, timer::WaitTimeout, waiter::Admission};

/// A call that waits. While it waits for the permit, it holds nothing of the inner service.
pub(crate) struct QueuedCall<S, Req> {
    /// `None` once the wait has ended.
    admission: Option<Admission>,
    timeout: WaitTimeout,
    inner: S,
    request: Option<Req>,
}

/// The end of the wait.
pub(crate) enum WaitResult<F, E> {
    /// The inner service is called.
    Called { future: F, permit: Permit },
    /// The wait has timed out.
    Rejected(Rejected),
    /// The inner service has failed to become ready.
    Failed(E),
}

// === impl QueuedCall ===

impl<S, Req> QueuedCall<S, Req> {
    pub(crate) fn new(admission: Admission, inner: S, request: Req, deadline: Option<Instant>) -> Self {
        let timeout = WaitTimeout::new(admission.inner().max_wait(), deadline);
        Self { admission: Some(admission), timeout, inner, request: Some(request) }
    }

    pub(crate) fn poll_called(&mut self, cx: &mut Context<'_>) -> Poll<WaitResult<S::Future, S::Error>>
    where
        S: Service<Req>,
    {
        if let Some(Admission::Queued(waiter)) = &mut self.admission {
            match ready!(waiter.poll_permit(&mut self.timeout, cx)) {
                Ok(permit) => self.admission = Some(Admission::Admitted(permit)),
                Err(rejected) => return Poll::Ready(WaitResult::Rejected(rejected)),
            }
        }
        let elapsed = match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) => None,
            Poll::Ready(Err(error)) => return Poll::Ready(WaitResult::Failed(error)),
            Poll::Pending => Some(ready!(self.timeout.poll_elapsed(cx))),
        };
        let (Some(Admission::Admitted(permit)), Some(request)) = (self.admission.take(), self.request.take()) else {
            return Poll::Pending;
        };
        Poll::Ready(match elapsed {
            Some(reason) => WaitResult::Rejected(permit.reject(reason)),
            None => WaitResult::Called { future: self.inner.call(request), permit },
        })
    }
}

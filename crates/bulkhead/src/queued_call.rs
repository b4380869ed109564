//! A call that waits, first for its permit and then for the inner service.

use std::task::{Context, Poll, ready};

use mainstay_core::{Contextual, Rejected, UploadClock};
use tower_service::Service;

use crate::{Permit, timer::WaitTimeout, waiter::Admission};

/// A call that waits. While it waits for the permit, it holds nothing of the inner service.
pub(crate) struct QueuedCall<S, Req> {
    /// `None` once the wait has ended.
    admission: Option<Admission>,
    timeout: WaitTimeout,
    inner: S,
    request: Option<Req>,
    upload: Option<UploadClock>,
}

/// The end of the wait.
pub(crate) enum WaitResult<F, E> {
    /// The inner service is called.
    Called { future: F, permit: Permit, upload: Option<UploadClock> },
    /// The wait has timed out.
    Rejected(Rejected),
    /// The inner service has failed to become ready.
    Failed(E),
}

// === impl QueuedCall ===

impl<S, Req> QueuedCall<S, Req> {
    pub(crate) fn new<P>(admission: Admission, inner: S, request: Req, policy: &P) -> Self
    where
        P: Contextual<Req>,
    {
        let deadline = policy.context(&request).and_then(|context| context.deadline);
        let upload = policy.upload_clock(&request).cloned();
        let timeout = WaitTimeout::new(admission.inner().max_wait(), deadline);
        Self { admission: Some(admission), timeout, inner, request: Some(request), upload }
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
            None => WaitResult::Called { future: self.inner.call(request), permit, upload: self.upload.take() },
        })
    }
}

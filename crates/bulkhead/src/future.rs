//! The future of a call through a bulkhead.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::{ErrorType, Follow, Reason, Rejected, UploadClock};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    Permit,
    queued_call::{QueuedCall, WaitResult},
    timer::Timer,
};

pin_project! {
    /// The future of [`Bulkhead`](crate::Bulkhead) and [`KeyedBulkhead`](crate::KeyedBulkhead).
    #[must_use = "futures do nothing unless polled"]
    pub struct BulkheadFuture<S, Req, F, P, E> {
        #[pin]
        state: State<S, Req, F>,
        policy: P,
        _error: PhantomData<fn() -> E>,
    }
}

pin_project! {
    #[project = StateProj]
    #[project_replace = StateOwned]
    enum State<S, Req, F> {
        // The inner service is called. Drops the inner future before the permit, so that the next caller finds a free
        // slot there.
        Called { #[pin] future: F, permit: Permit, timer: Option<Timer>, upload: Option<UploadClock> },
        // The call waits for a permit or for the inner service. Boxed, so that only calls that wait pay for its size.
        Queued { call: Box<QueuedCall<S, Req>> },
        // The limit has refused the call.
        Rejected { rejected: Rejected },
        // The result has been returned.
        Done,
    }
}

// === impl BulkheadFuture ===

impl<S, Req, F, P, E> BulkheadFuture<S, Req, F, P, E> {
    pub(crate) fn called(future: F, permit: Permit, upload: Option<UploadClock>, policy: P) -> Self {
        Self { state: State::Called { future, permit, timer: None, upload }, policy, _error: PhantomData }
    }

    pub(crate) fn queued(call: QueuedCall<S, Req>, policy: P) -> Self {
        Self { state: State::Queued { call: Box::new(call) }, policy, _error: PhantomData }
    }

    pub(crate) fn rejected(rejected: Rejected, policy: P) -> Self {
        Self { state: State::Rejected { rejected }, policy, _error: PhantomData }
    }
}

impl<S, Req, P, E> Future for BulkheadFuture<S, Req, S::Future, P, E>
where
    S: Service<Req>,
    S::Error: Into<E::Error>,
    P: Follow<S::Response>,
    E: ErrorType,
{
    type Output = Result<S::Response, E::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        let result = loop {
            match state.as_mut().project() {
                StateProj::Called { future, permit, timer, upload } => match future.poll(cx) {
                    Poll::Ready(result) => break result.map_err(Into::into),
                    Poll::Pending => {
                        let reason = ready!(poll_execution_timeout(permit, timer, upload.as_ref(), cx));
                        break Err(permit.inner().reject(reason).into());
                    }
                },
                StateProj::Queued { call } => match ready!(call.poll_called(cx)) {
                    WaitResult::Called { future, permit, upload } => {
                        state.set(State::Called { future, permit, timer: None, upload });
                    }
                    WaitResult::Rejected(rejected) => break Err(rejected.into()),
                    WaitResult::Failed(error) => break Err(error.into()),
                },
                StateProj::Rejected { .. } => match state.as_mut().project_replace(State::Done) {
                    StateOwned::Rejected { rejected } => break Err(rejected.into()),
                    _ => return Poll::Pending,
                },
                // Polled after completion, which the contract of `Future` forbids: pending for ever instead of a panic.
                StateProj::Done => return Poll::Pending,
            }
        };
        match result {
            Ok(response) if this.policy.is_streaming(&response) => match state.project_replace(State::Done) {
                // The response keeps the permit until its stream ends.
                StateOwned::Called { permit, .. } => {
                    Poll::Ready(Ok(this.policy.follow(response, move |_| drop(permit))))
                }
                _ => Poll::Ready(Ok(response)),
            },
            result => {
                state.set(State::Done);
                Poll::Ready(result)
            }
        }
    }
}

/// Ready when the call has reached the execution timeout. Arms the timer when the call is pending for the first time, and
/// again while the body of the request is on its way.
fn poll_execution_timeout(
    permit: &Permit,
    timer: &mut Option<Timer>,
    upload: Option<&UploadClock>,
    cx: &mut Context<'_>,
) -> Poll<Reason> {
    if timer.is_none() {
        let Some(time) = permit.inner().execution_timeout() else { return Poll::Pending };
        *timer = Timer::after(time);
    }
    loop {
        let Some(running) = timer else { return Poll::Ready(Reason::NoRuntime) };
        ready!(running.poll(cx));
        let limit = permit.inner().execution_timeout();
        match limit.and_then(|limit| UploadClock::later_end(upload, limit)) {
            Some(end) => *timer = Timer::at(end),
            None => return Poll::Ready(Reason::AttemptTimeout),
        }
    }
}

impl<S, Req, F, P, E> fmt::Debug for BulkheadFuture<S, Req, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Called { .. } => "called",
            State::Queued { .. } => "queued",
            State::Rejected { .. } => "rejected",
            State::Done => "done",
        };
        f.debug_tuple("BulkheadFuture").field(&format_args!("{state}")).finish()
    }
}

//! The future of a call through a bulkhead.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::{ErrorType, Follow, Reason, Rejected};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    Permit,
    wait::Timer,
    waiting::{Ended, Waiting},
};

pin_project! {
    /// The future of [`Bulkhead`](crate::Bulkhead).
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
        // The call is under way. It is dropped before its permit, so that who comes next finds its place free.
        Calling { #[pin] future: F, permit: Permit, timer: Option<Timer> },
        // The call waits for a permit or for the inner service.
        Queued { waiting: Box<Waiting<S, Req>> },
        // The limit refused: the answer is ready.
        Refused { rejected: Rejected },
        // The answer was given.
        Done,
    }
}

// === impl BulkheadFuture ===

impl<S, Req, F, P, E> BulkheadFuture<S, Req, F, P, E> {
    #[inline]
    pub(crate) fn calling(future: F, permit: Permit, policy: P) -> Self {
        Self { state: State::Calling { future, permit, timer: None }, policy, _error: PhantomData }
    }

    pub(crate) fn queued(waiting: Waiting<S, Req>, policy: P) -> Self {
        Self { state: State::Queued { waiting: Box::new(waiting) }, policy, _error: PhantomData }
    }

    pub(crate) fn refused(rejected: Rejected, policy: P) -> Self {
        Self { state: State::Refused { rejected }, policy, _error: PhantomData }
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
                StateProj::Calling { future, permit, timer } => match future.poll(cx) {
                    Poll::Ready(result) => break result.map_err(Into::into),
                    Poll::Pending => {
                        ready!(poll_execution(permit, timer, cx));
                        break Err(permit.inner().reject(Reason::AttemptTimeout).into());
                    }
                },
                StateProj::Queued { waiting } => match ready!(waiting.poll_call(cx)) {
                    Ended::Calling { future, permit } => state.set(State::Calling { future, permit, timer: None }),
                    Ended::Refused(rejected) => break Err(rejected.into()),
                    Ended::Failed(error) => break Err(error.into()),
                },
                StateProj::Refused { .. } => match state.as_mut().project_replace(State::Done) {
                    StateOwned::Refused { rejected } => break Err(rejected.into()),
                    _ => return Poll::Pending,
                },
                // Polled after its end, which no caller may do: pending for ever rather than a panic.
                StateProj::Done => return Poll::Pending,
            }
        };
        match result {
            Ok(response) if this.policy.is_streaming(&response) => match state.project_replace(State::Done) {
                // The stream goes on, and the permit with it.
                StateOwned::Calling { permit, .. } => {
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

/// Ready when the call has run too long. The timer is armed when the call is pending for the first time.
fn poll_execution(permit: &Permit, timer: &mut Option<Timer>, cx: &mut Context<'_>) -> Poll<()> {
    if timer.is_none() {
        *timer = permit.inner().execution_timeout().map(Timer::after);
    }
    match timer {
        Some(timer) => timer.poll(cx),
        None => Poll::Pending,
    }
}

impl<S, Req, F, P, E> fmt::Debug for BulkheadFuture<S, Req, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "calling",
            State::Queued { .. } => "queued",
            State::Refused { .. } => "refused",
            State::Done => "done",
        };
        f.debug_tuple("BulkheadFuture").field(&format_args!("{state}")).finish()
    }
}

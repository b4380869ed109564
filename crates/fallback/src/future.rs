//! The future of a service with a fallback.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{Classify, ErrorType, Mark};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    Answers,
    service::Shared,
    walk::{Settled, Steps, Walk},
};

pin_project! {
    /// The future of [`Fallback`](crate::Fallback).
    pub struct FallbackFuture<S, Req, C, P, E>
    where
        S: Service<Req>,
        E: ErrorType,
        C: Answers<Req, S::Response, E::Error, P>,
    {
        #[pin]
        state: State<S::Future, S::Response, E::Error, C::Kept>,
        shared: Arc<Shared<C, P>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, Res, E, K> {
        // The inner service is at work.
        Asking { #[pin] future: F, kept: Option<K> },
        // The steps are tried. Boxed once a step has to wait, and only then, so that the future of a call that needs
        // no fallback is no larger than the inner one and what is kept.
        Walking { walk: Box<Walk<Res, E, K>> },
        // The inner service was not ready to be asked: the steps are to be tried. Empty, it is what the other states
        // leave behind.
        Unready { error: Option<E>, kept: Option<K> },
    }
}

// === impl FallbackFuture ===

impl<S, Req, C, P, E> FallbackFuture<S, Req, C, P, E>
where
    S: Service<Req>,
    E: ErrorType,
    C: Answers<Req, S::Response, E::Error, P>,
{
    pub(crate) fn asking(future: S::Future, kept: C::Kept, shared: Arc<Shared<C, P>>) -> Self {
        Self { state: State::Asking { future, kept: Some(kept) }, shared }
    }

    pub(crate) fn unready(error: E::Error, kept: C::Kept, shared: Arc<Shared<C, P>>) -> Self {
        Self { state: State::Unready { error: Some(error), kept: Some(kept) }, shared }
    }
}

impl<S, Req, C, P, E> Future for FallbackFuture<S, Req, C, P, E>
where
    S: Service<Req>,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Mark<S::Response>,
    C: Answers<Req, S::Response, E::Error, P>,
{
    type Output = Result<S::Response, E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Shared { steps: chain, policy, handle } = &**this.shared;
        let steps = Steps { chain: &**chain, policy, handle };
        let mut walk = match this.state.as_mut().project() {
            StateProj::Asking { future, kept } => {
                let result = ready!(future.poll(cx)).map_err(Into::into);
                let Some(kept) = kept.take() else { return Poll::Ready(result) };
                match steps.settle(result, kept) {
                    Settled::Done(result) => return Poll::Ready(result),
                    Settled::Walk(walk) => walk,
                }
            }
            StateProj::Unready { error, kept } => match error.take().zip(kept.take()) {
                Some((error, kept)) => steps.walk(Err(error), kept),
                None => return Poll::Pending,
            },
            StateProj::Walking { walk } => return walk.poll(cx, &steps),
        };
        // The inner future goes before a step begins: it may hold a permit that the step needs.
        this.state.set(State::Unready { error: None, kept: None });
        let polled = walk.poll(cx, &steps);
        if polled.is_pending() {
            this.state.set(State::Walking { walk: Box::new(walk) });
        }
        polled
    }
}

impl<S, Req, C, P, E> fmt::Debug for FallbackFuture<S, Req, C, P, E>
where
    S: Service<Req>,
    E: ErrorType,
    C: Answers<Req, S::Response, E::Error, P>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackFuture").finish_non_exhaustive()
    }
}

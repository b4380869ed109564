//! The future of a service with a fallback.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{Classify, ErrorType, Mark, Outcome};
use pin_project_lite::pin_project;

use crate::{
    Answers,
    service::Core,
    walk::{Settled, Walk},
};

pin_project! {
    /// The future of [`Fallback`](crate::Fallback).
    ///
    /// `F` is the inner future, `K` what is kept of the request. They stand here in place of the service and the chain
    /// they come from, so that the compiler need not look these up again where the future moves into a task.
    pub struct FallbackFuture<F, Req, Res, C, P, E, K>
    where
        E: ErrorType,
    {
        #[pin]
        state: State<F, Res, E::Error, K>,
        policy: P,
        core: Arc<Core<C>>,
        _request: PhantomData<fn(Req)>,
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
        Unready { unready: Option<(E, Outcome)>, kept: Option<K> },
    }
}

// === impl FallbackFuture ===

impl<F, Req, Res, C, P, E: ErrorType, K> FallbackFuture<F, Req, Res, C, P, E, K> {
    #[inline]
    pub(crate) fn asking(future: F, kept: K, policy: P, core: Arc<Core<C>>) -> Self {
        Self { state: State::Asking { future, kept: Some(kept) }, policy, core, _request: PhantomData }
    }

    pub(crate) fn unready(unready: (E::Error, Outcome), kept: K, policy: P, core: Arc<Core<C>>) -> Self {
        Self { state: State::Unready { unready: Some(unready), kept: Some(kept) }, policy, core, _request: PhantomData }
    }
}

impl<F, Req, Res, Err, C, P, E, K> Future for FallbackFuture<F, Req, Res, C, P, E, K>
where
    F: Future<Output = Result<Res, Err>>,
    Err: Into<E::Error>,
    E: ErrorType,
    P: Classify<Res, E::Error> + Mark<Res>,
    C: Answers<Req, Res, E::Error, P, Kept = K>,
{
    type Output = Result<Res, E::Error>;

    /// The way of nearly all calls, short enough to be inlined.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let StateProj::Asking { future, .. } = this.state.project() else { return self.go_on(cx) };
        let result = ready!(future.poll(cx)).map_err(Into::into);
        let outcome = this.policy.classify(result.as_ref());
        if outcome.is_success() && !C::REMEMBERS && !this.core.handle.is_in_use() {
            return Poll::Ready(result);
        }
        self.settle(cx, result, outcome)
    }
}

impl<F, Req, Res, Err, C, P, E, K> FallbackFuture<F, Req, Res, C, P, E, K>
where
    F: Future<Output = Result<Res, Err>>,
    Err: Into<E::Error>,
    E: ErrorType,
    P: Classify<Res, E::Error> + Mark<Res>,
    C: Answers<Req, Res, E::Error, P, Kept = K>,
{
    /// The inner service gave a result that is not only to be passed on.
    #[inline(never)]
    fn settle(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        result: Result<Res, E::Error>,
        outcome: Outcome,
    ) -> Poll<Result<Res, E::Error>> {
        let this = self.as_mut().project();
        let kept = match this.state.project() {
            StateProj::Asking { kept, .. } => kept.take(),
            _ => None,
        };
        let Some(kept) = kept else { return Poll::Ready(result) };
        match this.core.steps(this.policy).settle(result, outcome, kept) {
            Settled::Walk(walk) => self.begin(cx, walk),
            Settled::Done(result) => Poll::Ready(result),
        }
    }

    /// The inner service has had its turn, or was not to have one.
    #[inline(never)]
    fn go_on(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Res, E::Error>> {
        let this = self.as_mut().project();
        match this.state.project() {
            StateProj::Walking { walk } => walk.poll(cx, &this.core.steps(this.policy)),
            StateProj::Unready { unready, kept } => match unready.take().zip(kept.take()) {
                Some(((error, outcome), kept)) => {
                    let walk = this.core.steps(this.policy).walk(Err(error), outcome, kept);
                    self.begin(cx, walk)
                }
                None => Poll::Pending,
            },
            StateProj::Asking { .. } => Poll::Pending,
        }
    }

    fn begin(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut walk: Walk<Res, E::Error, K>,
    ) -> Poll<Result<Res, E::Error>> {
        let mut this = self.project();
        // The inner future goes before a step begins: it may hold a permit that the step needs.
        this.state.set(State::Unready { unready: None, kept: None });
        let polled = walk.poll(cx, &this.core.steps(this.policy));
        if polled.is_pending() {
            this.state.set(State::Walking { walk: Box::new(walk) });
        }
        polled
    }
}

impl<F, Req, Res, C, P, E: ErrorType, K> fmt::Debug for FallbackFuture<F, Req, Res, C, P, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackFuture").finish_non_exhaustive()
    }
}

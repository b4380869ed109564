//! The future of a service with a fallback.
//!
//! `poll` returns a success early if no step caches it and the status is healthy: 106 instructions a call instead of 152,
//! because the result is not moved through a `Decision`.

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
    execution::{Decision, Execution},
    shared::Shared,
};

pin_project! {
    /// The future of [`Fallback`](crate::Fallback).
    ///
    /// `F` is the inner future, `K` the part of the request that is kept for the steps. They are parameters in place of
    /// the service and the chain that they belong to, so that the compiler does not resolve those again where the
    /// future moves into a task.
    pub struct FallbackFuture<F, Req, Res, C, P, E, K>
    where
        E: ErrorType,
    {
        #[pin]
        state: State<F, Res, E::Error, K>,
        policy: P,
        shared: Arc<Shared<C>>,
        _request: PhantomData<fn(Req)>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, Res, E, K> {
        // The inner call is in flight.
        Inner { #[pin] future: F, kept: Option<K> },
        // A step is running. The execution is boxed only when a step waits, so that the future of a call that needs
        // no fallback is no larger than the inner future and `kept`.
        Steps { execution: Box<Execution<Res, E, K>> },
        // The inner `poll_ready` failed, so the steps run at the first poll. Both fields are `None` after that, and
        // while the steps run without being boxed.
        NotReady { error: Option<(E, Outcome)>, kept: Option<K> },
    }
}

// === impl FallbackFuture ===

impl<F, Req, Res, C, P, E: ErrorType, K> FallbackFuture<F, Req, Res, C, P, E, K> {
    pub(crate) fn inner(future: F, kept: K, policy: P, shared: Arc<Shared<C>>) -> Self {
        Self { state: State::Inner { future, kept: Some(kept) }, policy, shared, _request: PhantomData }
    }

    pub(crate) fn not_ready(error: (E::Error, Outcome), kept: K, policy: P, shared: Arc<Shared<C>>) -> Self {
        let state = State::NotReady { error: Some(error), kept: Some(kept) };
        Self { state, policy, shared, _request: PhantomData }
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

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let executor = this.shared.executor(this.policy);
        let execution = match this.state.project() {
            StateProj::Inner { future, kept } => {
                let result = ready!(future.poll(cx)).map_err(Into::into);
                let outcome = this.policy.classify(result.as_ref());
                if outcome.is_success() && !C::CACHES_ANSWERS && !this.shared.handle.is_in_use() {
                    return Poll::Ready(result);
                }
                let Some(kept) = kept.take() else { return Poll::Ready(result) };
                match executor.record(result, outcome, kept) {
                    Decision::Return(result) => return Poll::Ready(result),
                    Decision::RunSteps(execution) => execution,
                }
            }
            StateProj::Steps { execution } => return execution.poll(cx, &executor),
            StateProj::NotReady { error, kept } => match error.take().zip(kept.take()) {
                Some(((error, outcome), kept)) => executor.execution(Err(error), outcome, kept),
                None => return Poll::Pending,
            },
        };
        self.run(cx, execution)
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
    /// Polls the steps for the first time.
    fn run(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut execution: Execution<Res, E::Error, K>,
    ) -> Poll<Result<Res, E::Error>> {
        let mut this = self.project();
        // Drops the inner future before a step starts: it may hold a permit that the step needs.
        this.state.set(State::NotReady { error: None, kept: None });
        let polled = execution.poll(cx, &this.shared.executor(this.policy));
        if polled.is_pending() {
            this.state.set(State::Steps { execution: Box::new(execution) });
        }
        polled
    }
}

impl<F, Req, Res, C, P, E: ErrorType, K> fmt::Debug for FallbackFuture<F, Req, Res, C, P, E, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackFuture").finish_non_exhaustive()
    }
}

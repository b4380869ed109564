//! The future of a request.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{AttemptQuota, Classify, Contextual, Refusal, Replay};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    GaveUp,
    decide::Wait,
    journey::{Journey, Leave, Spare},
    repeat::{Readied, Repeat},
    service::Shared,
};

pin_project! {
    /// The future of a [`Retry`](crate::Retry): an attempt, and as many more as it takes and is allowed.
    ///
    /// No bound stands here: with one, the compiler would have to prove it again, with lifetimes erased, wherever a
    /// task holds this future.
    pub struct RetryFuture<F, S, Req, P, E> {
        #[pin]
        state: State<F, S, E>,
        spare: Spare<Req>,
        attempt_quota: Option<AttemptQuota>,
        journey: Journey,
        shared: Arc<Shared<S, P>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S, E> {
        // An attempt is under way.
        Attempt { #[pin] future: F },
        // Waiting before the next, or for a fresh service to be ready for it.
        Repeat { repeat: Box<Repeat<S, E>> },
        // The deadline had passed before the request came.
        Refused { error: Option<E> },
    }
}

// === impl RetryFuture ===

impl<F, S, Req, P, E> RetryFuture<F, S, Req, P, E> {
    #[inline]
    pub(crate) fn attempt(
        future: F,
        (spare, attempt_quota): (Spare<Req>, Option<AttemptQuota>),
        journey: Journey,
        shared: Arc<Shared<S, P>>,
    ) -> Self {
        Self { state: State::Attempt { future }, spare, attempt_quota, journey, shared }
    }

    pub(crate) fn refused(error: E, journey: Journey, shared: Arc<Shared<S, P>>) -> Self {
        let spare = Spare::Missing(GaveUp::Deadline);
        Self { state: State::Refused { error: Some(error) }, spare, attempt_quota: None, journey, shared }
    }
}

impl<F, S, Req, P, E> Future for RetryFuture<F, S, Req, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    E: Refusal,
    P: Classify<S::Response, E> + Replay<Req> + Contextual<Req>,
{
    type Output = Result<S::Response, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let this = self.as_mut().project();
            let shared = &**this.shared;
            let result = match this.state.project() {
                StateProj::Attempt { future } => ready!(future.poll(cx)).map_err(Into::into),
                StateProj::Repeat { repeat } => {
                    match ready!(repeat.poll(cx, this.journey.deadline, || shared.service())) {
                        Readied::Ready { service, wait, previous } => {
                            match mem::replace(this.spare, Spare::Missing(GaveUp::NotReplayable)) {
                                Spare::Kept(req) => self.as_mut().send(req, service, wait, previous),
                                // No repeat is begun without a copy.
                                Spare::Missing(_) => return Poll::Ready(Err(shared.overtaken(this.journey, previous))),
                            }
                            continue;
                        }
                        Readied::Failed { error, wait, previous } => {
                            shared.retrier.resume_unsent(this.journey, wait);
                            shared.let_go(previous);
                            Err(error)
                        }
                        Readied::Late { previous } => {
                            return Poll::Ready(Err(shared.overtaken(this.journey, previous)));
                        }
                    }
                }
                StateProj::Refused { error } => match error.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => return Poll::Pending,
                },
            };
            match self.as_mut().judge(&result) {
                Some(wait) => self.as_mut().repeat(result, wait),
                None => return Poll::Ready(result),
            }
        }
    }
}

impl<F, S, Req, P, E> RetryFuture<F, S, Req, P, E>
where
    S: Service<Req, Future = F> + Clone,
    P: Classify<S::Response, E> + Replay<Req> + Contextual<Req>,
{
    fn judge(self: Pin<&mut Self>, result: &Result<S::Response, E>) -> Option<Wait> {
        let this = self.project();
        let shared = &**this.shared;
        let outcome = shared.policy.classify(result.as_ref());
        let leave: Leave<'_> = match this.spare {
            // A success asks for no copy, so it need not be looked at.
            Spare::Kept(copy) if !outcome.is_success() && !shared.policy.is_intact(copy) => Err(GaveUp::NotReplayable),
            Spare::Kept(_) => Ok(this.attempt_quota.as_ref()),
            Spare::Missing(reason) => Err(*reason),
        };
        shared.retrier.judge(this.journey, outcome, leave)
    }

    /// Lets the result go and begins to wait.
    fn repeat(self: Pin<&mut Self>, result: Result<S::Response, E>, wait: Wait) {
        let mut this = self.project();
        let previous = match result {
            Ok(response) => {
                this.shared.policy.discard(Ok(response));
                None
            }
            Err(error) => Some(error),
        };
        this.state.set(State::Repeat { repeat: Repeat::new(wait, previous) });
    }

    fn send(self: Pin<&mut Self>, mut req: Req, mut service: S, wait: Wait, previous: Option<E>) {
        let mut this = self.project();
        let shared = &**this.shared;
        shared.retrier.resume(this.journey, wait);
        shared.let_go(previous);
        *this.spare = shared.spare(&req, this.journey);
        shared.put_context(&mut req, this.journey, this.attempt_quota.as_ref());
        this.state.set(State::Attempt { future: service.call(req) });
    }
}

impl<F, S, Req, P, E> fmt::Debug for RetryFuture<F, S, Req, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture").field("journey", &self.journey).finish_non_exhaustive()
    }
}

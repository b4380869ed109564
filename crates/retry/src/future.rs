//! The future of a request.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{AttemptQuota, Classify, Contextual, Refusal, Repeat, Replay};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    StopReason,
    pending_retry::{PendingRetry, RetryReadiness},
    request_state::{ReplayCopy, RequestState, RetryPermission},
    schedule::ScheduledRetry,
    shared::Shared,
};

pin_project! {
    /// The future of a [`Retry`](crate::Retry): the first attempt and its retries.
    ///
    /// It has no bounds: the compiler would have to prove them again, with lifetimes erased, wherever a task holds
    /// this future. `K`, the form in which the policy keeps the request, is a parameter for the same reason.
    pub struct RetryFuture<F, S, Req, K, P, E> {
        #[pin]
        state: State<F, S, E>,
        copy: ReplayCopy<K>,
        attempt_quota: Option<AttemptQuota>,
        request_state: RequestState,
        shared: Arc<Shared<S, P>>,
        _request: PhantomData<fn(Req)>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, S, E> {
        // The attempt is in flight.
        Attempt { #[pin] future: F },
        // Waiting for the delay, or for a fresh service to be ready.
        Retry { retry: Box<PendingRetry<S, E>> },
        // The deadline had passed before the first attempt.
        Rejected { error: Option<E> },
    }
}

// === impl RetryFuture ===

impl<F, S, Req, K, P, E> RetryFuture<F, S, Req, K, P, E> {
    #[inline]
    pub(crate) fn attempt(
        future: F,
        copy: ReplayCopy<K>,
        attempt_quota: Option<AttemptQuota>,
        request_state: RequestState,
        shared: Arc<Shared<S, P>>,
    ) -> Self {
        let state = State::Attempt { future };
        Self { state, copy, attempt_quota, request_state, shared, _request: PhantomData }
    }

    pub(crate) fn rejected(error: E, request_state: RequestState, shared: Arc<Shared<S, P>>) -> Self {
        let copy = ReplayCopy::Unavailable(StopReason::Deadline);
        let state = State::Rejected { error: Some(error) };
        Self { state, copy, attempt_quota: None, request_state, shared, _request: PhantomData }
    }
}

impl<F, S, Req, K, P, E> Future for RetryFuture<F, S, Req, K, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    E: Refusal,
    K: Into<Req>,
    P: Classify<S::Response, E> + Replay<Req, Kept = K> + Contextual<Req>,
{
    type Output = Result<S::Response, E>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let this = self.as_mut().project();
            let shared = &**this.shared;
            let result = match this.state.project() {
                StateProj::Attempt { future } => ready!(future.poll(cx)).map_err(Into::into),
                StateProj::Retry { retry } => {
                    match ready!(retry.poll(cx, this.request_state.deadline, || shared.service())) {
                        RetryReadiness::Ready { service, retry, previous } => {
                            match mem::replace(this.copy, ReplayCopy::Unavailable(StopReason::NotReplayable)) {
                                ReplayCopy::Available(copy) => {
                                    self.as_mut().send(copy.into_request().into(), service, retry, previous);
                                }
                                // Unreachable: no retry is scheduled without a copy.
                                ReplayCopy::Unavailable(_) => {
                                    return Poll::Ready(Err(shared.deadline_passed(this.request_state, previous)));
                                }
                            }
                            continue;
                        }
                        RetryReadiness::Failed { error, retry, previous } => {
                            shared.retrier.start_retry(this.request_state, retry);
                            // The attempt was not sent, so it is not timed.
                            this.request_state.attempt_started = None;
                            shared.discard_previous(previous);
                            Err(error)
                        }
                        RetryReadiness::DeadlinePassed { previous } => {
                            return Poll::Ready(Err(shared.deadline_passed(this.request_state, previous)));
                        }
                    }
                }
                StateProj::Rejected { error } => match error.take() {
                    Some(error) => return Poll::Ready(Err(error)),
                    None => return Poll::Pending,
                },
            };
            match self.as_mut().record(&result) {
                Some(retry) => self.as_mut().wait(result, retry),
                None => return Poll::Ready(result),
            }
        }
    }
}

impl<F, S, Req, K, P, E> RetryFuture<F, S, Req, K, P, E>
where
    K: Into<Req>,
    S: Service<Req, Future = F> + Clone,
    P: Classify<S::Response, E> + Replay<Req, Kept = K> + Contextual<Req>,
{
    /// Classifies the result and records it. Returns the retry, or `None` if the result is the caller's.
    fn record(self: Pin<&mut Self>, result: &Result<S::Response, E>) -> Option<ScheduledRetry> {
        let this = self.project();
        let shared = &**this.shared;
        let outcome = shared.policy.classify(result.as_ref());
        if let Some(quota) = this.attempt_quota.as_ref().filter(|_| this.request_state.owns_quota) {
            shared.context_use.record(quota, outcome.is_success());
        }
        let permission: RetryPermission<'_> = match this.copy {
            // A success needs no copy, so the copy is checked only after a failure.
            ReplayCopy::Available(_) if outcome.is_success() => Ok(None),
            ReplayCopy::Available(copy) if copy.may_follow(&outcome) && shared.policy.is_intact(copy.request()) => {
                if this.attempt_quota.is_none() && Contextual::<Req>::carries_context(&shared.policy) {
                    *this.attempt_quota = Some(shared.make_quota(this.request_state));
                }
                Ok(this.attempt_quota.as_ref())
            }
            ReplayCopy::Available(_) => Err(StopReason::NotReplayable),
            ReplayCopy::Unavailable(StopReason::NotReplayable) => {
                if outcome.is_failure() && outcome.repeat() != Repeat::Never {
                    shared.retrier.warn_of_missing_copy();
                }
                Err(StopReason::NotReplayable)
            }
            ReplayCopy::Unavailable(reason) => Err(*reason),
        };
        shared.retrier.record(this.request_state, outcome, permission)
    }

    /// Discards a response, keeps an error, and starts to wait.
    fn wait(self: Pin<&mut Self>, result: Result<S::Response, E>, retry: ScheduledRetry) {
        let mut this = self.project();
        let previous = match result {
            Ok(response) => {
                this.shared.policy.discard(Ok(response));
                None
            }
            Err(error) => Some(error),
        };
        this.state.set(State::Retry { retry: PendingRetry::new(retry, previous) });
    }

    /// Sends the next attempt.
    fn send(self: Pin<&mut Self>, mut req: Req, mut service: S, retry: ScheduledRetry, previous: Option<E>) {
        let mut this = self.project();
        let shared = &**this.shared;
        shared.retrier.start_retry(this.request_state, retry);
        shared.discard_previous(previous);
        *this.copy = shared.copy(&req, this.request_state);
        shared.put_context(&mut req, this.request_state, this.attempt_quota.as_ref());
        this.state.set(State::Attempt { future: service.call(req) });
    }
}

impl<F, S, Req, K, P, E> fmt::Debug for RetryFuture<F, S, Req, K, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture").field("request_state", &self.request_state).finish_non_exhaustive()
    }
}

//! The service.
//!
//! A later attempt needs a service of its own, after `call` has returned, so something must outlive the borrow. A clone
//! of the service for every request would pay for all reference counts of the stack below each time; what is cheapest
//! is one count on what all requests share anyway, in which a template waits to be cloned for an actual repeat. It is
//! behind a lock, because a service need not be `Sync`; only repeats take it.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use mainstay_core::{AttemptQuota, Classify, Contextual, ErrorType, Rejected, Replay};
use tower_service::Service;

use crate::{
    GaveUp, Retrier, RetryFuture,
    journey::{Journey, Spare},
};

/// A service whose requests are repeated; made by a [`RetryLayer`](crate::RetryLayer).
///
/// The first attempt uses the instance that `poll_ready` made ready. Each later one takes a fresh clone to
/// readiness.
pub struct Retry<S, P, E> {
    inner: S,
    shared: Arc<Shared<S, P>>,
    _error: PhantomData<fn() -> E>,
}

/// What all clones of a service and all their requests share.
pub(crate) struct Shared<S, P> {
    pub(crate) retrier: Retrier,
    pub(crate) policy: P,
    template: Mutex<S>,
}

// === impl Retry ===

impl<S, P, E> Retry<S, P, E> {
    /// Repeats the calls of a service, as this handle decides.
    pub fn new(inner: S, retrier: Retrier, policy: P) -> Self
    where
        S: Clone,
    {
        let template = Mutex::new(inner.clone());
        Self { inner, shared: Arc::new(Shared { retrier, policy, template }), _error: PhantomData }
    }

    /// The retrier that this service shares with all others of its layer.
    #[must_use]
    pub fn handle(&self) -> &Retrier {
        &self.shared.retrier
    }
}

impl<S, Req, P, E> Service<Req> for Retry<S, P, E>
where
    S: Service<Req> + Clone,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Replay<Req> + Contextual<Req>,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = RetryFuture<S::Future, S, Req, P, E::Error>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, req: Req) -> Self::Future {
        // The short way, apart, for the longer one hands what it makes on through memory.
        if self.shared.policy.carries_context() || self.shared.retrier.0.live.reads_clock() {
            return self.call_in_context(req);
        }
        let shared = Arc::clone(&self.shared);
        let journey = shared.retrier.begin_untimed();
        let spare = shared.spare(&req, &journey);
        RetryFuture::attempt(self.inner.call(req), (spare, None), journey, shared)
    }
}

impl<S: Clone, P, E> Retry<S, P, E> {
    /// A request that carries a context, or is to be timed.
    #[inline(never)]
    fn call_in_context<Req>(&mut self, mut req: Req) -> RetryFuture<S::Future, S, Req, P, E::Error>
    where
        S: Service<Req>,
        P: Replay<Req> + Contextual<Req>,
        E: ErrorType,
    {
        let shared = Arc::clone(&self.shared);
        let journey = shared.retrier.begin(shared.policy.context(&req));
        if let Some(too_late) = shared.retrier.refuse_late(&journey) {
            // Nothing is kept of the readiness that this request was not sent with.
            self.inner = shared.service();
            return RetryFuture::refused(too_late.into(), journey, shared);
        }
        let kept = shared.prepare(&mut req, &journey);
        RetryFuture::attempt(self.inner.call(req), kept, journey, shared)
    }
}

impl<S: Clone, P, E> Clone for Retry<S, P, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared), _error: PhantomData }
    }
}

impl<S: fmt::Debug, P, E> fmt::Debug for Retry<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("retrier", &self.shared.retrier)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl<S, P> Shared<S, P> {
    /// Lets go of an error that has been repeated.
    pub(crate) fn let_go<Res, E>(&self, previous: Option<E>)
    where
        P: Classify<Res, E>,
    {
        if let Some(error) = previous {
            self.policy.discard(Err(error));
        }
    }

    /// What the caller gets whose time ran out before the repeat could be sent: the original error, if it was one.
    pub(crate) fn overtaken<E: From<Rejected>>(&self, journey: &Journey, previous: Option<E>) -> E {
        let too_late = self.retrier.overtaken(journey);
        previous.unwrap_or_else(|| too_late.into())
    }

    /// A fresh clone of the service, not yet ready.
    pub(crate) fn service(&self) -> S
    where
        S: Clone,
    {
        self.template.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the copy for a second attempt, if there can be one, and puts the context onto the first.
    fn prepare<Req>(&self, req: &mut Req, journey: &Journey) -> (Spare<Req>, Option<AttemptQuota>)
    where
        P: Replay<Req> + Contextual<Req>,
    {
        let context = self.policy.context(req);
        if context.is_some_and(|context| context.do_not_retry) {
            return (Spare::Missing(GaveUp::DoNotRetry), None);
        }
        let attempt_quota = context.and_then(|context| context.attempt_quota.clone());
        if attempt_quota.as_ref().is_some_and(|attempt_quota| attempt_quota.left() == 0) {
            return (Spare::Missing(GaveUp::AttemptQuota), attempt_quota);
        }
        let spare = self.spare(req, journey);
        if !matches!(spare, Spare::Kept(_)) || !self.policy.carries_context() {
            return (spare, attempt_quota);
        }
        let attempt_quota = attempt_quota.unwrap_or_else(|| {
            let attempt_quota = AttemptQuota::new(self.retrier.0.live.attempt_quota());
            let _first = attempt_quota.take();
            attempt_quota
        });
        self.put_context(req, journey, Some(&attempt_quota));
        (spare, Some(attempt_quota))
    }

    /// The copy for the attempt after this one. None is made for an attempt that can't come.
    #[inline]
    pub(crate) fn spare<Req>(&self, req: &Req, journey: &Journey) -> Spare<Req>
    where
        P: Replay<Req>,
    {
        if journey.is_last() {
            return Spare::Missing(GaveUp::Attempts);
        }
        self.policy.replay(req).map_or(Spare::Missing(GaveUp::NotReplayable), Spare::Kept)
    }

    /// Tells the layers below which attempt this is, how long they have, and how often they may still send.
    pub(crate) fn put_context<Req>(&self, req: &mut Req, journey: &Journey, attempt_quota: Option<&AttemptQuota>)
    where
        P: Contextual<Req>,
    {
        if !self.policy.carries_context() {
            return;
        }
        let mut context = self.policy.context(req).cloned().unwrap_or_default();
        context.attempt = journey.attempt;
        context.deadline = journey.deadline;
        context.attempt_quota = attempt_quota.cloned();
        self.policy.set_context(req, context);
    }
}

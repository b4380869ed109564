//! The service: what the inner one cannot answer, the steps do.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use mainstay_core::{Boxed, Classify, ErrorType, Mark, Outcome, Plain};
use tower_service::Service;

use crate::{Answers, FallbackFuture, Fallbacks, walk::Steps};

/// A service with a fallback; made by [`FallbackLayer`](crate::FallbackLayer).
pub struct Fallback<S, C, P = Plain, E: ErrorType = Boxed> {
    inner: S,
    core: Arc<Core<C>>,
    policy: P,
    /// What `poll_ready` of the inner service failed with: the steps answer in its place.
    unready: Option<(E::Error, Outcome)>,
}

/// What the services of a layer share.
pub(crate) struct Core<C> {
    pub(crate) chain: Arc<C>,
    pub(crate) handle: Fallbacks,
}

// === impl Core ===

impl<C> Core<C> {
    pub(crate) fn steps<'a, P>(&'a self, policy: &'a P) -> Steps<'a, C, P> {
        Steps { chain: &self.chain, policy, handle: &self.handle }
    }
}

// === impl Fallback ===

impl<S, C, P, E: ErrorType> Fallback<S, C, P, E> {
    pub(crate) fn new(inner: S, core: Arc<Core<C>>, policy: P) -> Self {
        Self { inner, core, policy, unready: None }
    }

    /// The handle that all services of the layer share.
    #[must_use]
    pub fn handle(&self) -> &Fallbacks {
        &self.core.handle
    }
}

impl<S, Req, C, P, E> Service<Req> for Fallback<S, C, P, E>
where
    S: Service<Req>,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Mark<S::Response> + Clone,
    C: Answers<Req, S::Response, E::Error, P>,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = FallbackFuture<S::Future, Req, S::Response, C, P, E, C::Kept>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if self.unready.is_some() {
            return Poll::Ready(Ok(()));
        }
        match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => {
                let error = error.into();
                let outcome = self.policy.classify(Err(&error));
                if !self.core.handle.covers(outcome.class()) {
                    return Poll::Ready(Err(error));
                }
                self.unready = Some((error, outcome));
                Poll::Ready(Ok(()))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let kept = self.core.chain.keep(&self.policy, &request, false);
        let (policy, core) = (self.policy.clone(), Arc::clone(&self.core));
        match self.unready.take() {
            None => FallbackFuture::asking(self.inner.call(request), kept, policy, core),
            Some(unready) => FallbackFuture::unready(unready, kept, policy, core),
        }
    }
}

impl<S: Clone, C, P: Clone, E: ErrorType> Clone for Fallback<S, C, P, E> {
    fn clone(&self) -> Self {
        // What this instance found is not true of its clone.
        Self { inner: self.inner.clone(), core: self.core.clone(), policy: self.policy.clone(), unready: None }
    }
}

impl<S: fmt::Debug, C, P, E: ErrorType> fmt::Debug for Fallback<S, C, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("inner", &self.inner)
            .field("handle", &self.core.handle)
            .finish_non_exhaustive()
    }
}

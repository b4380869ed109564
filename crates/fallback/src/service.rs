//! The service: what the inner one cannot answer, the steps do.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use mainstay_core::{Boxed, Classify, ErrorType, Mark, Outcome, Plain};
use tower_service::Service;

use crate::{Answers, FallbackFuture, Fallbacks};

/// A service with a fallback; made by [`FallbackLayer`](crate::FallbackLayer).
pub struct Fallback<S, C, P = Plain, E: ErrorType = Boxed> {
    inner: S,
    shared: Arc<Shared<C, P>>,
    /// What `poll_ready` of the inner service failed with: the steps answer in its place.
    unready: Option<(E::Error, Outcome)>,
}

/// What every call of a layer's services needs, behind one count.
pub(crate) struct Shared<C, P> {
    pub(crate) steps: Arc<C>,
    pub(crate) policy: P,
    pub(crate) handle: Fallbacks,
}

// === impl Fallback ===

impl<S, C, P, E: ErrorType> Fallback<S, C, P, E> {
    pub(crate) fn new(inner: S, steps: Arc<C>, policy: P, handle: Fallbacks) -> Self {
        Self { inner, shared: Arc::new(Shared { steps, policy, handle }), unready: None }
    }

    /// The handle that all services of the layer share.
    #[must_use]
    pub fn handle(&self) -> &Fallbacks {
        &self.shared.handle
    }
}

impl<S, Req, C, P, E> Service<Req> for Fallback<S, C, P, E>
where
    S: Service<Req>,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Mark<S::Response>,
    C: Answers<Req, S::Response, E::Error, P>,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = FallbackFuture<S::Future, Req, S::Response, C, P, E, C::Kept>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if self.unready.is_some() {
            return Poll::Ready(Ok(()));
        }
        match self.inner.poll_ready(cx) {
            Poll::Ready(Err(error)) => {
                let error = error.into();
                let outcome = self.shared.policy.classify(Err(&error));
                if !self.shared.handle.covers(outcome.class()) {
                    return Poll::Ready(Err(error));
                }
                self.unready = Some((error, outcome));
                Poll::Ready(Ok(()))
            }
            other => other.map_err(Into::into),
        }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let kept = shared.steps.keep(&shared.policy, &request, false);
        match self.unready.take() {
            None => FallbackFuture::asking(self.inner.call(request), kept, shared),
            Some(unready) => FallbackFuture::unready(unready, kept, shared),
        }
    }
}

impl<S: Clone, C, P, E: ErrorType> Clone for Fallback<S, C, P, E> {
    fn clone(&self) -> Self {
        // What this instance found is not true of its clone.
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared), unready: None }
    }
}

impl<S: fmt::Debug, C, P, E: ErrorType> fmt::Debug for Fallback<S, C, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("inner", &self.inner)
            .field("handle", &self.shared.handle)
            .finish_non_exhaustive()
    }
}

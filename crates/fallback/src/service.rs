//! The service.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use mainstay_core::{Boxed, Classify, ErrorType, Mark, Outcome, Plain};
use tower_service::Service;

use crate::{Answers, FallbackFuture, FallbackHandle, shared::Shared};

/// A service with a fallback; made by [`FallbackLayer`](crate::FallbackLayer).
pub struct Fallback<S, C, P = Plain, E: ErrorType = Boxed> {
    inner: S,
    shared: Arc<Shared<C>>,
    policy: P,
    /// The error of the inner `poll_ready`, for which the steps run in the next `call`.
    not_ready: Option<(E::Error, Outcome)>,
}

// === impl Fallback ===

impl<S, C, P, E: ErrorType> Fallback<S, C, P, E> {
    pub(crate) fn new(inner: S, shared: Arc<Shared<C>>, policy: P) -> Self {
        Self { inner, shared, policy, not_ready: None }
    }

    /// Returns the handle that all services of the layer share.
    #[must_use]
    pub fn handle(&self) -> &FallbackHandle {
        &self.shared.handle
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
        if self.not_ready.is_some() {
            return Poll::Ready(Ok(()));
        }
        match self.inner.poll_ready(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => {
                let error = error.into();
                let outcome = self.policy.classify(Err(&error));
                if !self.shared.handle.covers(outcome.class()) {
                    return Poll::Ready(Err(error));
                }
                self.not_ready = Some((error, outcome));
                Poll::Ready(Ok(()))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let kept = self.shared.chain.keep(&self.policy, &request, false);
        let (policy, shared) = (self.policy.clone(), Arc::clone(&self.shared));
        match self.not_ready.take() {
            None => FallbackFuture::inner(self.inner.call(request), kept, policy, shared),
            Some(error) => FallbackFuture::not_ready(error, kept, policy, shared),
        }
    }
}

impl<S: Clone, C, P: Clone, E: ErrorType> Clone for Fallback<S, C, P, E> {
    fn clone(&self) -> Self {
        // The clone has not polled its inner service yet.
        Self { inner: self.inner.clone(), shared: self.shared.clone(), policy: self.policy.clone(), not_ready: None }
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

//! The service.

use std::{
    fmt,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use mainstay_core::{Classify, CloneService, Contextual, ErrorType, Replay};
use tower_service::Service;

use crate::{Retrier, RetryFuture, shared::Shared};

/// A service that retries failed requests; made by a [`RetryLayer`](crate::RetryLayer).
///
/// The first attempt uses the instance that `poll_ready` made ready. Each later attempt makes a fresh clone ready.
pub struct Retry<S, P, E> {
    inner: S,
    shared: Arc<Shared<S, P>>,
    _error: PhantomData<fn() -> E>,
}

// === impl Retry ===

impl<S, P, E> Retry<S, P, E> {
    /// Wraps a service whose requests this handle retries.
    pub fn new(inner: S, retrier: Retrier, policy: P) -> Self
    where
        S: Clone,
    {
        let shared = Arc::new(Shared::new(retrier, policy, inner.clone()));
        Self { inner, shared, _error: PhantomData }
    }

    /// Returns the handle that all services of the layer share.
    #[must_use]
    pub fn handle(&self) -> &Retrier {
        &self.shared.retrier
    }
}

impl<S, Req, P, E> Service<Req> for Retry<S, P, E>
where
    S: Service<Req> + CloneService,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Replay<Req> + Contextual<Req>,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = RetryFuture<S::Future, S, Req, P::Kept, P, E::Error>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    #[inline]
    fn call(&mut self, mut req: Req) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.retrier.start(shared.policy.context(&req), shared.policy.caller_timeout(&req));
        if let Some(rejected) = shared.retrier.reject_late(&state) {
            // The readiness of `inner` is not used, so it is released for other callers.
            self.inner = shared.service();
            return RetryFuture::rejected(rejected.into(), state, shared);
        }
        if state.attempt_started.is_some() {
            state.upload = shared.policy.upload_clock(&req).cloned();
        }
        let (copy, attempt_quota) = shared.prepare(&mut req, &mut state);
        RetryFuture::attempt(self.inner.call(req), copy, attempt_quota, state, shared)
    }
}

// Not derived: `P` and `E` need not be `Clone` or `Debug`.
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

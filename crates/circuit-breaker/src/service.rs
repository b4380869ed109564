//! The service that refuses in `call`.
//!
//! `poll_ready` only looks, and `call` takes: a permit that was taken in `poll_ready` would be kept by callers that
//! never call. While refusing, no readiness of the inner service is asked for or kept.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use mainstay_core::{Boxed, Classify, ErrorType, Follow, Plain};
use tower_service::Service;

use crate::{Breaker, BreakerFuture};

/// A service behind a [`Breaker`]; see [`CircuitBreakerLayer`](crate::CircuitBreakerLayer).
pub struct CircuitBreaker<S, P = Plain, E = Boxed> {
    inner: S,
    breaker: Breaker,
    policy: P,
    found: Found,
    _error: PhantomData<fn() -> E>,
}

/// What `poll_ready` found.
enum Found {
    Nothing,
    /// The inner service is ready, and reserved for the next call.
    Ready,
    /// The breaker refuses; so will the next call, whatever happens in between.
    Refusing,
    /// The inner service is pending: a change of state must wake the caller all the same. Boxed, because a service
    /// that waits has time.
    Waiting(Pin<Box<dyn Future<Output = ()> + Send + Sync>>),
}

impl<S, P, E> CircuitBreaker<S, P, E> {
    /// Puts the breaker in front of the service.
    pub fn new(inner: S, breaker: Breaker, policy: P) -> Self {
        Self { inner, breaker, policy, found: Found::Nothing, _error: PhantomData }
    }

    /// The breaker.
    pub fn handle(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, P, E, Req> Service<Req> for CircuitBreaker<S, P, E>
where
    S: Service<Req> + Clone,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Follow<S::Response> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BreakerFuture<S::Future, P, E>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        loop {
            if self.breaker.refuses() {
                if matches!(self.found, Found::Ready) {
                    self.drop_reserved();
                }
                self.found = Found::Refusing;
                return Poll::Ready(Ok(()));
            }
            match self.inner.poll_ready(cx) {
                Poll::Ready(Ok(())) => {
                    self.found = Found::Ready;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => {
                    let error: E::Error = error.into();
                    self.found = Found::Nothing;
                    self.breaker.record(self.policy.classify(Err(&error)));
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {}
            }
            let mut changed = match mem::replace(&mut self.found, Found::Nothing) {
                Found::Waiting(changed) => changed,
                _ => changed(&self.breaker),
            };
            if changed.as_mut().poll(cx).is_pending() {
                self.found = Found::Waiting(changed);
                return Poll::Pending;
            }
            // The state changed: look again, and wait for the next change.
        }
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let found = mem::replace(&mut self.found, Found::Nothing);
        if !matches!(found, Found::Refusing)
            && let Some(permit) = self.breaker.free_call()
        {
            return BreakerFuture::calling(self.inner.call(request), permit, self.policy.clone());
        }
        self.call_if_admitted(&found, request)
    }
}

impl<S: Clone, P: Clone, E> CircuitBreaker<S, P, E> {
    /// A call of a breaker that is not simply closed.
    #[cold]
    fn call_if_admitted<Req>(&mut self, found: &Found, request: Req) -> BreakerFuture<S::Future, P, E>
    where
        S: Service<Req>,
    {
        if let Found::Refusing = found {
            return BreakerFuture::refused(self.breaker.refuse());
        }
        match self.breaker.try_call() {
            Ok(permit) => BreakerFuture::calling(self.inner.call(request), permit, self.policy.clone()),
            Err(rejected) => {
                self.drop_reserved();
                BreakerFuture::refused(rejected)
            }
        }
    }
}

impl<S: Clone, P, E> CircuitBreaker<S, P, E> {
    /// Swaps in a fresh clone, so that no readiness of the inner service is kept.
    fn drop_reserved(&mut self) {
        self.inner = self.inner.clone();
    }
}

fn changed(breaker: &Breaker) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
    let mut watch = breaker.watch();
    // The sender lives in the breaker, which the service keeps: it can't go away first.
    Box::pin(async move { drop(watch.changed().await) })
}

/// Readiness is not copied.
impl<S: Clone, P: Clone, E> Clone for CircuitBreaker<S, P, E> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.breaker.clone(), self.policy.clone())
    }
}

impl<S: fmt::Debug, P, E> fmt::Debug for CircuitBreaker<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker").field("breaker", &self.breaker).field("inner", &self.inner).finish()
    }
}

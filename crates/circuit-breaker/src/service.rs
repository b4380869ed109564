//! The service that refuses in `call`.
//!
//! `call` acquires the permit, not `poll_ready`: a caller that never calls would keep it. While the breaker refuses, the
//! inner service is not polled, and no readiness of it is kept.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    task::{Context, Poll, ready},
};

use mainstay_core::{Boxed, Change, Classify, CloneService, Contextual, ErrorType, Follow, Plain, Wait, on_panic};
use tower_service::Service;

use crate::{Breaker, BreakerFuture, permit::PANIC};

/// A service behind a [`Breaker`]; see [`CircuitBreakerLayer`](crate::CircuitBreakerLayer).
pub struct CircuitBreaker<S, P = Plain, E = Boxed> {
    inner: S,
    breaker: Breaker,
    policy: P,
    readiness: Readiness,
    /// The wait for the inner service, which a change of state ends too.
    wait: Wait,
    _error: PhantomData<fn() -> E>,
}

/// The last result of `poll_ready`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Unknown,
    /// The inner service is pending. It may hold a place in a queue.
    Pending,
    /// The inner service is ready for the next call.
    Ready,
    /// The breaker refuses. The next call is refused even if the state changes before it.
    Refusing,
}

// === impl CircuitBreaker ===

impl<S, P, E> CircuitBreaker<S, P, E> {
    /// Creates a service behind this breaker.
    pub fn new(inner: S, breaker: Breaker, policy: P) -> Self {
        Self { inner, breaker, policy, readiness: Readiness::Unknown, wait: Wait::default(), _error: PhantomData }
    }

    /// Returns the breaker.
    pub fn handle(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, P, E, Req> Service<Req> for CircuitBreaker<S, P, E>
where
    S: Service<Req> + CloneService,
    S::Error: Into<E::Error>,
    E: ErrorType,
    P: Classify<S::Response, E::Error> + Follow<S::Response> + Contextual<Req> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BreakerFuture<S::Future, P, E>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        let Self { inner, breaker, readiness, wait, .. } = self;
        let look = |cx: &mut Context<'_>| match breaker.refuses() {
            true => Poll::Ready(None),
            false => {
                *readiness = Readiness::Pending;
                on_panic(|| breaker.record(PANIC), || inner.poll_ready(cx)).map(Some)
            }
        };
        match ready!(wait.poll(cx, || change(breaker), look)) {
            Some(Ok(())) => self.readiness = Readiness::Ready,
            Some(Err(error)) => {
                let error: E::Error = error.into();
                self.readiness = Readiness::Unknown;
                self.breaker.record(self.policy.classify(Err(&error)));
                return Poll::Ready(Err(error));
            }
            None => {
                if matches!(self.readiness, Readiness::Ready | Readiness::Pending) {
                    // A fresh clone holds no readiness, and no place in a queue.
                    self.inner = self.inner.clone();
                }
                self.readiness = Readiness::Refusing;
            }
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        if mem::replace(&mut self.readiness, Readiness::Unknown) == Readiness::Refusing {
            return BreakerFuture::refused(self.breaker.0.refuse());
        }
        match self.breaker.try_acquire_for_future() {
            Ok(permit) => BreakerFuture::call(&mut self.inner, request, permit, self.policy.clone()),
            Err(rejected) => {
                // A fresh clone holds no readiness of the inner service.
                self.inner = self.inner.clone();
                BreakerFuture::refused(rejected)
            }
        }
    }
}

/// Completes at the next change of state. The service keeps the breaker, so the sender outlives the receiver.
fn change(breaker: &Breaker) -> Change {
    let mut watch = breaker.watch();
    Box::pin(async move {
        watch.changed().await;
    })
}

/// The clone starts without readiness.
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

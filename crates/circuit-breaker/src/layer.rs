//! The layer that refuses in `call`.

use std::{fmt, marker::PhantomData};

use mainstay_core::{Boxed, Plain, Typed};
use tower_layer::Layer;

use crate::{Breaker, CircuitBreaker};

/// Puts a [`Breaker`] in front of a service: while it is open, calls are refused at once.
///
/// All services of one layer share its breaker, however often `layer` is called (axum calls it for every route).
/// Refused calls never wait for the inner service's readiness. An answer that begins well and goes on is recorded by its
/// end: by gRPC's trailers, or as a failure where it breaks off.
pub struct CircuitBreakerLayer<P = Plain, E = Boxed> {
    breaker: Breaker,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

impl CircuitBreakerLayer {
    /// A breaker of that name with the default settings.
    #[must_use]
    pub fn new(name: impl Into<mainstay_core::Name>) -> Self {
        Self::with(Breaker::new(name))
    }

    /// This breaker.
    #[must_use]
    pub fn with(breaker: Breaker) -> Self {
        Self { breaker, policy: Plain, _error: PhantomData }
    }
}

impl<P, E> CircuitBreakerLayer<P, E> {
    /// Reads results by another policy: it needs [`Classify`](mainstay_core::Classify) and
    /// [`Follow`](mainstay_core::Follow), which says whether an answer's end is still to come.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> CircuitBreakerLayer<P2, E> {
        CircuitBreakerLayer { breaker: self.breaker, policy, _error: PhantomData }
    }

    /// Gives errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> CircuitBreakerLayer<P, Typed<E2>> {
        CircuitBreakerLayer { breaker: self.breaker, policy: self.policy, _error: PhantomData }
    }

    /// The breaker.
    #[must_use]
    pub fn handle(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, P: Clone, E> Layer<S> for CircuitBreakerLayer<P, E> {
    type Service = CircuitBreaker<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreaker::new(inner, self.breaker.clone(), self.policy.clone())
    }
}

impl<P: Clone, E> Clone for CircuitBreakerLayer<P, E> {
    fn clone(&self) -> Self {
        Self { breaker: self.breaker.clone(), policy: self.policy.clone(), _error: PhantomData }
    }
}

impl<P: fmt::Debug, E> fmt::Debug for CircuitBreakerLayer<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerLayer").field("breaker", &self.breaker).field("policy", &self.policy).finish()
    }
}

//! The layer that refuses in `call`.

use std::marker::PhantomData;

use mainstay_core::{Boxed, LayerKind, Name, OrderCheck, Plain, Typed};
use tower_layer::Layer;

use crate::{Breaker, CircuitBreaker};

/// Puts a [`Breaker`] in front of a service: while it is open, calls are refused at once.
///
/// All services of one layer share its breaker, however often `layer` is called (axum calls it for every route). A
/// refused call never waits for the inner service's readiness. A response that begins well and streams is recorded at
/// its end: by gRPC's trailers, or as a failure if it breaks off.
#[derive(Clone, Debug)]
pub struct CircuitBreakerLayer<P = Plain, E = Boxed> {
    breaker: Breaker,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

impl CircuitBreakerLayer {
    /// Creates a layer whose breaker has this name and the default settings.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::with(Breaker::new(name))
    }

    /// Creates a layer with this breaker.
    #[must_use]
    pub fn with(breaker: Breaker) -> Self {
        Self { breaker, policy: Plain, order: OrderCheck::new(&[LayerKind::CircuitBreaker]), _error: PhantomData }
    }
}

impl<P, E> CircuitBreakerLayer<P, E> {
    /// Classifies results by another policy: it needs [`Classify`](mainstay_core::Classify) and
    /// [`Follow`](mainstay_core::Follow), which reports whether a response streams.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> CircuitBreakerLayer<P2, E> {
        CircuitBreakerLayer { breaker: self.breaker, policy, order: self.order, _error: PhantomData }
    }

    /// Returns errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> CircuitBreakerLayer<P, Typed<E2>> {
        CircuitBreakerLayer { breaker: self.breaker, policy: self.policy, order: self.order, _error: PhantomData }
    }

    /// Returns the breaker.
    #[must_use]
    pub fn handle(&self) -> &Breaker {
        &self.breaker
    }
}

impl<S, P: Clone, E> Layer<S> for CircuitBreakerLayer<P, E> {
    type Service = CircuitBreaker<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.breaker.name());
        CircuitBreaker::new(inner, self.breaker.clone(), self.policy.clone())
    }
}

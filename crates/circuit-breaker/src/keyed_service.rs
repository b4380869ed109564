//! The service with a breaker per key.
//!
//! The key is part of the request, so `poll_ready` polls the inner service alone.

use std::{
    fmt,
    hash::Hash,
    marker::PhantomData,
    task::{Context, Poll},
};

use mainstay_core::{
    Boxed, Classify, CloneService, Contextual, ErrorType, Follow, LayerKind, Name, OrderCheck, Plain, Typed,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Breaker, BreakerFuture, KeyedBreakers};

/// Puts one breaker per key in front of a service. A function of the request returns the key.
///
/// ```
/// use mainstay_circuit_breaker::KeyedBreakerLayer;
/// use tower::{ServiceBuilder, service_fn};
///
/// let shards = ServiceBuilder::new()
///     .layer(KeyedBreakerLayer::new("shards", |id: &u32| id % 16))
///     .service(service_fn(|id: u32| async move { Ok::<_, std::io::Error>(id) }));
/// # drop(mainstay_core::check::<u32, _, _, _>(shards));
/// ```
#[derive(Clone)]
pub struct KeyedBreakerLayer<K, F, P = Plain, E = Boxed> {
    breakers: KeyedBreakers<K>,
    key: F,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

/// A service with a breaker per key; see [`KeyedBreakerLayer`].
pub struct KeyedBreaker<S, K, F, P = Plain, E = Boxed> {
    inner: S,
    breakers: KeyedBreakers<K>,
    key: F,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl KeyedBreakerLayer ===

impl<K, F> KeyedBreakerLayer<K, F> {
    /// Creates a layer whose breakers have the default settings and are named `name/key`.
    pub fn new<Req>(name: impl Into<Name>, key: F) -> Self
    where
        F: Fn(&Req) -> K,
        K: Hash + Eq + Clone + fmt::Display,
    {
        Self::with(KeyedBreakers::new(name), key)
    }

    /// Creates a layer over these breakers.
    pub fn with<Req>(breakers: KeyedBreakers<K>, key: F) -> Self
    where
        F: Fn(&Req) -> K,
    {
        Self { breakers, key, policy: Plain, order: OrderCheck::new(&[LayerKind::CircuitBreaker]), _error: PhantomData }
    }
}

impl<K, F, P, E> KeyedBreakerLayer<K, F, P, E> {
    /// Classifies results by another policy.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> KeyedBreakerLayer<K, F, P2, E> {
        KeyedBreakerLayer { breakers: self.breakers, key: self.key, policy, order: self.order, _error: PhantomData }
    }

    /// Returns errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> KeyedBreakerLayer<K, F, P, Typed<E2>> {
        KeyedBreakerLayer {
            breakers: self.breakers,
            key: self.key,
            policy: self.policy,
            order: self.order,
            _error: PhantomData,
        }
    }

    /// Returns the breakers.
    #[must_use]
    pub fn handle(&self) -> &KeyedBreakers<K> {
        &self.breakers
    }
}

impl<S, K, F: Clone, P: Clone, E> Layer<S> for KeyedBreakerLayer<K, F, P, E> {
    type Service = KeyedBreaker<S, K, F, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.breakers.as_name());
        KeyedBreaker {
            inner,
            breakers: self.breakers.clone(),
            key: self.key.clone(),
            policy: self.policy.clone(),
            _error: PhantomData,
        }
    }
}

impl<K, F, P, E> fmt::Debug for KeyedBreakerLayer<K, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreakerLayer").field("breakers", &self.breakers).finish_non_exhaustive()
    }
}

// === impl KeyedBreaker ===

impl<S, K, F, P, E> KeyedBreaker<S, K, F, P, E> {
    /// Returns the breakers.
    pub fn handle(&self) -> &KeyedBreakers<K> {
        &self.breakers
    }
}

impl<S, K, F, P, E, Req> Service<Req> for KeyedBreaker<S, K, F, P, E>
where
    S: Service<Req> + CloneService,
    S::Error: Into<E::Error>,
    E: ErrorType,
    K: Hash + Eq + Clone + fmt::Display,
    F: Fn(&Req) -> K,
    P: Classify<S::Response, E::Error> + Follow<S::Response> + Contextual<Req> + Clone,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = BreakerFuture<S::Future, P, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        match self.breakers.hold(&(self.key)(&request), Breaker::try_acquire_for_future) {
            Ok(permit) => BreakerFuture::call(&mut self.inner, request, permit, self.policy.clone()),
            Err(rejected) => {
                // A fresh clone holds no readiness of the inner service.
                self.inner = self.inner.clone();
                BreakerFuture::refused(rejected)
            }
        }
    }
}

impl<S: Clone, K, F: Clone, P: Clone, E> Clone for KeyedBreaker<S, K, F, P, E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            breakers: self.breakers.clone(),
            key: self.key.clone(),
            policy: self.policy.clone(),
            _error: PhantomData,
        }
    }
}

impl<S: fmt::Debug, K, F, P, E> fmt::Debug for KeyedBreaker<S, K, F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBreaker").field("breakers", &self.breakers).field("inner", &self.inner).finish()
    }
}

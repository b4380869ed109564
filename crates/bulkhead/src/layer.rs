//! The layer.

use std::marker::PhantomData;

use mainstay_core::{Boxed, InvalidSetting, LayerKind, Name, OrderCheck, Plain, Typed};
use tower_layer::Layer;

use crate::{Bulkhead, Limit};

/// Puts a [`Limit`] in front of a service.
///
/// All services of one layer share its limit, however often `layer` is called (axum calls it for every route). Place it
/// inside of retry, so that a call that waits for its next attempt holds no permit, and outside of the attempt timeout.
///
/// The policy `P` reads a request's deadline ([`Contextual`](mainstay_core::Contextual)): a waiting call is dropped from
/// the queue when its deadline passes. It also tells when a response is over ([`Follow`](mainstay_core::Follow)): with a
/// protocol's policy the permit is kept until a stream has ended, and this crate does not bound that time.
#[derive(Clone, Debug)]
pub struct BulkheadLayer<P = Plain, E = Boxed> {
    limit: Limit,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

// === impl BulkheadLayer ===

impl BulkheadLayer {
    /// A layer with a new limit of so many concurrent calls, 1 to a million, without a queue.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(name: impl Into<Name>, limit: u32) -> Result<Self, InvalidSetting> {
        Ok(Self::with(Limit::new(name, limit)?))
    }

    /// A layer with this limit.
    #[must_use]
    pub fn with(limit: Limit) -> Self {
        Self { limit, policy: Plain, order: OrderCheck::new(&[LayerKind::Bulkhead]), _error: PhantomData }
    }
}

impl<P, E> BulkheadLayer<P, E> {
    /// Sets the policy that finds deadlines and the ends of responses. It implements
    /// [`Contextual`](mainstay_core::Contextual) and [`Follow`](mainstay_core::Follow).
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> BulkheadLayer<P2, E> {
        BulkheadLayer { limit: self.limit, policy, order: self.order, _error: PhantomData }
    }

    /// Sets the type of the service's errors, instead of a boxed error.
    #[must_use]
    pub fn with_error<E2>(self) -> BulkheadLayer<P, Typed<E2>> {
        BulkheadLayer { limit: self.limit, policy: self.policy, order: self.order, _error: PhantomData }
    }

    /// Returns the limit.
    #[must_use]
    pub fn handle(&self) -> &Limit {
        &self.limit
    }
}

impl<S, P: Clone, E> Layer<S> for BulkheadLayer<P, E> {
    type Service = Bulkhead<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.limit.name());
        Bulkhead::new(inner, self.limit.clone(), self.policy.clone())
    }
}

//! The layer.

use std::{fmt, marker::PhantomData};

use mainstay_core::{Boxed, InvalidSetting, Name, Plain, Typed};
use tower_layer::Layer;

use crate::{Bulkhead, Limit};

/// Puts a [`Limit`] in front of a service.
///
/// All services of one layer share its limit, however often `layer` is called (axum calls it for every route). Place it
/// inside of retry, so that a call that waits for its next attempt holds no permit, and outside of the attempt timeout.
///
/// The policy `P` says where a request's deadline is ([`Contextual`](mainstay_core::Contextual)): a call that waits is
/// dropped from the queue when it has passed. It also says when an answer is over ([`Follow`](mainstay_core::Follow)):
/// with a protocol's policy the permit is kept until a stream has ended, which nothing here bounds.
pub struct BulkheadLayer<P = Plain, E = Boxed> {
    limit: Limit,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl BulkheadLayer ===

impl BulkheadLayer {
    /// So many calls at once, 1 to a million, and no queue.
    ///
    /// # Errors
    /// A limit out of its range.
    pub fn new(name: impl Into<Name>, limit: u32) -> Result<Self, InvalidSetting> {
        Ok(Self::with(Limit::new(name, limit)?))
    }

    /// This limit.
    #[must_use]
    pub fn with(limit: Limit) -> Self {
        Self { limit, policy: Plain, _error: PhantomData }
    }
}

impl<P, E> BulkheadLayer<P, E> {
    /// Finds deadlines, and the ends of answers, by another policy: it needs
    /// [`Contextual`](mainstay_core::Contextual) and [`Follow`](mainstay_core::Follow).
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> BulkheadLayer<P2, E> {
        BulkheadLayer { limit: self.limit, policy, _error: PhantomData }
    }

    /// Gives errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> BulkheadLayer<P, Typed<E2>> {
        BulkheadLayer { limit: self.limit, policy: self.policy, _error: PhantomData }
    }

    /// The limit.
    #[must_use]
    pub fn limit(&self) -> &Limit {
        &self.limit
    }
}

impl<S, P: Clone, E> Layer<S> for BulkheadLayer<P, E> {
    type Service = Bulkhead<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Bulkhead::new(inner, self.limit.clone(), self.policy.clone())
    }
}

impl<P: Clone, E> Clone for BulkheadLayer<P, E> {
    fn clone(&self) -> Self {
        Self { limit: self.limit.clone(), policy: self.policy.clone(), _error: PhantomData }
    }
}

impl<P: fmt::Debug, E> fmt::Debug for BulkheadLayer<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadLayer").field("limit", &self.limit).field("policy", &self.policy).finish()
    }
}

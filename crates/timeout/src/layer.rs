//! The layer.

use std::{marker::PhantomData, time::Duration};

use mainstay_core::{Boxed, InvalidSetting, LayerKind, Name, OrderCheck, Plain, Typed};
use tower_layer::Layer;

use crate::{Scope, TimeLimit, Timeout};

/// Ends calls that take too long. All services of one layer share its [`TimeLimit`].
///
/// A total timeout whose policy carries a context also sets an earlier deadline on the request, so that no layer below waits
/// or starts work beyond it. If the request has an earlier deadline, the call ends at that one.
///
/// The time starts with the call: `poll_ready` waits for the service below without a request, and is not limited. Mainstay's
/// failover waits in `poll_ready` for its `ready_timeout` at most, and then in the call. Above any other service that may
/// never become ready, use `tower::load_shed`.
#[derive(Clone, Debug)]
pub struct TimeoutLayer<P = Plain, E = Boxed> {
    limit: TimeLimit,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

impl TimeoutLayer {
    /// Creates a layer for one attempt: inside retry and failover.
    ///
    /// # Errors
    /// A time out of its range: 1 ms to a year.
    pub fn attempt(name: impl Into<Name>, time: Duration) -> Result<Self, InvalidSetting> {
        Ok(Self::with(TimeLimit::attempt(name, time)?))
    }

    /// Creates a layer for the whole call: outside of retry and failover.
    ///
    /// # Errors
    /// A time out of its range: 1 ms to a year.
    pub fn total(name: impl Into<Name>, time: Duration) -> Result<Self, InvalidSetting> {
        Ok(Self::with(TimeLimit::total(name, time)?))
    }

    /// Creates a layer with this limit.
    #[must_use]
    pub fn with(limit: TimeLimit) -> Self {
        let order = OrderCheck::new(match limit.scope() {
            Scope::Attempt => &[LayerKind::AttemptTimeout],
            Scope::Total => &[LayerKind::TotalTimeout],
        });
        Self { limit, policy: Plain, order, _error: PhantomData }
    }
}

impl<P, E> TimeoutLayer<P, E> {
    /// Writes deadlines by another policy. It needs only [`Contextual`](mainstay_core::Contextual).
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> TimeoutLayer<P2, E> {
        TimeoutLayer { limit: self.limit, policy, order: self.order, _error: PhantomData }
    }

    /// Returns errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> TimeoutLayer<P, Typed<E2>> {
        TimeoutLayer { limit: self.limit, policy: self.policy, order: self.order, _error: PhantomData }
    }

    /// Returns the limit.
    #[must_use]
    pub fn handle(&self) -> &TimeLimit {
        &self.limit
    }
}

impl<S, P: Clone, E> Layer<S> for TimeoutLayer<P, E> {
    type Service = Timeout<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.limit.name());
        Timeout::new(inner, self.limit.clone(), self.policy.clone())
    }
}

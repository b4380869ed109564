//! The layer.

use std::{fmt, marker::PhantomData};

use mainstay_core::{Boxed, CloneService, LayerKind, Name, OrderCheck, Plain, Typed};
use tower_layer::Layer;

use crate::{Retrier, Retry};

/// Retries failed requests of the service it wraps; see [`Retrier`] for the conditions.
///
/// The policy `P` classifies results ([`Classify`](mainstay_core::Classify)), copies requests
/// ([`Replay`](mainstay_core::Replay)) and accesses their context ([`Contextual`](mainstay_core::Contextual)); `E` is the
/// error of the stack. All services that a layer makes share its [handle](Self::handle).
///
/// Place it outside of breaker, bulkhead and attempt timeout, and inside of fallback and total timeout.
///
/// ```
/// use mainstay_core::{BoxError, FailureKind, Outcome, Refusal, classify_fn};
/// use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
/// use tower::{ServiceBuilder, service_fn};
///
/// fn by_status(result: Result<&u16, &BoxError>) -> Outcome {
///     match result {
///         Ok(503) => Outcome::overloaded(None),
///         Ok(_) => Outcome::Success,
///         Err(error) => error.rejected().map_or(Outcome::failure(FailureKind::Network), |rejected| rejected.outcome()),
///     }
/// }
/// let service = ServiceBuilder::new()
///     .layer(RetryLayer::with(Retrier::network("shop")).with_policy(classify_fn(by_status)))
///     .service(service_fn(|path: String| async move { Ok::<u16, BoxError>(path.len() as u16) }));
/// # mainstay_core::check::<String, u16, BoxError, _>(service);
/// ```
#[derive(Clone)]
pub struct RetryLayer<P = Plain, E = Boxed> {
    retrier: Retrier,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

// === impl RetryLayer ===

impl RetryLayer<Plain, Boxed> {
    /// Creates a layer with a handle of this name and the default settings.
    #[must_use]
    pub fn new(name: impl Into<Name>) -> Self {
        Self::with(Retrier::new(name))
    }

    /// Creates a layer with this handle.
    #[must_use]
    pub fn with(retrier: Retrier) -> Self {
        Self { retrier, policy: Plain, order: OrderCheck::new(&[LayerKind::Retry]), _error: PhantomData }
    }
}

impl<P, E> RetryLayer<P, E> {
    /// Sets the policy.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> RetryLayer<P2, E> {
        RetryLayer { retrier: self.retrier, policy, order: self.order, _error: PhantomData }
    }

    /// Sets the error type, for stacks that do not box errors.
    #[must_use]
    pub fn with_error<E2>(self) -> RetryLayer<P, Typed<E2>> {
        RetryLayer { retrier: self.retrier, policy: self.policy, order: self.order, _error: PhantomData }
    }

    /// Returns the handle that all services of this layer share.
    #[must_use]
    pub fn handle(&self) -> &Retrier {
        &self.retrier
    }
}

impl<S: CloneService, P: Clone, E> Layer<S> for RetryLayer<P, E> {
    type Service = Retry<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.order.around::<S>(self.retrier.name());
        Retry::new(inner, self.retrier.clone(), self.policy.clone())
    }
}

impl<P, E> fmt::Debug for RetryLayer<P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer").field("retrier", &self.retrier).finish_non_exhaustive()
    }
}

//! The layer.

use std::{fmt, marker::PhantomData, sync::Arc};

use mainstay_core::{Boxed, ErrorType, InvalidSetting, Name, Plain, Typed};
use tower_layer::Layer;

use crate::{Backup, Chain, Fallback, FallbackHandle, Value, backup, shared::Shared, value};

/// Answers in place of a service that fails: from a backup, from the last good answer, with a value.
///
/// Place it outermost in a stack, around retries and timeouts. Tower has no equivalent: `tower::util::MapResult` can
/// turn an error into a value, but it has neither the request nor the outcome's class, and it cannot handle an error of
/// `poll_ready`.
///
/// `C` is the chain of steps, `P` the policy that classifies results, `E` the [`ErrorType`] that the errors of the
/// layers below convert into.
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_fallback::FallbackLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let layer = FallbackLayer::value("orders", "sorry");
/// let service = layer.layer(service_fn(|_: u32| async { Err::<String, _>(std::io::Error::other("down")) }));
///
/// assert_eq!(service.oneshot(7).await?, "sorry");
/// assert_eq!(layer.handle().snapshot().answered, 1);
/// # Ok(())
/// # }
/// ```
pub struct FallbackLayer<C, P = Plain, E = Boxed> {
    shared: Arc<Shared<C>>,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl FallbackLayer ===

impl<C: Chain> FallbackLayer<C> {
    /// Creates a layer with a handle of this name and the default settings.
    ///
    /// The steps are tried in order: `FallbackLayer::new("orders", backup(service).or(value("sorry")))`.
    pub fn new(name: impl Into<Name>, steps: C) -> Self {
        Self::build(FallbackHandle::new(name, &steps), steps)
    }

    /// Creates a layer with this handle, which was created for these steps.
    ///
    /// # Errors
    /// The handle was created for other steps: its switches and figures would not be those of the steps that run.
    pub fn with(handle: FallbackHandle, steps: C) -> Result<Self, InvalidSetting> {
        handle.check_steps(&steps)?;
        Ok(Self::build(handle, steps))
    }

    fn build(handle: FallbackHandle, steps: C) -> Self {
        Self { shared: Shared::new(steps, handle), policy: Plain, _error: PhantomData }
    }
}

impl<V> FallbackLayer<Value<V>> {
    /// Creates a layer with one step: a clone of this [`value`].
    pub fn value(name: impl Into<Name>, answer: V) -> Self {
        Self::new(name, value(answer))
    }
}

impl<B> FallbackLayer<Backup<B>> {
    /// Creates a layer with one step: this [`backup`] service, for at most 5 s.
    pub fn backup(name: impl Into<Name>, service: B) -> Self {
        Self::new(name, backup(service))
    }
}

impl<C, P, E> FallbackLayer<C, P, E> {
    /// Sets the policy: `Http`, `Grpc`, `Reqwest`, or a custom one.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> FallbackLayer<C, P2, E> {
        FallbackLayer { shared: self.shared, policy, _error: PhantomData }
    }

    /// Sets the error type, which the errors of the layers below must convert into.
    #[must_use]
    pub fn with_error<E2>(self) -> FallbackLayer<C, P, Typed<E2>> {
        FallbackLayer { shared: self.shared, policy: self.policy, _error: PhantomData }
    }

    /// Puts the layer around a service with another policy and error type: for a layer that contains this one.
    pub fn wrap<S, P2, E2: ErrorType>(&self, inner: S, policy: P2) -> Fallback<S, C, P2, E2> {
        Fallback::new(inner, self.shared.clone(), policy)
    }

    /// Returns the handle that all services of this layer share.
    #[must_use]
    pub fn handle(&self) -> &FallbackHandle {
        &self.shared.handle
    }
}

impl<S, C, P: Clone, E: ErrorType> Layer<S> for FallbackLayer<C, P, E> {
    type Service = Fallback<S, C, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Fallback::new(inner, self.shared.clone(), self.policy.clone())
    }
}

impl<C, P: Clone, E> Clone for FallbackLayer<C, P, E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), policy: self.policy.clone(), _error: PhantomData }
    }
}

impl<C: fmt::Debug, P, E> fmt::Debug for FallbackLayer<C, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackLayer")
            .field("steps", &self.shared.chain)
            .field("handle", self.handle())
            .finish_non_exhaustive()
    }
}

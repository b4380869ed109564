//! The layer: steps, a policy, and the handle that all its services share.

use std::{fmt, marker::PhantomData, sync::Arc};

use mainstay_core::{Boxed, ErrorType, InvalidSetting, Name, Plain, Typed};
use tower_layer::Layer;

use crate::{Backup, Chain, Fallback, FallbackSettings, Fallbacks, Value, backup, service::Core, value};

/// Answers from elsewhere when the service under it cannot: from a backup, from the last good answer, with a value.
///
/// It belongs outermost in a stack: it is what the caller gets when everything below has given up. Tower has nothing
/// like it; `tower::util::MapResult` can turn an error into a value, but knows neither the request, nor which errors
/// are the caller's own, nor `poll_ready`, whose errors it cannot answer.
///
/// `C` is the chain of steps, `P` the policy that tells failures from answers, `E` the [`ErrorType`] that everything
/// below converts into.
///
/// ```
/// use mainstay_core::BoxError;
/// use mainstay_fallback::FallbackLayer;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let layer = FallbackLayer::value("sorry");
/// let service = layer.layer(service_fn(|_: u32| async { Err::<String, _>(std::io::Error::other("down")) }));
///
/// assert_eq!(service.oneshot(7).await?, "sorry");
/// assert_eq!(layer.handle().snapshot().answered, 1);
/// # Ok(())
/// # }
/// ```
pub struct FallbackLayer<C, P = Plain, E = Boxed> {
    core: Arc<Core<C>>,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl FallbackLayer ===

impl<C: Chain> FallbackLayer<C> {
    /// These steps, tried in order, under the name `fallback`: `FallbackLayer::new(backup(service).or(value("sorry")))`.
    pub fn new(steps: C) -> Self {
        let handle = Fallbacks::new(Name::literal("fallback"), &steps);
        Self { core: Arc::new(Core { chain: Arc::new(steps), handle }), policy: Plain, _error: PhantomData }
    }
}

impl<V> FallbackLayer<Value<V>> {
    /// One step: a clone of this [`value`].
    pub fn value(answer: V) -> Self {
        Self::new(value(answer))
    }
}

impl<B> FallbackLayer<Backup<B>> {
    /// One step: this [`backup`] service, for at most 5 s.
    pub fn backup(service: B) -> Self {
        Self::new(backup(service))
    }
}

impl<C: Chain, P, E> FallbackLayer<C, P, E> {
    /// With a name, which logs and snapshots show. It gives the layer a fresh handle, so name it before you take one.
    #[must_use]
    pub fn named(mut self, name: impl Into<Name>) -> Self {
        let handle = Fallbacks::build(name.into(), &*self.core.chain, &self.core.handle.settings());
        self.core = Arc::new(Core { chain: Arc::clone(&self.core.chain), handle });
        self
    }

    /// With these settings, instead of the defaults.
    ///
    /// # Errors
    /// A setting out of its range.
    pub fn with_settings(self, settings: &FallbackSettings) -> Result<Self, InvalidSetting> {
        self.core.handle.reconfigure(settings)?;
        Ok(self)
    }
}

impl<C, P, E> FallbackLayer<C, P, E> {
    /// With another policy: `Http`, `Grpc`, `Reqwest`, or your own.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> FallbackLayer<C, P2, E> {
        FallbackLayer { core: self.core, policy, _error: PhantomData }
    }

    /// With a typed error, which every error below must convert into.
    #[must_use]
    pub fn with_error<E2>(self) -> FallbackLayer<C, P, Typed<E2>> {
        FallbackLayer { core: self.core, policy: self.policy, _error: PhantomData }
    }

    /// The handle that all services of this layer share.
    #[must_use]
    pub fn handle(&self) -> &Fallbacks {
        &self.core.handle
    }
}

impl<S, C, P: Clone, E: ErrorType> Layer<S> for FallbackLayer<C, P, E> {
    type Service = Fallback<S, C, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Fallback::new(inner, self.core.clone(), self.policy.clone())
    }
}

impl<C, P: Clone, E> Clone for FallbackLayer<C, P, E> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), policy: self.policy.clone(), _error: PhantomData }
    }
}

impl<C: fmt::Debug, P, E> fmt::Debug for FallbackLayer<C, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackLayer")
            .field("steps", &self.core.chain)
            .field("handle", self.handle())
            .finish_non_exhaustive()
    }
}

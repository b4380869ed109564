//! The stack around one dependency, as a layer.

use std::{fmt, marker::PhantomData};

use mainstay_bulkhead::Bulkhead;
use mainstay_circuit_breaker::CircuitBreaker;
use mainstay_core::{
    Boxed, Budget, CloneService, ErrorType, InvalidSetting, LayerKind, Name, OrderCheck, Plain, Typed,
};
use mainstay_fallback::{Chain, Fallback, FallbackHandle, FallbackLayer};
use mainstay_retry::Retry;
use mainstay_timeout::Timeout;
use tower_layer::Layer;

use super::{dependency_handles::DependencyHandles, dependency_settings::DependencySettings, warning::Warning};

/// The service that a [`DependencyLayer`] without a fallback makes; with one, a [`Fallback`] around it.
pub type DependencyStack<S, P = Plain, E = Boxed> =
    Timeout<Retry<CircuitBreaker<Bulkhead<Timeout<S, P, E>, P, E>, P, E>, P, E>, P, E>;

/// The stack around one dependency, outermost first:
///
/// | layer | why here |
/// |---|---|
/// | fallback, [if there is one](Self::with_fallback) | responds when all layers below have failed; retries below would repeat its answers |
/// | total timeout | bounds all attempts and their waits; sets the request's deadline |
/// | retry | each attempt passes through all layers below |
/// | circuit breaker | counts attempts; refuses before a permit is taken |
/// | bulkhead | a permit is held for one attempt, to the end of the answer's stream |
/// | attempt timeout | innermost: it bounds the wait for an answer, and is a failure to all above |
///
/// Use it in place of six layers by hand: it checks the settings against each other, and changes them all or none
/// ([`DependencyHandles::reconfigure`]). Use [`Standard`](super::Standard) for a dependency with several endpoints. All
/// services of one layer share its handles.
///
/// ```
/// use mainstay_fallback::value;
/// use mainstay_failover::stack::{DependencyLayer, DependencySettings};
/// use tower::{BoxError, Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), BoxError> {
/// let client = service_fn(|_id: u32| async { Err::<String, _>(std::io::Error::other("down")) });
/// let layer = DependencyLayer::with_fallback("orders", value("we will call you back"), DependencySettings::default())?;
/// let handles = layer.handles().clone();
/// let orders = layer.layer(client);
/// assert_eq!(orders.oneshot(7).await?, "we will call you back");
/// assert_eq!(handles.breaker.snapshot().failures, 2, "the allowance of the budget pays for one retry");
/// # Ok(()) }
/// ```
///
/// The policy classifies results and copies requests: [`with_policy`](Self::with_policy).
pub struct DependencyLayer<F = NoFallback, P = Plain, E = Boxed> {
    fallback: F,
    handles: DependencyHandles,
    warnings: Vec<Warning>,
    policy: P,
    order: OrderCheck,
    _error: PhantomData<fn() -> E>,
}

/// The parameter of a [`DependencyLayer`] without a fallback.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFallback;

/// The layers whose place is checked. The bulkhead and the attempt timeout are right inside of the others.
const LAYERS: &[LayerKind] = &[LayerKind::TotalTimeout, LayerKind::Retry, LayerKind::CircuitBreaker];

// === impl DependencyLayer ===

impl DependencyLayer {
    /// Creates a stack without a fallback.
    ///
    /// Contradictory settings are refused. Settings without effect become [warnings](Self::warnings), and are logged.
    ///
    /// # Errors
    /// A setting out of its range or in contradiction to another.
    pub fn new(name: impl Into<Name>, settings: DependencySettings) -> Result<Self, InvalidSetting> {
        Self::build(&name.into(), settings, NoFallback, None)
    }
}

impl<C: Chain> DependencyLayer<FallbackLayer<C>> {
    /// Creates a stack with a fallback of these steps: `value("sorry")`, `backup(service).or(value("sorry"))`.
    ///
    /// # Errors
    /// A setting out of its range or in contradiction to another.
    pub fn with_fallback(
        name: impl Into<Name>,
        steps: C,
        settings: DependencySettings,
    ) -> Result<Self, InvalidSetting> {
        let name = name.into();
        settings.validate().map_err(|wrong| wrong.of(&name))?;
        let handle = FallbackHandle::with_settings(&name, &steps, &settings.fallback)?;
        Self::build(&name, settings, FallbackLayer::with(handle.clone(), steps)?, Some(handle))
    }
}

impl<F> DependencyLayer<F> {
    fn build(
        name: &Name,
        settings: DependencySettings,
        fallback: F,
        fallback_handle: Option<FallbackHandle>,
    ) -> Result<Self, InvalidSetting> {
        settings.validate().map_err(|wrong| wrong.of(name))?;
        let warnings = settings.warnings(fallback_handle.is_some()).log(name);
        let handles = DependencyHandles::new(name, settings, fallback_handle)?;
        Ok(Self { fallback, handles, warnings, policy: Plain, order: OrderCheck::new(LAYERS), _error: PhantomData })
    }
}

impl<F, P, E> DependencyLayer<F, P, E> {
    /// Replaces the policy of all layers.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> DependencyLayer<F, P2, E> {
        let Self { fallback, handles, warnings, order, .. } = self;
        DependencyLayer { fallback, handles, warnings, policy, order, _error: PhantomData }
    }

    /// Replaces the error type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> DependencyLayer<F, P, Typed<E2>> {
        let Self { fallback, handles, warnings, policy, order, .. } = self;
        DependencyLayer { fallback, handles, warnings, policy, order, _error: PhantomData }
    }

    /// Pays for retries from this budget, in place of one by `retry_budget` of the settings: for several stacks that repeat
    /// requests to one dependency. Its settings are changed by [`Budget::reconfigure`], not by those of the stack. Call it
    /// before the handles are cloned.
    #[must_use]
    pub fn with_retry_budget(self, budget: Budget) -> Self {
        Self { handles: self.handles.with_retry_budget(budget), ..self }
    }

    /// Returns the handles.
    pub fn handles(&self) -> &DependencyHandles {
        &self.handles
    }

    /// Returns the settings that have no effect, with the reasons.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Puts all layers but the fallback around a service.
    fn stack<S>(&self, inner: S) -> DependencyStack<S, P, E>
    where
        S: CloneService,
        P: Clone,
    {
        self.order.around::<S>(self.handles.breaker.name());
        let DependencyHandles { total, retry, breaker, limit, attempt, .. } = self.handles.clone();
        let policy = &self.policy;
        let timed = Timeout::new(inner, attempt, policy.clone());
        let limited = Bulkhead::new(timed, limit, policy.clone());
        let guarded = CircuitBreaker::new(limited, breaker, policy.clone());
        Timeout::new(Retry::new(guarded, retry, policy.clone()), total, policy.clone())
    }
}

impl<S: CloneService, P: Clone, E> Layer<S> for DependencyLayer<NoFallback, P, E> {
    type Service = DependencyStack<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.stack(inner)
    }
}

impl<S: CloneService, C, P: Clone, E: ErrorType> Layer<S> for DependencyLayer<FallbackLayer<C>, P, E> {
    type Service = Fallback<DependencyStack<S, P, E>, C, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        self.fallback.wrap(self.stack(inner), self.policy.clone())
    }
}

// Not derived: `E` need not be `Clone`.
impl<F: Clone, P: Clone, E> Clone for DependencyLayer<F, P, E> {
    fn clone(&self) -> Self {
        Self {
            fallback: self.fallback.clone(),
            handles: self.handles.clone(),
            warnings: self.warnings.clone(),
            policy: self.policy.clone(),
            order: self.order.clone(),
            _error: PhantomData,
        }
    }
}

impl<F, P, E> fmt::Debug for DependencyLayer<F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DependencyLayer")
            .field("handles", &self.handles)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

//! The standard stack: the layers in the order that works, checked against each other.
//!
//! Every layer is usable alone and in any other order. In this order the total timeout bounds all attempts, retries pay
//! from one budget whichever endpoint answers, each endpoint has one breaker (failover's), no permit is held while a
//! request waits for its next attempt, and the attempt timeout bounds the wait for an answer.

use std::{fmt, marker::PhantomData};

use mainstay_bulkhead::Bulkhead;
use mainstay_core::{Boxed, Budget, CloneService, InvalidSetting, LayerKind, Name, OrderCheck, Plain, Typed};
use mainstay_retry::Retry;
use mainstay_timeout::Timeout;

use crate::{Endpoint, Failover};

mod common;
mod dependency;
mod dependency_handles;
mod dependency_settings;
mod limit;
mod settings;
mod standard_handles;
mod text;
mod warning;

pub use dependency::{DependencyLayer, DependencyStack, NoFallback};
pub use dependency_handles::DependencyHandles;
pub use dependency_settings::DependencySettings;
pub use settings::StandardSettings;
pub use standard_handles::{EndpointHandles, StandardHandles};
pub use warning::Warning;

/// The service that [`Standard::build`] makes.
pub type StandardStack<S, P = Plain, E = Boxed> = Timeout<Retry<Failover<Guarded<S, P, E>, P, E>, P, E>, P, E>;

/// One endpoint's service in the standard stack.
pub type Guarded<S, P = Plain, E = Boxed> = Bulkhead<Timeout<S, P, E>, P, E>;

/// The standard stack over a list of endpoints, outermost first:
///
/// | layer | why here |
/// |---|---|
/// | (your own fallback) | outermost, because retries below would repeat its answers |
/// | total timeout | bounds everything below, retries and their waits included; sets the request's deadline |
/// | retry | outside of failover, so that a repeat may go elsewhere; one budget for all endpoints |
/// | failover | picks the endpoint; holds each endpoint's breaker |
/// | bulkhead, for each endpoint | a slow endpoint must not take what the others need; inside retry, so that no permit is held while a request waits for its next attempt; held until the answer's stream has ended |
/// | attempt timeout, for each endpoint | innermost: it bounds the wait for an answer, and is a failure to all above |
///
/// While the body of a request is on its way, both timeouts wait for it: see [`UploadClock`](mainstay_core::UploadClock).
///
/// ```
/// use mainstay_failover::{Endpoint, stack::{Standard, StandardSettings}};
/// use tower::{BoxError, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
/// let primary = service_fn(|id: u32| async move { Ok::<_, std::io::Error>(id + 1) });
/// let orders = Standard::new("orders", [Endpoint::new("primary", primary)], StandardSettings::default())?;
/// let failover = orders.handles().failover.clone();
/// assert_eq!(orders.build().oneshot(1).await?, 2);
/// assert_eq!(failover.snapshot().endpoints[0].breaker.successes, 1);
/// # Ok(()) }
/// ```
///
/// The policy classifies results and copies requests: [`with_policy`](Self::with_policy). For endpoints of different
/// types see [`Endpoint`].
pub struct Standard<S, P = Plain, E = Boxed> {
    services: Vec<S>,
    handles: StandardHandles,
    warnings: Vec<Warning>,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

// === impl Standard ===

impl<S> Standard<S> {
    /// Creates a stack over these endpoints, the primary first.
    ///
    /// Contradictory settings are refused. Settings without effect become [warnings](Self::warnings), and are logged.
    ///
    /// # Errors
    /// A setting out of its range or in contradiction to another, no endpoint, or two of the same name.
    pub fn new(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<S>>,
        settings: StandardSettings,
    ) -> Result<Self, InvalidSetting> {
        let name = name.into();
        let (infos, services): (Vec<_>, Vec<_>) = endpoints.into_iter().map(|e| (e.info, e.service)).unzip();
        let all_probed = infos.iter().all(|info| info.probe.is_some());
        settings.validate_for(all_probed).map_err(|wrong| wrong.of(&name))?;
        let warnings = settings.warnings().log(&name);
        let handles = StandardHandles::new(name, infos, settings)?;
        Ok(Self { services, handles, warnings, policy: Plain, _error: PhantomData })
    }
}

impl<S, P, E> Standard<S, P, E> {
    /// Replaces the policy of all layers.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> Standard<S, P2, E> {
        let Self { services, handles, warnings, .. } = self;
        Standard { services, handles, warnings, policy, _error: PhantomData }
    }

    /// Pays for retries from this budget, in place of one by `retry_budget` of the settings: for several stacks that repeat
    /// requests to one dependency. Its settings are changed by [`Budget::reconfigure`], not by those of the stack. Call it
    /// before the handles are cloned.
    #[must_use]
    pub fn with_retry_budget(self, budget: Budget) -> Self {
        Self { handles: self.handles.with_retry_budget(budget), ..self }
    }

    /// Replaces the error type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> Standard<S, P, Typed<E2>> {
        let Self { services, handles, warnings, policy, .. } = self;
        Standard { services, handles, warnings, policy, _error: PhantomData }
    }

    /// Returns the handles.
    pub fn handles(&self) -> &StandardHandles {
        &self.handles
    }

    /// Returns the settings that have no effect, with the reasons.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Builds the service, which shares the handles.
    pub fn build(self) -> StandardStack<S, P, E>
    where
        S: CloneService,
        P: Clone,
    {
        let Self { services, handles, policy, .. } = self;
        OrderCheck::new(&[LayerKind::TotalTimeout, LayerKind::Retry, LayerKind::Failover])
            .around::<S>(handles.failover.name());
        let guarded = services.into_iter().zip(handles.endpoints).map(|(service, endpoint)| {
            let timed = Timeout::new(service, endpoint.attempt, policy.clone());
            Bulkhead::new(timed, endpoint.limit, policy.clone())
        });
        let failover = Failover::build(handles.failover, guarded.collect(), policy.clone());
        let retry = Retry::new(failover, handles.retry, policy.clone());
        Timeout::new(retry, handles.total, policy)
    }
}

impl<S, P, E> fmt::Debug for Standard<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standard")
            .field("handles", &self.handles)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

//! The standard stack: the layers in the order that works, checked against each other.
//!
//! Every piece is usable alone and in any other order. This order is the one whose layers know what they must: a total
//! timeout that bounds all attempts, retries that pay from one budget whichever endpoint answers, one state machine for
//! each endpoint (failover's, instead of a breaker beside it), permits that are not held while a request waits for its
//! next attempt, and an attempt timeout that bounds the wait for an answer.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use mainstay_bulkhead::{Bulkhead, Limit};
use mainstay_core::{Boxed, InvalidSetting, Name, Plain, Typed};
use mainstay_retry::{Retrier, Retry};
use mainstay_timeout::{TimeLimit, Timeout};

use crate::{Endpoint, Failover, FailoverHandle};

mod settings;

pub use settings::{StandardSettings, Warning};

/// The service that [`Standard::build`] makes.
pub type StandardStack<S, P = Plain, E = Boxed> = Timeout<Retry<Failover<Guarded<S, P, E>, P, E>, P, E>, P, E>;

/// One endpoint's service in the standard stack.
pub type Guarded<S, P = Plain, E = Boxed> = Bulkhead<Timeout<S, Plain, E>, P, E>;

/// The standard stack over a list of endpoints, outermost first:
///
/// | layer | why here |
/// |---|---|
/// | (a fallback of yours) | outermost, or retries would repeat what it answered |
/// | total timeout | bounds everything below, retries and their waits included; tells the request's deadline |
/// | retry | outside of failover, so that a repeat may go elsewhere; one budget for all endpoints |
/// | failover | picks the endpoint; its breaker is each endpoint's breaker |
/// | bulkhead, for each endpoint | a slow endpoint must not take what the others need; inside retry, so that no permit is held while a request waits for its next attempt; held until the answer's stream has ended |
/// | attempt timeout, for each endpoint | innermost: it bounds the wait for an answer, and is a failure to all above |
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
/// The policy says what a failure is and how a request is repeated: [`with_policy`](Self::with_policy). Endpoints of
/// different types are boxed, see [`Endpoint`].
pub struct Standard<S, P = Plain, E = Boxed> {
    services: Vec<S>,
    handles: StandardHandles,
    warnings: Vec<Warning>,
    policy: P,
    _error: PhantomData<fn() -> E>,
}

/// The handles of a standard stack: what pages and metrics read, and operators hold.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StandardHandles {
    /// How long a whole call may take.
    pub total: TimeLimit,
    /// Retries.
    pub retry: Retrier,
    /// Where traffic goes.
    pub failover: FailoverHandle,
    /// What stands before each endpoint, in their order.
    pub endpoints: Vec<EndpointHandles>,
    /// Two changes at once would leave a part of each.
    changing: Arc<Mutex<()>>,
}

/// The handles of one endpoint of a standard stack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EndpointHandles {
    /// The endpoint.
    pub name: Name,
    /// How many calls it may have at once.
    pub limit: Limit,
    /// How long one attempt may take.
    pub attempt: TimeLimit,
}

// === impl Standard ===

impl<S> Standard<S> {
    /// A stack over these endpoints, the primary first.
    ///
    /// What contradicts itself is refused; what is only doubtful becomes a [warning](Self::warnings), and is logged.
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
        settings.validate_for(all_probed)?;
        let warnings = settings.warnings();
        log(&name, &warnings);
        let endpoints = infos.iter().map(|info| {
            let limit = Limit::with_settings(&info.name, settings.bulkhead);
            let attempt = TimeLimit::attempt(&info.name, settings.attempt_timeout)?;
            Ok(EndpointHandles {
                name: info.name.clone(),
                limit: limit.map_err(|error| error.within("bulkhead"))?,
                attempt,
            })
        });
        let endpoints = endpoints.collect::<Result<_, InvalidSetting>>()?;
        let handles = StandardHandles {
            total: TimeLimit::total(&name, settings.total_timeout)?,
            retry: Retrier::with_settings(&name, settings.retry)?,
            failover: FailoverHandle::build(name, infos, settings.failover)?,
            endpoints,
            changing: Arc::default(),
        };
        Ok(Self { services, handles, warnings, policy: Plain, _error: PhantomData })
    }
}

impl<S, P, E> Standard<S, P, E> {
    /// With another policy, for all layers.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> Standard<S, P2, E> {
        let Self { services, handles, warnings, .. } = self;
        Standard { services, handles, warnings, policy, _error: PhantomData }
    }

    /// Gives errors as another type, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> Standard<S, P, Typed<E2>> {
        let Self { services, handles, warnings, policy, .. } = self;
        Standard { services, handles, warnings, policy, _error: PhantomData }
    }

    /// The handles.
    pub fn handles(&self) -> &StandardHandles {
        &self.handles
    }

    /// What is doubtful about the settings, and why.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The service. All services that a stack builds share its handles.
    pub fn build(self) -> StandardStack<S, P, E>
    where
        S: Clone,
        P: Clone,
    {
        let Self { services, handles, policy, .. } = self;
        let guarded = services.into_iter().zip(handles.endpoints).map(|(service, endpoint)| {
            let timed = Timeout::new(service, endpoint.attempt, Plain);
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

// === impl StandardHandles ===

impl StandardHandles {
    /// Takes other settings, live: all of them or none. States, windows, holds, budgets, permits and running timers
    /// stay; the new times hold for what begins from now on. What is only doubtful is logged.
    ///
    /// # Errors
    /// A setting out of its range or in contradiction to another, or one that a live stack can't change: the failover's
    /// window and its second attempts' budget. Nothing is changed then.
    pub fn reconfigure(&self, settings: &StandardSettings) -> Result<(), InvalidSetting> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        settings.validate_for(self.failover.board.endpoints.iter().all(|endpoint| endpoint.is_probed))?;
        // First what can still refuse, and then does so before it changes anything.
        self.failover.reconfigure(settings.failover.clone()).map_err(|error| error.within("failover"))?;
        self.retry.reconfigure(settings.retry.clone())?;
        self.total.set(settings.total_timeout)?;
        for endpoint in &self.endpoints {
            endpoint.limit.reconfigure(settings.bulkhead)?;
            endpoint.attempt.set(settings.attempt_timeout)?;
        }
        log(self.failover.name(), &settings.warnings());
        Ok(())
    }
}

fn log(stack: &Name, warnings: &[Warning]) {
    for warning in warnings {
        tracing::warn!(%stack, setting = warning.field, "{}", warning.reason);
    }
}

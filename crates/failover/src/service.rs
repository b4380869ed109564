//! The service.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{
    Boxed, Classify, CloneService, Contextual, ErrorType, Follow, InvalidSetting, LayerKind, Name, OrderCheck, Plain,
    Replay, Typed,
};
use tower_service::Service;

use crate::{
    call::{call_elsewhere, call_ready},
    endpoint::Endpoint,
    future::FailoverFuture,
    handle::FailoverHandle,
    history::History,
    permit::{Candidate, EndpointPermit},
    readiness::{Ready, Waiting, select_ready},
    services::Services,
    settings::FailoverSettings,
    shared::Shared,
};

/// A service over an ordered list of endpoints that uses the first usable one.
///
/// The policy `P` classifies results and decides whether a request may be sent twice ([`with_policy`](Self::with_policy));
/// `E` is the error type ([`with_error`](Self::with_error)). All clones share one [`FailoverHandle`]. All endpoints have
/// the service type `S`; see [`Endpoint`] for services of different types.
///
/// `poll_ready` waits for one endpoint, not for all: an endpoint that is not ready within
/// [`ready_timeout`](FailoverSettings::ready_timeout) is passed over for that request. An endpoint whose readiness fails is
/// recorded as failing, and the next one is polled. When all fail, `call` tries once more with a fresh clone and returns
/// its error, so that a `Buffer` around this service survives it.
pub struct Failover<S, P = Plain, E = Boxed> {
    pub(crate) shared: Arc<Shared<S, P>>,
    services: Services<S>,
    ready: Ready,
    waiting: Option<Waiting>,
    _error: PhantomData<fn() -> E>,
}

// === impl Failover ===

impl<S: Clone> Failover<S> {
    /// Creates a failover over these endpoints, the primary first, with the default settings.
    ///
    /// # Errors
    /// No endpoint, or two of the same name.
    pub fn new(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<S>>,
    ) -> Result<Self, InvalidSetting> {
        Self::with_settings(name, endpoints, FailoverSettings::default())
    }

    /// Creates a failover with these settings.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a setting out of its range.
    pub fn with_settings(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<S>>,
        settings: FailoverSettings,
    ) -> Result<Self, InvalidSetting> {
        let (infos, services): (Vec<_>, _) = endpoints.into_iter().map(|e| (e.info, e.service)).unzip();
        let handle = FailoverHandle::build(name.into(), infos, settings)?;
        OrderCheck::new(&[LayerKind::Failover]).around::<S>(handle.name());
        Ok(Self::build(handle, services, Plain))
    }

    /// Creates a failover that shares a handle, with one service for each of its endpoints, in their order: for a layer
    /// that is applied many times, or for services that are made after the handle.
    ///
    /// # Errors
    /// Not as many services as endpoints.
    pub fn with(handle: &FailoverHandle, services: impl IntoIterator<Item = S>) -> Result<Self, InvalidSetting> {
        let (services, endpoints) = (Vec::from_iter(services), handle.board.endpoints.len());
        if services.len() != endpoints {
            let allowed = format!("must be as many as endpoints, {endpoints}");
            return Err(InvalidSetting::new("services", services.len(), allowed));
        }
        Ok(Self::build(handle.clone(), services, Plain))
    }
}

impl<S, P, E> Failover<S, P, E> {
    /// Returns the handle: the algorithm, for pages, checks and operators.
    pub fn handle(&self) -> &FailoverHandle {
        &self.shared.handle
    }
}

impl<S: Clone, P, E> Failover<S, P, E> {
    /// Replaces the policy, which classifies results, copies requests and finds a request's context.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> Failover<S, P2, E> {
        let services = self.services.into_all(&self.shared);
        Failover::build(self.shared.handle.clone(), services, policy)
    }

    pub(crate) fn build(handle: FailoverHandle, services: Vec<S>, policy: P) -> Self {
        let shared = Arc::new(Shared::new(handle, policy, &services));
        let services = Services::all(services, &shared);
        Self { shared, services, ready: Ready::Unknown, waiting: None, _error: PhantomData }
    }
}

impl<S, P, E> Failover<S, P, E> {
    /// Replaces the error type by one into which the endpoints' errors and our refusals convert, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> Failover<S, P, Typed<E2>> {
        let Self { shared, services, .. } = self;
        Failover { shared, services, ready: Ready::Unknown, waiting: None, _error: PhantomData }
    }
}

impl<S, Req, P, E> Service<Req> for Failover<S, P, E>
where
    S: Service<Req> + CloneService,
    S::Error: Into<E::Error>,
    P: Classify<S::Response, E::Error> + Follow<S::Response> + Replay<Req> + Contextual<Req>,
    E: ErrorType,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = FailoverFuture<S::Future, S, Req, P::Kept, S::Response, P, E::Error>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if !matches!(self.ready, Ready::Unknown) {
            return Poll::Ready(Ok(()));
        }
        let Self { shared, services, ready, waiting, .. } = self;
        ready!(select_ready(shared, services, waiting, ready, cx));
        // Checked first: assigning `None` to `None` runs the drop of the old value.
        if self.waiting.is_some() {
            self.waiting = None;
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        let history = History::of(self.shared.policy.context(&request));
        // Fast path: the request is no repeat, and the selected endpoint is still usable.
        if !history.is_repeat(self.shared.board().id)
            && let Ready::At(Candidate { index, epoch, usable: true, .. }) = self.ready
            && let endpoint = &self.shared.board().endpoints[index]
            && endpoint.breaker.epoch() == epoch
        {
            self.ready = Ready::Unknown;
            let permit = EndpointPermit { index, epoch, period: endpoint.ask.period(), trial: None };
            return call_ready(&self.shared, &mut self.services, permit, request, history);
        }
        let ready = mem::replace(&mut self.ready, Ready::Unknown);
        call_elsewhere(&self.shared, &mut self.services, &ready, request, history)
    }
}

/// Does not copy readiness. Clones the service of one endpoint, so that it costs the same with many endpoints.
impl<S: Clone, P, E> Clone for Failover<S, P, E> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            services: self.services.for_clone(&self.shared),
            ready: Ready::Unknown,
            waiting: None,
            _error: PhantomData,
        }
    }
}

impl<S, P, E> fmt::Debug for Failover<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failover({})", self.shared.handle.snapshot())
    }
}

//! The service.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{Boxed, Classify, Contextual, ErrorType, Follow, InvalidSetting, Name, Plain, Replay, Typed};
use tower_service::Service;

use crate::{
    Endpoint, FailoverFuture, FailoverHandle, FailoverSettings,
    look::{self, Waiting},
    router::Router,
    services::Services,
    shared::Shared,
    tier::Ticket,
};

/// A service over an ordered list of endpoints that uses the first one that works.
///
/// `P` says what a failure is and whether a request may be sent twice ([`with_policy`](Self::with_policy)); `E` is the
/// error ([`with_error`](Self::with_error)). All clones share one [`FailoverHandle`]; a second failover needs a second
/// constructor. Endpoints share the type `S`; see [`Endpoint`] for different ones.
///
/// `poll_ready` waits for one endpoint, not for all: one that is not ready within
/// [`ready_timeout`](FailoverSettings::ready_timeout) is passed over for that request. An endpoint whose readiness fails is
/// recorded as failing, and the next one is asked; when none is left, `call` tries it once more with a clean copy and gives
/// its error, so a `Buffer` around this service outlives it.
pub struct Failover<S, P = Plain, E = Boxed> {
    pub(crate) shared: Arc<Shared<S, P>>,
    pub(crate) services: Services<S>,
    ready: Ready,
    waiting: Option<Waiting>,
    _error: PhantomData<fn() -> E>,
}

/// What `poll_ready` found.
pub(crate) enum Ready {
    /// Nothing; and if it was asked, that no endpoint's readiness came without an error.
    Unknown,
    /// This endpoint's service is ready.
    At(Place),
    /// No endpoint is usable, and policy says to refuse.
    Refuse,
}

/// The endpoint that is ready, as it was when that was found.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) epoch: u64,
    /// Whatever its state: an operator or the policy for "all down" says so.
    pub(crate) only: bool,
    /// It is usable: no trial call need be taken.
    pub(crate) usable: bool,
}

// === impl Failover ===

impl<S: Clone> Failover<S> {
    /// A failover over these endpoints, the primary first, with the default settings.
    ///
    /// # Errors
    /// No endpoint, or two of the same name.
    pub fn new(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<S>>,
    ) -> Result<Self, InvalidSetting> {
        Self::with_settings(name, endpoints, FailoverSettings::default())
    }

    /// A failover with these settings.
    ///
    /// # Errors
    /// As [`new`](Self::new), or a setting out of its range.
    pub fn with_settings(
        name: impl Into<Name>,
        endpoints: impl IntoIterator<Item = Endpoint<S>>,
        settings: FailoverSettings,
    ) -> Result<Self, InvalidSetting> {
        let (infos, services): (Vec<_>, _) = endpoints.into_iter().map(|e| (e.info, e.service)).unzip();
        let handle = FailoverHandle(Router::new(name.into(), infos, settings)?);
        Ok(Self::build(handle, services, Plain))
    }

    /// A service for a handle that exists, with one service for each of its endpoints, in their order: for a layer
    /// that is applied many times, or services that are made later than the handle.
    ///
    /// # Errors
    /// Not as many services as endpoints.
    pub fn with(handle: &FailoverHandle, services: impl IntoIterator<Item = S>) -> Result<Self, InvalidSetting> {
        let (services, endpoints) = (Vec::from_iter(services), handle.0.tiers.len());
        if services.len() != endpoints {
            let allowed = format!("must be as many as endpoints, {endpoints}");
            return Err(InvalidSetting::new("services", services.len(), allowed));
        }
        Ok(Self::build(handle.clone(), services, Plain))
    }
}

impl<S, P, E> Failover<S, P, E> {
    /// The handle: the algorithm, for pages, checks and operators.
    pub fn handle(&self) -> &FailoverHandle {
        &self.shared.handle
    }
}

impl<S: Clone, P, E> Failover<S, P, E> {
    /// With another policy: what a failure is, whether a request may be sent twice, and where its context is.
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
    /// Gives errors as another type, into which the endpoints' errors and our refusals convert, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> Failover<S, P, Typed<E2>> {
        let Self { shared, services, .. } = self;
        Failover { shared, services, ready: Ready::Unknown, waiting: None, _error: PhantomData }
    }
}

impl<S, Req, P, E> Service<Req> for Failover<S, P, E>
where
    S: Service<Req> + Clone,
    S::Error: Into<E::Error>,
    P: Classify<S::Response, E::Error> + Follow<S::Response> + Replay<Req> + Contextual<Req>,
    E: ErrorType,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = FailoverFuture<S::Future, S, Req, S::Response, P, E::Error>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if !matches!(self.ready, Ready::Unknown) {
            return Poll::Ready(Ok(()));
        }
        let Self { shared, services, ready, waiting, .. } = self;
        ready!(look::look(shared, services, waiting, ready, cx));
        // Looked at first: to find that nobody waits is less than to drop nothing.
        if self.waiting.is_some() {
            self.waiting = None;
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        // The short way, apart and by single fields, for what was just written is slow to copy.
        if let Ready::At(Place { index, epoch, usable: true, .. }) = self.ready
            && self.shared.router().tiers[index].breaker.epoch() == epoch
        {
            self.ready = Ready::Unknown;
            return self.call_at(Ticket { index, epoch, permit: None }, request);
        }
        let ready = mem::replace(&mut self.ready, Ready::Unknown);
        self.call_if_admitted(&ready, request)
    }
}

/// Readiness is not copied: a clone finds its own. It costs as much with many endpoints as with one.
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

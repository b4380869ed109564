//! The service.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use mainstay_core::{
    Boxed, Classify, Contextual, ErrorType, FailureKind, InvalidSetting, Name, Outcome, Plain, Reason, Rejected,
    Replay, Typed,
};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::{
    Endpoint, FailoverFuture, FailoverHandle, FailoverSettings,
    plan::Plan,
    router::{Router, counter},
    tier::Ticket,
};

/// A service over an ordered list of endpoints that uses the first one that works.
///
/// `P` says what a failure is and whether a request may be sent twice ([`with_policy`](Self::with_policy)); `E` is the
/// error ([`with_error`](Self::with_error)). All clones share one [`FailoverHandle`]; a second failover needs a second
/// constructor. Endpoints share the type `S`; see [`Endpoint`] for different ones.
///
/// `poll_ready` waits for one endpoint, not for all: one that is not ready within
/// [`patience`](FailoverSettings::patience) is passed over for that request. An endpoint whose readiness fails is
/// recorded as failing, and the next one is asked; when none is left, `call` tries it once more with a clean copy and gives
/// its error, so a `Buffer` around this service outlives it.
pub struct Failover<S, P = Plain, E = Boxed> {
    pub(crate) core: Arc<Core<S, P>>,
    services: Vec<S>,
    ready: Ready,
    waiting: Option<Waiting>,
    _error: PhantomData<fn() -> E>,
}

/// What the service and its futures share.
pub(crate) struct Core<S, P> {
    pub(crate) handle: FailoverHandle,
    pub(crate) policy: P,
    /// Clean copies for second attempts and for those that lost their readiness. Locked for a clone, off the happy path.
    templates: Vec<Mutex<S>>,
}

/// What `poll_ready` found.
enum Ready {
    /// Nothing; and if it was asked, that no endpoint's readiness came without an error.
    Unknown,
    /// This endpoint's service is ready, and this was its epoch.
    At { index: usize, epoch: u64, only: bool },
    /// No endpoint is usable, and policy says to refuse.
    Refuse,
}

/// A wait for an endpoint that is not ready.
struct Waiting {
    patience: Pin<Box<Sleep>>,
    over: bool,
    /// Any endpoint changed.
    changed: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
}

/// A request on its way into an endpoint's `call`, whose panic is the endpoint's failure.
struct Placed<'a> {
    router: &'a Router,
    ticket: Option<Ticket>,
}

/// What a look at the endpoints in order brought.
enum Looked {
    Found(Ready),
    /// Nothing is ready, and nothing will be: `call` gives the error.
    Failed,
    Pending,
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
    pub fn over(handle: &FailoverHandle, services: impl IntoIterator<Item = S>) -> Result<Self, InvalidSetting> {
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
        &self.core.handle
    }
}

impl<S: Clone, P, E> Failover<S, P, E> {
    /// With another policy: what a failure is, whether a request may be sent twice, and where its context is.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> Failover<S, P2, E> {
        Failover::build(self.core.handle.clone(), self.services, policy)
    }

    pub(crate) fn build(handle: FailoverHandle, services: Vec<S>, policy: P) -> Self {
        let templates = services.iter().cloned().map(Mutex::new).collect();
        let core = Arc::new(Core { handle, policy, templates });
        Self { core, services, ready: Ready::Unknown, waiting: None, _error: PhantomData }
    }

    /// Puts clean copies in place of services that may hold readiness which this request does not use.
    fn let_go(&mut self, of: impl Iterator<Item = usize>) {
        of.for_each(|index| self.services[index] = self.core.template(index));
    }
}

impl<S, P, E> Failover<S, P, E> {
    /// Gives errors as another type, into which the endpoints' errors and our refusals convert, without boxing.
    #[must_use]
    pub fn with_error<E2>(self) -> Failover<S, P, Typed<E2>> {
        let Self { core, services, .. } = self;
        Failover { core, services, ready: Ready::Unknown, waiting: None, _error: PhantomData }
    }
}

impl<S: Clone, P, E> Failover<S, P, E> {
    /// Looks for an endpoint that is ready, in the plan's order.
    fn look<Req>(&mut self, cx: &mut Context<'_>) -> Looked
    where
        S: Service<Req>,
        S::Error: Into<E::Error>,
        P: Classify<S::Response, E::Error>,
        E: ErrorType,
    {
        let core = Arc::clone(&self.core);
        let router = core.router();
        let (first, only) = match router.plan() {
            Plan::Refuse => return Looked::Found(Ready::Refuse),
            Plan::Only(index) => (index, true),
            Plan::From(first) => (first, false),
        };
        let (mut pending, mut failed) = (Vec::new(), false);
        for index in router.order(first).take(if only { 1 } else { usize::MAX }) {
            let tier = &router.tiers[index];
            if !only && !tier.admits() {
                continue;
            }
            let epoch = tier.engine.epoch();
            match self.services[index].poll_ready(cx) {
                Poll::Ready(Ok(())) => {
                    self.let_go(pending.into_iter());
                    return Looked::Found(Ready::At { index, epoch, only });
                }
                Poll::Ready(Err(error)) => {
                    router.record(index, epoch, core.policy.classify(Err(&error.into())));
                    self.let_go(std::iter::once(index));
                    failed = true;
                }
                Poll::Pending => {
                    pending.push(index);
                    if self.is_patient(cx) {
                        return Looked::Pending;
                    }
                }
            }
        }
        match (pending.is_empty(), failed) {
            (false, _) => Looked::Pending,
            (true, true) => Looked::Failed,
            (true, false) => Looked::Found(Ready::Refuse),
        }
    }

    /// Whether this request still waits for the endpoint that is not ready.
    fn is_patient(&mut self, cx: &mut Context<'_>) -> bool {
        let router = self.core.router();
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(router));
        waiting.over = waiting.over || waiting.patience.as_mut().poll(cx).is_ready();
        !waiting.over
    }

    /// Whether an endpoint changed while this request waited; registers it for the next change.
    fn has_changed(&mut self, cx: &mut Context<'_>) -> bool {
        let router = self.core.router();
        let waiting = self.waiting.get_or_insert_with(|| Waiting::new(router));
        let changed = waiting.changed.as_mut().poll(cx).is_ready();
        if changed {
            waiting.changed = Waiting::changed(router);
        }
        changed
    }
}

impl<S, Req, P, E> Service<Req> for Failover<S, P, E>
where
    S: Service<Req> + Clone,
    S::Error: Into<E::Error>,
    P: Classify<S::Response, E::Error> + Replay<Req> + Contextual<Req>,
    E: ErrorType,
{
    type Response = S::Response;
    type Error = E::Error;
    type Future = FailoverFuture<S::Future, S, Req, S::Response, P, E::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if !matches!(self.ready, Ready::Unknown) {
            return Poll::Ready(Ok(()));
        }
        loop {
            match self.look(cx) {
                Looked::Found(ready) => {
                    (self.ready, self.waiting) = (ready, None);
                    return Poll::Ready(Ok(()));
                }
                Looked::Failed => {
                    self.waiting = None;
                    return Poll::Ready(Ok(()));
                }
                Looked::Pending if self.has_changed(cx) => {}
                Looked::Pending => return Poll::Pending,
            }
        }
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let core = Arc::clone(&self.core);
        match mem::replace(&mut self.ready, Ready::Unknown) {
            Ready::At { index, epoch, only } => match core.router().ticket(index, epoch, only) {
                Some(ticket) => {
                    let copy = core.copy(&request, index);
                    let placed = Placed { router: core.router(), ticket: Some(ticket) };
                    let future = self.services[index].call(request);
                    let ticket = placed.done();
                    return FailoverFuture::calling(core, ticket, future, copy);
                }
                // It was left in the meantime, and its readiness goes with it.
                None => self.let_go(std::iter::once(index)),
            },
            Ready::Refuse => return FailoverFuture::refused(Arc::clone(&core), core.refuse().into()),
            Ready::Unknown => {}
        }
        match core.router().any_ticket() {
            Some(ticket) => {
                let (copy, service) = (core.copy(&request, ticket.index), core.template(ticket.index));
                FailoverFuture::readying(core, ticket, service, request, copy)
            }
            None => FailoverFuture::refused(Arc::clone(&core), core.refuse().into()),
        }
    }
}

/// Readiness is not copied: a clone finds its own.
impl<S: Clone, P, E> Clone for Failover<S, P, E> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            services: self.services.clone(),
            ready: Ready::Unknown,
            waiting: None,
            _error: PhantomData,
        }
    }
}

impl<S, P, E> fmt::Debug for Failover<S, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failover({})", self.core.handle.snapshot())
    }
}

// === impl Core ===

impl<S, P> Core<S, P> {
    pub(crate) fn router(&self) -> &Router {
        &self.handle.0
    }

    fn refuse(&self) -> Rejected {
        self.router().counters.add(counter::REFUSED);
        let retry_after = self.router().retry_after();
        Rejected::new(Reason::NoHealthyEndpoint, self.handle.name()).with_retry_after(retry_after)
    }

    /// A copy of the request, if a second attempt is possible at all.
    fn copy<Req>(&self, request: &Req, index: usize) -> Option<Req>
    where
        P: Replay<Req> + Contextual<Req>,
    {
        self.router().second(index)?;
        let context = self.policy.context(request);
        let forbidden = context.is_some_and(|context| {
            context.do_not_retry || context.sends.as_ref().is_some_and(|sends| sends.left() == 0)
        });
        if forbidden { None } else { self.policy.replay(request) }
    }
}

impl<S: Clone, P> Core<S, P> {
    pub(crate) fn template(&self, index: usize) -> S {
        self.templates[index].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// === impl Router ===

impl Router {
    /// A place at the endpoint that `poll_ready` found, unless its state has changed since.
    fn ticket(&self, index: usize, epoch: u64, only: bool) -> Option<Ticket> {
        let tier = &self.tiers[index];
        match only {
            true => Some(tier.forced_ticket(index)),
            false => tier.ticket(index).filter(|ticket| ticket.epoch == epoch),
        }
    }

    /// A place at any endpoint, as the plan has it.
    fn any_ticket(&self) -> Option<Ticket> {
        match self.plan() {
            Plan::Only(index) => Some(self.tiers[index].forced_ticket(index)),
            Plan::From(first) => self.order(first).find_map(|index| self.tiers[index].ticket(index)),
            Plan::Refuse => None,
        }
    }

    /// When the first endpoint may be back.
    fn retry_after(&self) -> Option<Duration> {
        self.tiers.iter().filter_map(|tier| tier.engine.refusal()?.retry_after()).min()
    }
}

// === impl Placed ===

impl Placed<'_> {
    fn done(mut self) -> Option<Ticket> {
        self.ticket.take()
    }
}

impl Drop for Placed<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.router.settle(ticket, Outcome::failure(FailureKind::Unknown));
        }
    }
}

// === impl Waiting ===

impl Waiting {
    fn new(router: &Router) -> Self {
        let patience = Duration::from_nanos(router.knobs.patience.load(std::sync::atomic::Ordering::Relaxed));
        Self { patience: Box::pin(sleep(patience)), over: false, changed: Self::changed(router) }
    }

    fn changed(router: &Router) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let mut receiver = router.changed.subscribe();
        Box::pin(async move {
            // Without a sender there is nothing to wait for, and the caller's services wake it themselves.
            if receiver.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}

//! `poll_ready`: looks for one endpoint that is ready, and waits for no more than one at a time.

use std::{
    pin::Pin,
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll},
    time::Duration,
};

use mainstay_core::{Classify, Refusal};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::{
    plan::Plan,
    router::Router,
    service::{Place, Ready},
    services::Services,
    shared::Shared,
};

/// A wait for a change.
pub(crate) type Changed = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// A wait for an endpoint that is not ready. Boxed futures, because a service that waits has time.
pub(crate) struct Waiting {
    ready_timeout: Pin<Box<Sleep>>,
    over: bool,
    /// Any endpoint changed.
    changed: Changed,
    /// The endpoints that were asked and were not ready: each may keep a place in a queue for this request.
    asked: Vec<usize>,
}

/// Looks at the endpoints in the plan's order, again whenever one of them changes. The way of nearly all requests comes
/// first and is inlined: the endpoint in use is ready. What is found is written where it is to be, field by field, for
/// whoever copies what was just written waits for it.
#[inline]
pub(crate) fn look<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut Services<S>,
    waiting: &mut Option<Waiting>,
    found: &mut Ready,
    cx: &mut Context<'_>,
) -> Poll<()>
where
    S: Service<Req> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E>,
    E: Refusal,
{
    let mut failed = None;
    if waiting.is_none()
        && let Some(place) = shared.router().usual_place()
    {
        match services.at(place.index, shared).poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                *found = Ready::At(place);
                return Poll::Ready(());
            }
            Poll::Ready(Err(error)) => {
                note_unready(shared, services, place, &error.into());
                failed = Some(place.index);
            }
            // It is asked again in the order of the plan.
            Poll::Pending => waiting.get_or_insert_with(|| Waiting::new(shared.router())).note(place.index),
        }
    }
    look_on(shared, services, waiting, failed, cx).map(|ready| *found = ready)
}

fn look_on<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut Services<S>,
    waiting: &mut Option<Waiting>,
    mut failed: Option<usize>,
    cx: &mut Context<'_>,
) -> Poll<Ready>
where
    S: Service<Req> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E>,
    E: Refusal,
{
    loop {
        if let Poll::Ready(ready) = look_once(shared, services, waiting, failed.take(), cx) {
            // Elsewhere this request has no use for a place in a queue, or even for readiness by now.
            let used = if let Ready::At(place) = &ready { Some(place.index) } else { None };
            let asked = waiting.take().map_or(Vec::new(), |waiting| waiting.asked);
            let unused = asked.into_iter().filter(|index| Some(*index) != used);
            unused.for_each(|index| *services.at(index, shared) = shared.template(index));
            return Poll::Ready(ready);
        }
        if !waiting.get_or_insert_with(|| Waiting::new(shared.router())).has_changed(shared.router(), cx) {
            return Poll::Pending;
        }
    }
}

/// The readiness of an endpoint failed: that counts, and the next one to ask has a clean copy.
#[cold]
fn note_unready<S, Res, P, E>(shared: &Shared<S, P>, services: &mut Services<S>, place: Place, error: &E)
where
    S: Clone,
    P: Classify<Res, E>,
{
    shared.router().record(place.index, place.epoch, shared.policy.classify(Err(error)));
    *services.at(place.index, shared) = shared.template(place.index);
}

/// Once through the plan, without the endpoint whose readiness has failed already.
fn look_once<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut Services<S>,
    waiting: &mut Option<Waiting>,
    already: Option<usize>,
    cx: &mut Context<'_>,
) -> Poll<Ready>
where
    S: Service<Req> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E>,
    E: Refusal,
{
    let router = shared.router();
    let (first, only) = match router.plan() {
        Plan::Refuse => return Poll::Ready(Ready::Refuse),
        Plan::Only(index) => (index, true),
        Plan::From(first) => (first, false),
    };
    let (mut pending, mut failed) = (false, already.is_some());
    for index in router.order(first).take(if only { 1 } else { usize::MAX }) {
        let tier = &router.tiers[index];
        if already == Some(index) || (!only && !tier.admits()) {
            continue;
        }
        let place = Place { index, epoch: tier.breaker.epoch(), only, usable: tier.is_usable() };
        match services.at(index, shared).poll_ready(cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ready::At(place)),
            Poll::Ready(Err(error)) => {
                note_unready(shared, services, place, &error.into());
                failed = true;
            }
            Poll::Pending => {
                pending = true;
                let waiting = waiting.get_or_insert_with(|| Waiting::new(router));
                waiting.note(index);
                if waiting.is_patient(cx) {
                    return Poll::Pending;
                }
            }
        }
    }
    match failed {
        _ if pending => Poll::Pending,
        // Nothing is ready, and nothing will be: `call` gives the error.
        true => Poll::Ready(Ready::Unknown),
        false => Poll::Ready(Ready::Refuse),
    }
}

// === impl Waiting ===

impl Waiting {
    fn new(router: &Router) -> Self {
        let ready_timeout = Duration::from_nanos(router.knobs.ready_timeout.load(Relaxed));
        Self { ready_timeout: Box::pin(sleep(ready_timeout)), over: false, changed: changed(router), asked: Vec::new() }
    }

    fn note(&mut self, index: usize) {
        if !self.asked.contains(&index) {
            self.asked.push(index);
        }
    }

    /// Whether this request still waits for the endpoint that is not ready.
    fn is_patient(&mut self, cx: &mut Context<'_>) -> bool {
        self.over = self.over || self.ready_timeout.as_mut().poll(cx).is_ready();
        !self.over
    }

    /// Whether an endpoint changed while this request waited; registers it for the next change.
    fn has_changed(&mut self, router: &Router, cx: &mut Context<'_>) -> bool {
        let has_changed = self.changed.as_mut().poll(cx).is_ready();
        if has_changed {
            self.changed = changed(router);
        }
        has_changed
    }
}

/// Ends with the next change of any endpoint.
pub(crate) fn changed(router: &Router) -> Changed {
    let mut receiver = router.changed.subscribe();
    // The sender lives in the router, which the service keeps: it can't go away first.
    Box::pin(async move { drop(receiver.changed().await) })
}

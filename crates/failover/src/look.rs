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
    shared::Shared,
};

/// A wait for a change.
pub(crate) type Changed = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// A wait for an endpoint that is not ready. Boxed futures, because a service that waits has time.
pub(crate) struct Waiting {
    patience: Pin<Box<Sleep>>,
    over: bool,
    /// Any endpoint changed.
    changed: Changed,
}

/// Looks at the endpoints in the plan's order, again whenever one of them changes.
pub(crate) fn look<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut [S],
    waiting: &mut Option<Waiting>,
    cx: &mut Context<'_>,
) -> Poll<Ready>
where
    S: Service<Req> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E>,
    E: Refusal,
{
    loop {
        if let Poll::Ready(ready) = look_once(shared, services, waiting, cx) {
            return Poll::Ready(ready);
        }
        if !waiting.get_or_insert_with(|| Waiting::new(shared.router())).has_changed(shared.router(), cx) {
            return Poll::Pending;
        }
    }
}

fn look_once<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut [S],
    waiting: &mut Option<Waiting>,
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
    let (mut pending, mut failed) = (Vec::new(), false);
    for index in router.order(first).take(if only { 1 } else { usize::MAX }) {
        let tier = &router.tiers[index];
        if !only && !tier.admits() {
            continue;
        }
        let place = Place { index, epoch: tier.engine.epoch(), only, usable: tier.is_usable() };
        match services[index].poll_ready(cx) {
            Poll::Ready(Ok(())) => {
                // They may hold a place in a queue, or even readiness by now, which this request does not use.
                pending.into_iter().for_each(|index: usize| services[index] = shared.template(index));
                return Poll::Ready(Ready::At(place));
            }
            Poll::Ready(Err(error)) => {
                router.record(index, place.epoch, shared.policy.classify(Err(&error.into())));
                services[index] = shared.template(index);
                failed = true;
            }
            Poll::Pending => {
                pending.push(index);
                if waiting.get_or_insert_with(|| Waiting::new(router)).is_patient(cx) {
                    return Poll::Pending;
                }
            }
        }
    }
    match (pending.is_empty(), failed) {
        (false, _) => Poll::Pending,
        // Nothing is ready, and nothing will be: `call` gives the error.
        (true, true) => Poll::Ready(Ready::Unknown),
        (true, false) => Poll::Ready(Ready::Refuse),
    }
}

// === impl Waiting ===

impl Waiting {
    fn new(router: &Router) -> Self {
        let patience = Duration::from_nanos(router.knobs.patience.load(Relaxed));
        Self { patience: Box::pin(sleep(patience)), over: false, changed: changed(router) }
    }

    /// Whether this request still waits for the endpoint that is not ready.
    fn is_patient(&mut self, cx: &mut Context<'_>) -> bool {
        self.over = self.over || self.patience.as_mut().poll(cx).is_ready();
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

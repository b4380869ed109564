//! `call`: a ticket for the endpoint that was found, and the request on its way.

use std::{mem, sync::Arc};

use mainstay_core::{Contextual, ErrorType, FailureKind, Outcome, Refusal, Replay};
use tower_service::Service;

use crate::{Failover, FailoverFuture, attempt::Attempt, router::Router, service::Ready, shared::Shared, tier::Ticket};

/// Dropped only when an endpoint's `call` panics, which is the endpoint's failure.
struct Called<'a> {
    router: &'a Router,
    index: usize,
    epoch: u64,
}

// === impl Failover ===

impl<S: Clone, P, E: ErrorType> Failover<S, P, E> {
    /// A call with the readiness that `poll_ready` found.
    #[inline(always)]
    pub(crate) fn call_at<Req>(
        &mut self,
        ticket: Ticket,
        request: Req,
    ) -> FailoverFuture<S::Future, S, Req, S::Response, P, E::Error>
    where
        S: Service<Req>,
        P: Replay<Req> + Contextual<Req>,
    {
        let shared = Arc::clone(&self.shared);
        let (index, epoch) = (ticket.index, ticket.epoch);
        let spare = shared.spare(&request, index);
        let called = Called { router: shared.router(), index, epoch };
        let future = self.services.at(index, &shared).call(request);
        mem::forget(called);
        FailoverFuture::new(shared, Attempt::Calling { future }, Some(ticket), spare)
    }

    /// A call that is not simply for the endpoint in use.
    #[cold]
    pub(crate) fn call_if_admitted<Req>(
        &mut self,
        ready: &Ready,
        request: Req,
    ) -> FailoverFuture<S::Future, S, Req, S::Response, P, E::Error>
    where
        S: Service<Req>,
        P: Replay<Req> + Contextual<Req>,
    {
        let shared = Arc::clone(&self.shared);
        match *ready {
            Ready::At(place) => match shared.router().ticket(place) {
                Some(ticket) => return self.call_at(ticket, request),
                // It was left in the meantime, and its readiness goes with it.
                None => *self.services.at(place.index, &shared) = shared.template(place.index),
            },
            Ready::Refuse => return refused(shared),
            Ready::Unknown => {}
        }
        match shared.router().any_ticket() {
            Some(ticket) => {
                let spare = shared.spare(&request, ticket.index);
                let attempt = Attempt::readying(shared.template(ticket.index), request);
                FailoverFuture::new(shared, attempt, Some(ticket), spare)
            }
            None => refused(shared),
        }
    }
}

#[cold]
fn refused<F, S, Req, Res, P, E: Refusal>(shared: Arc<Shared<S, P>>) -> FailoverFuture<F, S, Req, Res, P, E> {
    let attempt = Attempt::refused(shared.router().refuse().into());
    FailoverFuture::new(shared, attempt, None, None)
}

// === impl Called ===

impl Drop for Called<'_> {
    fn drop(&mut self) {
        self.router.record(self.index, self.epoch, Outcome::failure(FailureKind::Unknown));
    }
}

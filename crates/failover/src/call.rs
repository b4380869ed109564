//! `call`: takes a permit for the endpoint that `poll_ready` found, and sends the request.

use std::{mem, sync::Arc};

use mainstay_core::{Contextual, FailureKind, Outcome, Refusal, Replay};
use tower_service::Service;

use crate::{
    attempt::Attempt, evidence, future::FailoverFuture, permit::EndpointPermit, readiness::Ready,
    replay_copy::ReplayCopy, services::Services, shared::Shared, switchboard::Switchboard, weight::Others,
};

/// Dropped only when an endpoint's `call` panics, which counts as the endpoint's failure.
struct PanicGuard<'a> {
    board: &'a Switchboard,
    index: usize,
    epoch: u64,
    suspensions: u32,
}

/// Calls the endpoint's service, which `poll_ready` made ready.
#[inline(always)]
pub(crate) fn call_ready<S, Req, P, E>(
    shared: &Arc<Shared<S, P>>,
    services: &mut Services<S>,
    permit: EndpointPermit,
    request: Req,
) -> FailoverFuture<S::Future, S, Req, S::Response, P, E>
where
    S: Service<Req> + Clone,
    P: Replay<Req> + Contextual<Req>,
{
    let shared = Arc::clone(shared);
    let EndpointPermit { index, epoch, suspensions, .. } = permit;
    let copy = ReplayCopy::new(&shared, &request, index);
    let guard = PanicGuard { board: shared.board(), index, epoch, suspensions };
    let future = services.at(index, &shared).call(request);
    mem::forget(guard);
    FailoverFuture::new(shared, Attempt::Calling { future }, Some(permit), copy)
}

/// Sends the request when its endpoint is not simply usable: takes a trial call, goes elsewhere, or refuses.
#[cold]
pub(crate) fn call_elsewhere<S, Req, P, E>(
    shared: &Arc<Shared<S, P>>,
    services: &mut Services<S>,
    ready: &Ready,
    request: Req,
) -> FailoverFuture<S::Future, S, Req, S::Response, P, E>
where
    S: Service<Req> + Clone,
    P: Replay<Req> + Contextual<Req>,
    E: Refusal,
{
    let board = shared.board();
    match *ready {
        Ready::At(candidate) => match board.endpoints[candidate.index].acquire_for(candidate) {
            Some(permit) => return call_ready(shared, services, permit, request),
            // The endpoint has been left since, and its readiness is given back.
            None => services.clear(candidate.index, shared),
        },
        Ready::Refuse => return refused(shared),
        Ready::Unknown => {}
    }
    let Some(permit) = shared.handle.acquire() else { return refused(shared) };
    let copy = ReplayCopy::new(shared, &request, permit.index);
    let attempt = Attempt::readying(shared.clean_clone(permit.index), request);
    FailoverFuture::new(Arc::clone(shared), attempt, Some(permit), copy)
}

#[cold]
fn refused<F, S, Req, Res, P, E: Refusal>(shared: &Arc<Shared<S, P>>) -> FailoverFuture<F, S, Req, Res, P, E> {
    let attempt = Attempt::refused(shared.handle.refuse().into());
    FailoverFuture::new(Arc::clone(shared), attempt, None, None)
}

// === impl PanicGuard ===

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        let Self { board, index, epoch, suspensions } = *self;
        let permit = EndpointPermit { index, epoch, suspensions, trial: None };
        evidence::record(board, permit, Outcome::failure(FailureKind::Unknown), Others::Silent);
    }
}

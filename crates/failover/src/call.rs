//! `call`: takes a permit for the endpoint that `poll_ready` found, and sends the request.

use std::sync::Arc;

use mainstay_core::{Contextual, Refusal, Replay, UploadClock, on_panic};
use tower_service::Service;

use crate::{
    attempt::Attempt, failed::record_panic, future::FailoverFuture, history::History, permit::EndpointPermit,
    readiness::Ready, replay_copy::ReplayCopy, services::Services, shared::Shared,
};

/// Calls the endpoint's service, which `poll_ready` made ready.
#[inline(always)]
pub(crate) fn call_ready<S, Req, P, E>(
    shared: &Arc<Shared<S, P>>,
    services: &mut Services<S>,
    mut permit: EndpointPermit,
    request: Req,
    history: History,
) -> FailoverFuture<S::Future, S, Req, P::Kept, S::Response, P, E>
where
    S: Service<Req> + Clone,
    P: Replay<Req> + Contextual<Req>,
{
    let shared = Arc::clone(shared);
    let index = permit.index;
    let copy = ReplayCopy::new(&shared, &request, index, &history);
    let upload = upload_clock(&shared, &request, &mut permit);
    let mut permit = Some(permit);
    let future = on_panic(
        || record_panic(shared.board(), &history, &mut permit, None),
        || services.at(index, &shared).call(request),
    );
    FailoverFuture::new(shared, Attempt::Calling { future }, permit, copy, upload, history)
}

/// Returns the clock of the request's body, and gives it to a trial call, whose lease needs it.
#[inline(always)]
fn upload_clock<S, Req, P>(shared: &Shared<S, P>, request: &Req, permit: &mut EndpointPermit) -> Option<UploadClock>
where
    P: Contextual<Req>,
{
    let upload = shared.policy.upload_clock(request).cloned();
    permit.set_upload_clock(upload.as_ref());
    upload
}

/// Sends the request when it is a repeat, or its endpoint is not simply usable: takes a trial call, goes elsewhere, or
/// refuses.
#[cold]
pub(crate) fn call_elsewhere<S, Req, P, E>(
    shared: &Arc<Shared<S, P>>,
    services: &mut Services<S>,
    ready: &Ready,
    request: Req,
    history: History,
) -> FailoverFuture<S::Future, S, Req, P::Kept, S::Response, P, E>
where
    S: Service<Req> + Clone,
    P: Replay<Req> + Contextual<Req>,
    E: Refusal,
{
    let board = shared.board();
    let ready = match ready {
        Ready::At(candidate) => Some(*candidate),
        Ready::Refuse => return refused(shared),
        Ready::Unknown => None,
    };
    // A repeat goes to an endpoint that the request has not asked.
    let repeat = history.is_repeat(board.id).then(|| board.repeat_target(&history)).flatten();
    if let Some(candidate) = ready {
        if repeat.is_none_or(|target| target == candidate.index)
            && let Some(permit) = board.endpoints[candidate.index].acquire_for(candidate)
        {
            return call_ready(shared, services, permit, request, history);
        }
        // The request goes elsewhere, or the endpoint has been left since. Its readiness is given back.
        services.clear(candidate.index, shared);
    }
    let acquire = |target: usize| board.endpoints[target].acquire(target).or_else(|| board.acquire_last_resort(target));
    let repeat = repeat.and_then(acquire);
    let Some(mut permit) = repeat.or_else(|| shared.handle.acquire()) else { return refused(shared) };
    let copy = ReplayCopy::new(shared, &request, permit.index, &history);
    let upload = upload_clock(shared, &request, &mut permit);
    let attempt = Attempt::readying(shared.clean_clone(permit.index), request);
    FailoverFuture::new(Arc::clone(shared), attempt, Some(permit), copy, upload, history)
}

#[cold]
fn refused<F, S, Req, K, Res, P, E>(shared: &Arc<Shared<S, P>>) -> FailoverFuture<F, S, Req, K, Res, P, E>
where
    E: Refusal,
{
    let attempt = Attempt::refused(shared.handle.refuse().into());
    FailoverFuture::new(Arc::clone(shared), attempt, None, None, None, History::default())
}

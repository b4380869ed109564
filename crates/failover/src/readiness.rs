//! `poll_ready`: finds one endpoint whose service is ready.
//!
//! A request waits for one endpoint at a time, for `ready_timeout` at most, and then tries the next. It selects again
//! whenever an endpoint changes; [`Wait`] keeps the order that misses no change.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use mainstay_core::{Classify, FailureKind, Outcome, Refusal, Wait, has_runtime, on_panic};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::{
    changed::changed,
    evidence,
    permit::Candidate,
    selector::{EndpointView, Selection, order},
    services::Services,
    shared::Shared,
    switchboard::Switchboard,
};

/// What `poll_ready` found.
pub(crate) enum Ready {
    /// Nothing: it was not called, or the readiness of every endpoint failed or did not come in time.
    Unknown,
    /// This endpoint's service is ready.
    At(Candidate),
    /// No endpoint is usable, and the policy is to refuse.
    Refuse,
}

/// The wait for an endpoint that is not ready. Its futures are boxed, because only a request that waits makes them.
pub(crate) struct Waiting {
    /// `None` without a runtime: the request then waits without a bound.
    ready_timeout: Option<Pin<Box<Sleep>>>,
    timed_out: bool,
    wait: Wait,
    /// The endpoints that were polled and were not ready: each may hold a place in a queue for this request.
    polled: Vec<usize>,
    /// The endpoints whose readiness has failed.
    failed: Vec<usize>,
}

/// Polls the endpoints in the order of the selection, again whenever one of them changes.
///
/// Fast path, inlined: the primary is in use and ready. Writes the result in place: copying a struct right after storing
/// it stalls on store forwarding.
#[inline]
pub(crate) fn select_ready<S, Req, P, E>(
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
        && let Some(primary) = shared.board().usable_primary()
    {
        match poll_ready(shared, services, primary, cx) {
            Poll::Ready(Ok(())) => {
                *found = Ready::At(primary);
                return Poll::Ready(());
            }
            Poll::Ready(Err(error)) => {
                record_unready(shared, services, primary, &error.into());
                failed = Some(primary.index);
            }
            // It is polled again in the order of the selection.
            Poll::Pending => waiting.get_or_insert_with(|| Waiting::new(shared.board())).note(primary.index),
        }
    }
    poll_candidates(shared, services, waiting, failed, cx).map(|ready| *found = ready)
}

fn poll_candidates<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut Services<S>,
    waiting: &mut Option<Waiting>,
    failed: Option<usize>,
    cx: &mut Context<'_>,
) -> Poll<Ready>
where
    S: Service<Req> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E>,
    E: Refusal,
{
    let board = shared.board();
    let (mut wait, mut failed) = match waiting {
        Some(waiting) => (mem::take(&mut waiting.wait), mem::take(&mut waiting.failed)),
        None => (Wait::default(), Vec::from_iter(failed)),
    };
    let polled = wait.poll(cx, || changed(board), |cx| poll_once(shared, services, waiting, &mut failed, cx));
    let Poll::Ready(ready) = polled else {
        let waiting = waiting.get_or_insert_with(|| Waiting::new(board));
        (waiting.wait, waiting.failed) = (wait, failed);
        return Poll::Pending;
    };
    // Gives back the places in other endpoints' queues, and any readiness reached there meanwhile.
    let used = if let Ready::At(candidate) = &ready { Some(candidate.index) } else { None };
    let polled = waiting.take().map_or(Vec::new(), |waiting| waiting.polled);
    polled.into_iter().filter(|index| Some(*index) != used).for_each(|index| services.clear(index, shared));
    Poll::Ready(ready)
}

/// Polls each candidate once, except those whose readiness has failed already: that counts once for each request.
fn poll_once<S, Req, P, E>(
    shared: &Shared<S, P>,
    services: &mut Services<S>,
    waiting: &mut Option<Waiting>,
    failed: &mut Vec<usize>,
    cx: &mut Context<'_>,
) -> Poll<Ready>
where
    S: Service<Req> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E>,
    E: Refusal,
{
    let endpoints = &shared.board().endpoints;
    let selection = match shared.handle.select() {
        Selection::From(first) if !endpoints.iter().any(EndpointView::admits) => {
            shared.board().last_resort().map_or(Selection::From(first), Selection::Any)
        }
        selection => selection,
    };
    let (first, unconditional) = match selection {
        Selection::Refuse => return Poll::Ready(Ready::Refuse),
        Selection::Any(index) | Selection::Only(index) => (index, true),
        Selection::From(first) => (first, false),
    };
    let mut pending = false;
    for index in order(first, endpoints.len()) {
        let endpoint = &endpoints[index];
        if failed.contains(&index) || !shared.board().is_candidate(selection, index) {
            continue;
        }
        let (epoch, usable) = (endpoint.breaker.epoch(), endpoint.is_usable());
        let candidate = Candidate { index, epoch, unconditional, usable };
        match poll_ready(shared, services, candidate, cx) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ready::At(candidate)),
            Poll::Ready(Err(error)) => {
                record_unready(shared, services, candidate, &error.into());
                failed.push(index);
            }
            Poll::Pending => {
                pending = true;
                let waiting = waiting.get_or_insert_with(|| Waiting::new(shared.board()));
                waiting.note(index);
                if !waiting.poll_timed_out(cx) {
                    return Poll::Pending;
                }
            }
        }
    }
    match pending || !failed.is_empty() {
        // Every readiness failed, and `call` returns the error; or none came in time, and the call waits with its
        // request, where the total timeout and the deadline bound it.
        true => Poll::Ready(Ready::Unknown),
        false => Poll::Ready(Ready::Refuse),
    }
}

/// Polls the readiness of one endpoint. A panic is a failure of it.
#[inline]
fn poll_ready<S, Req, P>(
    shared: &Shared<S, P>,
    services: &mut Services<S>,
    candidate: Candidate,
    cx: &mut Context<'_>,
) -> Poll<Result<(), S::Error>>
where
    S: Service<Req> + Clone,
{
    let Candidate { index, epoch, .. } = candidate;
    let panicked = || evidence::record_unready(shared.board(), index, epoch, Outcome::failure(FailureKind::Unknown));
    on_panic(panicked, || services.at(index, shared).poll_ready(cx))
}

/// Records that the readiness of an endpoint failed, and replaces its service.
#[cold]
fn record_unready<S, Res, P, E>(shared: &Shared<S, P>, services: &mut Services<S>, candidate: Candidate, error: &E)
where
    S: Clone,
    P: Classify<Res, E>,
{
    let outcome = shared.policy.classify(Err(error));
    evidence::record_unready(shared.board(), candidate.index, candidate.epoch, outcome);
    services.clear(candidate.index, shared);
}

// === impl Waiting ===

impl Waiting {
    fn new(board: &Switchboard) -> Self {
        let ready_timeout = has_runtime().then(|| Box::pin(sleep(board.live.ready_timeout.load())));
        Self { ready_timeout, timed_out: false, wait: Wait::default(), polled: Vec::new(), failed: Vec::new() }
    }

    /// Notes that this endpoint was not ready.
    fn note(&mut self, index: usize) {
        if !self.polled.contains(&index) {
            self.polled.push(index);
        }
    }

    /// Whether this request has waited long enough for an endpoint that is not ready.
    fn poll_timed_out(&mut self, cx: &mut Context<'_>) -> bool {
        self.timed_out =
            self.timed_out || self.ready_timeout.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready());
        self.timed_out
    }
}

//! The start of a second attempt, and of a further one where the second could not be sent.
//!
//! A request that was not handed over has cost its endpoint nothing, so it goes on to the next endpoint that it was not
//! sent to, until there is none. The first attempt's answer is the caller's if all fail.

use std::pin::Pin;

use mainstay_core::{Contextual, Replay, RequestCopy};
use tokio::time::Instant;
use tower_service::Service;

use crate::{
    attempt::Attempt,
    attempt_clock::AttemptClock,
    history::History,
    replay_copy::{ReplayCopy, Spare},
    second_attempt::{Cause, Paid, acquire},
    second_running::{Phase, Running, Second},
    shared::Shared,
};

impl<F, S, Req, K, E> Second<F, S, Req, K, S::Response, E>
where
    K: Into<Req>,
    S: Service<Req, Future = F> + Clone,
{
    /// Starts the second attempt if nothing forbids it: the copy is intact, the deadline has not passed, and there are a
    /// target, budget and attempt quota for it.
    #[cold]
    pub(crate) fn start<P>(self: Pin<&mut Self>, shared: &Shared<S, P>, tried: usize, cause: Cause, history: &History)
    where
        P: Replay<Req, Kept = K> + Contextual<Req>,
    {
        let this = self.project();
        let Some(copy) = this.copy.as_ref() else { return };
        let is_sent_once = copy.request.is_only_if_unsent() && !cause.is_unsent();
        if is_sent_once || !may_send(shared, &copy.request, copy.deadline) {
            return;
        }
        let Some(paid) = acquire(shared.board(), &[tried], cause, history, Instant::now()) else { return };
        if copy.has_quota && !history.take_attempt() {
            return;
        }
        let Some(ReplayCopy { request, deadline, .. }) = this.copy.take() else { return };
        let spare = Spare { copy: request, deadline, tried: vec![tried] };
        history.note_sent(shared.board().id, tried);
        *this.phase = Phase::Running(Box::pin(run(shared, spare, paid, cause, history)));
    }

    /// Starts a further attempt after one that could not be sent. Its target's budget pays for it; the attempt quota has
    /// been taken. Returns whether it has started.
    #[cold]
    pub(crate) fn start_next<P>(
        self: Pin<&mut Self>,
        shared: &Shared<S, P>,
        spare: Option<Spare<K>>,
        history: &History,
    ) -> bool
    where
        P: Replay<Req, Kept = K> + Contextual<Req>,
    {
        let Some(spare) = spare.filter(|spare| may_send(shared, &spare.copy, spare.deadline)) else { return false };
        let cause = Cause::Error { throttled: false, unsent: true };
        let Some(paid) = acquire(shared.board(), &spare.tried, cause, history, Instant::now()) else { return false };
        *self.project().phase = Phase::Running(Box::pin(run(shared, spare, paid, cause, history)));
        true
    }
}

/// Whether the request is complete, and its deadline has not passed.
fn may_send<S, Req, P: Replay<Req>>(
    shared: &Shared<S, P>,
    request: &RequestCopy<P::Kept>,
    deadline: Option<Instant>,
) -> bool {
    deadline.is_none_or(|deadline| deadline > Instant::now()) && shared.policy.is_intact(request.request())
}

/// Creates the attempt. Keeps a copy of its request if there is an endpoint left that it was not sent to.
fn run<F, S, Req, P, E>(
    shared: &Shared<S, P>,
    Spare { copy, deadline, mut tried }: Spare<P::Kept>,
    (mut permit, reservation): Paid,
    cause: Cause,
    history: &History,
) -> Running<F, S, Req, P::Kept, S::Response, E>
where
    S: Service<Req, Future = F> + Clone,
    P: Replay<Req> + Contextual<Req>,
{
    let index = permit.index;
    tried.push(index);
    history.note_sent(shared.board().id, index);
    shared.board().counters.add(cause.counter());
    let has_next = tried.len() < shared.len();
    let request = copy.into_request().into();
    let copy = has_next.then(|| shared.policy.replay(&request)).flatten();
    let upload = shared.policy.upload_clock(&request).cloned();
    permit.set_upload_clock(upload.as_ref());
    let attempt = Attempt::readying(shared.clean_clone(index), request);
    let spare = copy.map(|copy| Spare { copy, deadline, tried });
    let clock = AttemptClock::started(upload);
    Running { attempt, permit: Some(permit), reservation, clock, first: None, spare }
}

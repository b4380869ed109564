//! One request: an attempt, and perhaps a second one at the next endpoint. The first success wins.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::Duration,
};

use mainstay_core::{Class, Classify, Contextual, Cost, FailureKind, Outcome, Refusal, Repeat, Replay, Reservation};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use crate::{
    router::{NEVER, counter, nanos},
    service::Core,
    tier::Ticket,
};

pin_project! {
    /// The future of a [`Failover`](crate::Failover).
    ///
    /// A call that answers at once reads no clock and arms no timer; one that waits reads the clock once, and arms the
    /// timer of the silence if a second attempt is possible.
    ///
    /// No bound stands here: with one, the compiler would have to prove it again, with lifetimes erased, wherever a
    /// task holds this future.
    pub struct FailoverFuture<F, S, Req, Res, P, E> {
        core: Arc<Core<S, P>>,
        #[pin]
        first: Attempt<S, Req, F>,
        first_ticket: Option<Ticket>,
        // When the first attempt was found to be waiting.
        waiting_since: Option<Instant>,
        #[pin]
        silence: Option<Sleep>,
        silence_over: bool,
        // The second attempt's request, while there is none.
        copy: Option<Req>,
        #[pin]
        second: Attempt<S, Req, F>,
        second_ticket: Option<Ticket>,
        reservation: Option<Reservation>,
        // The first attempt's answer, kept for when the second does no better.
        kept: Option<Result<Res, E>>,
    }

    impl<F, S, Req, Res, P, E> PinnedDrop for FailoverFuture<F, S, Req, Res, P, E> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            abandon(this.core, this.first_ticket.take(), *this.waiting_since);
        }
    }
}

pin_project! {
    #[project = AttemptProj]
    enum Attempt<S, Req, F> {
        // Not begun, or over.
        Idle,
        // A fresh clone becomes ready: the reserved one was let go, or was not this endpoint's.
        Readying { service: S, request: Option<Req> },
        // At the endpoint.
        Calling { #[pin] future: F },
    }
}

/// Why a second attempt is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    Error(Outcome),
    Silence,
}

// === impl FailoverFuture ===

impl<F, S, Req, Res, P, E> FailoverFuture<F, S, Req, Res, P, E> {
    fn new(core: Arc<Core<S, P>>, first: Attempt<S, Req, F>, ticket: Option<Ticket>, copy: Option<Req>) -> Self {
        Self {
            core,
            first,
            first_ticket: ticket,
            waiting_since: None,
            silence: None,
            silence_over: false,
            copy,
            second: Attempt::Idle,
            second_ticket: None,
            reservation: None,
            kept: None,
        }
    }

    pub(crate) fn calling(core: Arc<Core<S, P>>, ticket: Option<Ticket>, future: F, copy: Option<Req>) -> Self {
        Self::new(core, Attempt::Calling { future }, ticket, copy)
    }

    pub(crate) fn readying(core: Arc<Core<S, P>>, ticket: Ticket, service: S, request: Req, copy: Option<Req>) -> Self {
        Self::new(core, Attempt::Readying { service, request: Some(request) }, Some(ticket), copy)
    }

    pub(crate) fn refused(core: Arc<Core<S, P>>, error: E) -> Self {
        let mut future = Self::new(core, Attempt::Idle, None, None);
        future.kept = Some(Err(error));
        future
    }
}

impl<F, S, Req, P, E> Future for FailoverFuture<F, S, Req, S::Response, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E> + Replay<Req> + Contextual<Req>,
    E: Refusal,
{
    type Output = Result<S::Response, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(answer) = self.as_mut().poll_first(cx) {
            return Poll::Ready(answer);
        }
        if self.as_mut().is_silent(cx) {
            self.as_mut().begin_second(Cause::Silence);
        }
        self.poll_second(cx)
    }
}

impl<F, S, Req, P, E> FailoverFuture<F, S, Req, S::Response, P, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F> + Clone,
    S::Error: Into<E>,
    P: Classify<S::Response, E> + Replay<Req> + Contextual<Req>,
    E: Refusal,
{
    /// Ready when the first attempt's answer is the caller's.
    fn poll_first(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        let mut this = self.as_mut().project();
        if this.first.is_idle() {
            return Poll::Pending;
        }
        let result = match this.first.as_mut().poll(cx) {
            Poll::Ready(result) => result.map_err(Into::into),
            Poll::Pending => {
                this.waiting_since.get_or_insert_with(Instant::now);
                return Poll::Pending;
            }
        };
        this.first.set(Attempt::Idle);
        let outcome = this.core.policy.classify(result.as_ref());
        let index = this.first_ticket.as_ref().map(|ticket| ticket.index);
        if let Some(ticket) = this.first_ticket.take() {
            this.core.router().settle(ticket, outcome);
        }
        if outcome.is_success() {
            earn(this.core, index);
        }
        let second_runs = !this.second.is_idle();
        if second_runs && is_bad(&outcome) || self.as_mut().deserves_second(&outcome, index) {
            *self.project().kept = Some(result);
            return Poll::Pending;
        }
        Poll::Ready(result)
    }

    /// Begins a second attempt for this outcome, if it may.
    fn deserves_second(self: Pin<&mut Self>, outcome: &Outcome, index: Option<usize>) -> bool {
        let on_rejected = self.core.router().knobs.on_rejected.load(Relaxed);
        let deserves = outcome.is_failure() || (on_rejected && outcome.class() == Class::Rejected);
        deserves && outcome.repeat() != Repeat::Never && self.begin_second_after(index, Cause::Error(*outcome))
    }

    /// Whether the endpoint has been silent for too long, and nothing was done about it yet. Arms the timer when the
    /// first attempt is found to be waiting.
    fn is_silent(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        if this.copy.is_none() || *this.silence_over || this.first.is_idle() {
            return false;
        }
        if this.silence.is_none() {
            match this.core.router().knobs.silence.load(Relaxed) {
                NEVER => return false,
                silence => this.silence.set(Some(sleep(Duration::from_nanos(silence)))),
            }
        }
        // It ends once: without budget or target the request waits on, and an error may still bring its second attempt.
        *this.silence_over = this.silence.as_pin_mut().is_some_and(|silence| silence.poll(cx).is_ready());
        *this.silence_over
    }

    fn begin_second(self: Pin<&mut Self>, cause: Cause) {
        let index = self.first_ticket.as_ref().map(|ticket| ticket.index);
        self.begin_second_after(index, cause);
    }

    /// Takes what a second attempt needs: a target, room in the deadline, budget, a send, a place.
    fn begin_second_after(self: Pin<&mut Self>, index: Option<usize>, cause: Cause) -> bool {
        let mut this = self.project();
        let (core, router) = (&**this.core, this.core.router());
        let (Some(copy), Some(index)) = (this.copy.as_ref(), index) else { return false };
        let Some(target) = router.second(index).filter(|_| core.policy.is_intact(copy)) else { return false };
        let (context, now) = (core.policy.context(copy), Instant::now());
        if context.and_then(|context| context.deadline).is_some_and(|deadline| deadline <= now) {
            return false;
        }
        let cost = match cause {
            Cause::Error(Outcome::Overloaded { .. }) => Cost::Throttled,
            _ => Cost::Retry,
        };
        let Some(reservation) = router.tiers[target].budget.reserve(cost, now) else {
            router.counters.add(counter::SECOND_REFUSED);
            return false;
        };
        if context.and_then(|context| context.sends.as_ref()).is_some_and(|sends| !sends.take()) {
            return false;
        }
        let Some(ticket) = router.tiers[target].ticket(target) else { return false };
        *this.second_ticket = Some(ticket);
        *this.reservation = Some(reservation);
        let service = core.template(target);
        this.second.set(Attempt::Readying { service, request: this.copy.take() });
        router.counters.add(match cause {
            Cause::Error(_) => counter::SECOND_ON_ERROR,
            Cause::Silence => counter::SECOND_ON_SILENCE,
        });
        true
    }

    /// Ready when the second attempt decides.
    fn poll_second(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        let mut this = self.project();
        if this.second.is_idle() {
            // Neither runs: the answer was there from the beginning. Polled again after that: nothing will come.
            return if this.first.is_idle() {
                this.kept.take().map_or(Poll::Pending, Poll::Ready)
            } else {
                Poll::Pending
            };
        }
        let result = ready!(this.second.as_mut().poll_spending(cx, this.reservation)).map_err(Into::into);
        this.second.set(Attempt::Idle);
        let outcome = this.core.policy.classify(result.as_ref());
        if let Some(ticket) = this.second_ticket.take() {
            this.core.router().settle(ticket, outcome);
        }
        if is_bad(&outcome) {
            // The original answer is what the caller gets.
            this.core.policy.discard(result);
            return this.kept.take().map_or(Poll::Pending, Poll::Ready);
        }
        this.core.router().counters.add(counter::SECOND_WON);
        if let Some(kept) = this.kept.take() {
            this.core.policy.discard(kept);
        }
        // The first one was silent past all patience, and this endpoint answered.
        this.first.set(Attempt::Idle);
        if let Some(silent) = this.first_ticket.take() {
            this.core.router().settle(silent, Outcome::failure(FailureKind::Timeout));
        }
        Poll::Ready(result)
    }
}

/// A success pays for second attempts at the next endpoint.
fn earn<S, P>(core: &Core<S, P>, index: Option<usize>) {
    let router = core.router();
    if let Some(target) = index.and_then(|index| router.second(index)) {
        router.tiers[target].budget.earn();
    }
}

/// The caller went away: neutral, unless it had waited for long, or this thread panics.
fn abandon<S, P>(core: &Core<S, P>, ticket: Option<Ticket>, waiting_since: Option<Instant>) {
    let Some(ticket) = ticket else { return };
    let router = core.router();
    if std::thread::panicking() {
        return router.settle(ticket, Outcome::failure(FailureKind::Unknown));
    }
    let limit = router.knobs.abandoned_after.load(Relaxed);
    if limit != NEVER && waiting_since.is_some_and(|since| nanos(since.elapsed()) >= limit) {
        router.settle(ticket, Outcome::failure(FailureKind::Timeout));
    }
}

fn is_bad(outcome: &Outcome) -> bool {
    outcome.is_failure() || outcome.class() == Class::Rejected
}

// === impl Attempt ===

impl<S, Req, F> Attempt<S, Req, F> {
    fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }
}

impl<S, Req, F> Attempt<S, Req, F>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, S::Error>> {
        self.poll_spending(cx, &mut None)
    }

    /// Spends the reservation when the request is sent.
    fn poll_spending(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        reservation: &mut Option<Reservation>,
    ) -> Poll<Result<S::Response, S::Error>> {
        loop {
            match self.as_mut().project() {
                AttemptProj::Idle => return Poll::Pending,
                AttemptProj::Calling { future } => return future.poll(cx),
                AttemptProj::Readying { service, request } => {
                    ready!(service.poll_ready(cx))?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    let future = service.call(request);
                    if let Some(reservation) = reservation.take() {
                        reservation.spend();
                    }
                    self.set(Attempt::Calling { future });
                }
            }
        }
    }
}

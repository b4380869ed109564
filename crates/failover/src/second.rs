//! The second attempt of a request: why, whether, and the attempt itself.

use std::{
    pin::Pin,
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll, ready},
};

use mainstay_core::{Class, Cost, Outcome, Repeat, Reservation};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use crate::{
    attempt::Attempt,
    router::{Router, counter},
    tier::Ticket,
};

/// Why a second attempt is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    Error {
        throttled: bool,
    },
    Delay,
    /// The endpoint was left while the request waited for it.
    Left,
}

pin_project! {
    pub(crate) struct Second<F, S, Req, Res, E> {
        #[pin]
        attempt: Attempt<F, S, Req, E>,
        ticket: Option<Ticket>,
        // Spent when the request is sent, given back when the caller goes away before.
        reservation: Option<Reservation>,
        // The first attempt's bad answer, for when this one does no better.
        kept: Option<Result<Res, E>>,
    }
}

/// Nothing to give a caller while another attempt may do better.
pub(crate) fn is_bad(outcome: &Outcome) -> bool {
    outcome.is_failure() || outcome.class() == Class::Rejected
}

// === impl Cause ===

impl Cause {
    pub(crate) fn counter(self) -> usize {
        match self {
            Self::Error { .. } => counter::SECOND_ON_ERROR,
            Self::Delay | Self::Left => counter::SECOND_ON_DELAY,
        }
    }
}

// === impl Router ===

impl Router {
    /// Whether this outcome asks for a second attempt.
    pub(crate) fn cause(&self, outcome: &Outcome) -> Option<Cause> {
        let deserves = outcome.is_failure() || (is_bad(outcome) && self.knobs.on_rejected.load(Relaxed));
        let throttled = outcome.class() == Class::Overloaded;
        (deserves && outcome.repeat() != Repeat::Never).then_some(Cause::Error { throttled })
    }

    /// A place for a second attempt, and what pays for it.
    pub(crate) fn second_ticket(
        &self,
        tried: usize,
        cause: Cause,
        now: Instant,
    ) -> Option<(Ticket, Option<Reservation>)> {
        let index = self.second(tried)?;
        let target = &self.tiers[index];
        let cost = match cause {
            Cause::Left => return Some((target.ticket(index)?, None)),
            Cause::Error { throttled: true } => Cost::Throttled,
            Cause::Error { throttled: false } | Cause::Delay => Cost::Retry,
        };
        let reservation = target.budget.reserve(cost, now);
        if reservation.is_none() {
            self.counters.add(counter::SECOND_REFUSED);
        }
        Some((target.ticket(index)?, Some(reservation?)))
    }
}

// === impl Second ===

impl<F, S, Req, Res, E> Second<F, S, Req, Res, E> {
    pub(crate) fn new(attempt: Attempt<F, S, Req, E>, ticket: Ticket, reservation: Option<Reservation>) -> Self {
        Self { attempt, ticket: Some(ticket), reservation, kept: None }
    }

    pub(crate) fn keep(self: Pin<&mut Self>, answer: Result<Res, E>) {
        *self.project().kept = Some(answer);
    }

    pub(crate) fn kept(self: Pin<&mut Self>) -> Option<Result<Res, E>> {
        self.project().kept.take()
    }
}

impl<F, S, Req, E> Second<F, S, Req, S::Response, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F>,
    S::Error: Into<E>,
{
    /// Its answer, once.
    #[allow(clippy::type_complexity, reason = "an answer and the place it was got at")]
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(Result<S::Response, E>, Option<Ticket>)> {
        let mut this = self.project();
        let polled = this.attempt.as_mut().poll(cx);
        if (polled.is_ready() || this.attempt.is_calling())
            && let Some(reservation) = this.reservation.take()
        {
            reservation.spend();
        }
        let result = ready!(polled);
        this.attempt.set(Attempt::Over);
        Poll::Ready((result, this.ticket.take()))
    }
}

//! The second attempt of a request.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::Reservation;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{attempt::Attempt, tier::Ticket};

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

// === impl Second ===

impl<F, S, Req, Res, E> Second<F, S, Req, Res, E> {
    pub(crate) fn new(attempt: Attempt<F, S, Req, E>, ticket: Ticket, reservation: Reservation) -> Self {
        Self { attempt, ticket: Some(ticket), reservation: Some(reservation), kept: None }
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

//! One attempt at one endpoint.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    #[project = AttemptProj]
    pub(crate) enum Attempt<F, S, Req, E> {
        // The endpoint's future.
        Calling { #[pin] future: F },
        // A fresh clone, polled for readiness, where `poll_ready` reserved none at this endpoint. Boxed: rare and large.
        Readying { readying: Box<(S, Option<Req>)> },
        // The request is refused, and sent to no endpoint.
        Refused { error: Option<E> },
        // The attempt has ended, or the other attempt won.
        Over,
    }
}

// === impl Attempt ===

impl<F, S, Req, E> Attempt<F, S, Req, E> {
    pub(crate) fn readying(service: S, request: Req) -> Self {
        Self::Readying { readying: Box::new((service, Some(request))) }
    }

    pub(crate) fn refused(error: E) -> Self {
        Self::Refused { error: Some(error) }
    }

    pub(crate) fn is_calling(&self) -> bool {
        matches!(self, Self::Calling { .. })
    }
}

impl<F, S, Req, E> Attempt<F, S, Req, E>
where
    F: Future<Output = Result<S::Response, S::Error>>,
    S: Service<Req, Future = F>,
    S::Error: Into<E>,
{
    /// Polls the attempt. Returns pending, rather than panicking, when it is polled after its end.
    #[inline]
    pub(crate) fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<S::Response, E>> {
        loop {
            match self.as_mut().project() {
                AttemptProj::Calling { future } => return future.poll(cx).map_err(Into::into),
                AttemptProj::Readying { readying } => {
                    let (service, request) = &mut **readying;
                    ready!(service.poll_ready(cx)).map_err(Into::into)?;
                    let Some(request) = request.take() else { return Poll::Pending };
                    let future = service.call(request);
                    self.set(Attempt::Calling { future });
                }
                AttemptProj::Refused { error } => {
                    return error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)));
                }
                AttemptProj::Over => return Poll::Pending,
            }
        }
    }
}

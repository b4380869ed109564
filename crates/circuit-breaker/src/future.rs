//! The future of a call through a breaker.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use mainstay_core::{Classify, Contextual, ErrorType, Follow, Rejected, on_panic};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{Permit, permit::PANIC};

pin_project! {
    /// The future of [`CircuitBreaker`](crate::CircuitBreaker).
    pub struct BreakerFuture<F, P, E> {
        #[pin]
        state: State<F, P>,
        _error: PhantomData<fn() -> E>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, P> {
        // The call is in flight. The permit records its outcome in place: moving it costs more than recording.
        Calling { #[pin] future: F, permit: Permit, policy: P },
        // The breaker refused the call.
        Refused { rejected: Option<Rejected> },
    }
}

impl<F, P, E> BreakerFuture<F, P, E> {
    /// Calls the service, which is ready. A panic in `call` is a failure.
    #[inline]
    pub(crate) fn call<S, Req>(service: &mut S, request: Req, mut permit: Permit, policy: P) -> Self
    where
        S: Service<Req, Future = F>,
        P: Contextual<Req>,
    {
        if let Some(clock) = policy.upload_clock(&request) {
            permit.set_upload_clock(clock.clone());
        }
        let future = on_panic(|| permit.record_in_place(PANIC), || service.call(request));
        Self { state: State::Calling { future, permit, policy }, _error: PhantomData }
    }

    pub(crate) fn refused(rejected: Rejected) -> Self {
        Self { state: State::Refused { rejected: Some(rejected) }, _error: PhantomData }
    }
}

impl<F, P, E, Res, E0> Future for BreakerFuture<F, P, E>
where
    F: Future<Output = Result<Res, E0>>,
    E0: Into<E::Error>,
    E: ErrorType,
    P: Classify<Res, E::Error> + Follow<Res>,
{
    type Output = Result<Res, E::Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Calling { future, permit, policy } => {
                let polled = on_panic(|| permit.record_in_place(PANIC), || future.poll(cx));
                let Poll::Ready(result) = polled else {
                    permit.mark_pending();
                    return Poll::Pending;
                };
                let result = result.map_err(Into::into);
                let outcome = policy.classify(result.as_ref());
                match result {
                    // The response began well and streams: its end is the outcome.
                    Ok(response) if outcome.is_success() && policy.is_streaming(&response) => {
                        Poll::Ready(Ok(policy.follow(response, permit.take().record_on_end())))
                    }
                    result => {
                        permit.record_in_place(outcome);
                        Poll::Ready(result)
                    }
                }
            }
            StateProj::Refused { rejected } => match rejected.take() {
                Some(rejected) => Poll::Ready(Err(rejected.into())),
                // Polled after completion, which the contract forbids: stays pending rather than panic.
                None => Poll::Pending,
            },
        }
    }
}

impl<F, P, E> fmt::Debug for BreakerFuture<F, P, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Calling { .. } => "calling",
            State::Refused { .. } => "refused",
        };
        f.debug_tuple("BreakerFuture").field(&format_args!("{state}")).finish()
    }
}

//! A client's layer that writes the request context into the headers.
//!
//! A client that reads the deadline enforces it too: tonic's `Channel` ends the call at the same time as the outer total
//! timeout does. That error would count in breakers as a failure of the server, although the caller left too little time,
//! and a few impatient callers would open the breaker for all. A *timeout* of the client that comes at the deadline is
//! therefore returned one tick of the timer after it: an outer total timeout ends the call first, and the dropped call
//! counts as abandoned. Every other error is returned at once.

use std::{
    any::Any,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Request;
use mainstay_core::{BoxError, FailureKind, Outcome, RequestContext, has_runtime};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_layer::Layer;
use tower_service::Service;

use crate::{context::headers::ContextHeaders, policy::error::classify_error};
#[cfg(feature = "tonic")]
use crate::{grpc::error::GrpcError, policy::error::classify_causes};

/// A tick of tokio's timer. Two timers of the same time differ by one at most.
const TICK: Duration = Duration::from_millis(1);

/// Writes the time that is left and the number of the attempt from a request's [`RequestContext`] into its headers.
///
/// It goes innermost on a client, below retry, failover and the attempt timeout, so that each attempt sends the time that
/// is left then: until the deadline, and no longer than the attempt timeout. A shorter time that the caller wrote into the
/// field stays.
///
/// A client that reads these fields (tonic's `Channel` does) ends the call at the same time as an outer total timeout,
/// which is to fire first: the call is then abandoned and not a failure of the server. A timeout of the client that
/// comes at the deadline is returned one millisecond after it. Other errors are returned at once.
///
/// A server may apply the time to the whole stream of its response, not only to its head. Over calls whose responses last
/// longer, use neither this layer nor a `grpc-timeout`.
#[derive(Clone, Debug)]
pub struct ForwardContextLayer {
    headers: ContextHeaders,
}

/// The service of [`ForwardContextLayer`].
#[derive(Clone, Debug)]
pub struct ForwardContext<S> {
    inner: S,
    headers: ContextHeaders,
}

pin_project! {
    /// The future of [`ForwardContext`].
    pub struct ForwardContextFuture<F, E> {
        #[pin]
        future: F,
        deadline: Option<Instant>,
        held: Option<Held<E>>,
    }
}

/// An error that came at the deadline.
struct Held<E> {
    error: Option<E>,
    // Boxed, because few calls get here.
    until: Pin<Box<Sleep>>,
}

// === impl ForwardContextLayer ===

impl ForwardContextLayer {
    /// Writes these fields.
    #[must_use]
    pub const fn new(headers: ContextHeaders) -> Self {
        Self { headers }
    }
}

impl<S> Layer<S> for ForwardContextLayer {
    type Service = ForwardContext<S>;

    fn layer(&self, inner: S) -> ForwardContext<S> {
        ForwardContext { inner, headers: self.headers.clone() }
    }
}

// === impl ForwardContext ===

impl<S, B> Service<Request<B>> for ForwardContext<S>
where
    S: Service<Request<B>>,
    S::Error: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ForwardContextFuture<S::Future, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut deadline = None;
        if let Some(context) = request.extensions_mut().remove::<RequestContext>() {
            self.headers.write(request.headers_mut(), &context, Instant::now());
            deadline = context.deadline;
            context.note_use();
            request.extensions_mut().insert(context);
        }
        ForwardContextFuture::new(self.inner.call(request), deadline)
    }
}

// === impl ForwardContextFuture ===

impl<F, E> ForwardContextFuture<F, E> {
    fn new(future: F, deadline: Option<Instant>) -> Self {
        Self { future, deadline, held: None }
    }
}

impl<F, Res, E> Future for ForwardContextFuture<F, E>
where
    F: Future<Output = Result<Res, E>>,
    E: 'static,
{
    type Output = Result<Res, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let held = match this.held {
            Some(held) => held,
            None => match (ready!(this.future.poll(cx)), *this.deadline) {
                (Err(error), Some(deadline))
                    if is_timeout(&error) && Instant::now() + TICK >= deadline && has_runtime() =>
                {
                    // Never at once, however late this is polled: outer timers are polled after it.
                    let until = Box::pin(sleep_until(deadline.max(Instant::now()) + TICK));
                    this.held.insert(Held { error: Some(error), until })
                }
                (result, _) => return Poll::Ready(result),
            },
        };
        ready!(held.until.as_mut().poll(cx));
        // Polled again after completion: pending for ever rather than a panic.
        held.error.take().map_or(Poll::Pending, |error| Poll::Ready(Err(error)))
    }
}

/// Returns whether an error of a client is its own timeout.
fn is_timeout<E: 'static>(error: &E) -> bool {
    let error: &dyn Any = error;
    let outcome = error.downcast_ref::<BoxError>().map(classify_error);
    #[cfg(feature = "tonic")]
    let outcome = outcome.or_else(|| error.downcast_ref::<tonic::transport::Error>().and_then(|e| classify_causes(e)));
    #[cfg(feature = "tonic")]
    let outcome = outcome.or_else(|| error.downcast_ref::<GrpcError>().map(classify_error));
    matches!(outcome, Some(Outcome::Failure { kind: FailureKind::Timeout, .. }))
}

impl<F, E> fmt::Debug for ForwardContextFuture<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardContextFuture").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

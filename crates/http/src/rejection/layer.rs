//! The layer that turns every error of a server into a response.

use std::{
    convert::Infallible,
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::{Boxed, ErrorType, Refusal, Rejected, Typed};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    policy::{grpc::Grpc, http::Http},
    rejection::{respond::Respond, response::rejection_for_response},
};

/// Turns every rejection into its response and every other error into 504 (a timeout of the inner service, tonic's or the
/// system's) or 502, so that the service cannot fail.
///
/// It goes outermost on a server, in place of axum's `HandleErrorLayer` with a function of one's own. Unlike that layer,
/// it turns errors of the inner `poll_ready` into responses too. For gRPC: [`RejectionLayer::grpc`].
///
/// Axum takes only services that cannot fail. If it reports that `Infallible: From<Box<dyn Error + ..>>` is not
/// satisfied, this layer is missing above the one that the error points at.
///
/// ```
/// use http::{Request, Response};
/// use mainstay_core::{BoxError, Reason, Rejected};
/// use mainstay_http::RejectionLayer;
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let service = ServiceBuilder::new().layer(RejectionLayer::new()).service(service_fn(
///     |_: Request<()>| async { Err::<Response<String>, BoxError>(Rejected::new(Reason::CircuitOpen, "orders").into()) },
/// ));
/// let response = service.oneshot(Request::new(())).await?;
/// assert_eq!(response.status(), 503);
/// # Ok::<(), BoxError>(()) })?;
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RejectionLayer<P = Http, E = Boxed> {
    policy: P,
    _error: PhantomData<fn() -> E>,
}

/// The service of [`RejectionLayer`].
#[derive(Debug)]
pub struct Rejection<S, P = Http, E = Boxed> {
    inner: S,
    policy: P,
    /// The error of the inner `poll_ready`, to which the next call responds.
    failed: Option<Failed>,
    _error: PhantomData<fn() -> E>,
}

/// An error as the response needs it: the rejection, if it is one.
#[derive(Debug)]
struct Failed(Option<Rejected>);

pin_project! {
    /// The future of [`Rejection`].
    pub struct RejectionFuture<F, P, Res, E = Boxed> {
        #[pin]
        state: State<F, Res>,
        policy: P,
        _error: PhantomData<fn() -> E>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, Res> {
        /// Waits for the inner service.
        Inner { #[pin] future: F },
        /// The inner service failed in `poll_ready`.
        Failed { response: Option<Res> },
    }
}

// === impl Failed ===

impl Failed {
    fn new<E: Refusal + 'static>(error: &E) -> Self {
        match error.rejected() {
            Some(rejected) => tracing::debug!(%rejected, "request rejected"),
            // The text may be secret, and a typed error need not have one.
            None => tracing::debug!("error mapped to a generic response"),
        }
        Self(rejection_for_response(error))
    }
}

// === impl RejectionLayer ===

impl RejectionLayer {
    /// Responds as in HTTP: 503 and 429 with `Retry-After`, 504, 502.
    #[must_use]
    pub fn new() -> Self {
        Self { policy: Http::new(), _error: PhantomData }
    }
}

impl RejectionLayer<Grpc> {
    /// Responds as in gRPC: a status in the head of a response without a body. For servers, whose clients get no details;
    /// around a client's `Channel`, use `GrpcStatusLayer` (feature `tonic`).
    #[must_use]
    pub fn grpc() -> Self {
        Self { policy: Grpc::new(), _error: PhantomData }
    }
}

impl<P, E> RejectionLayer<P, E> {
    /// Replaces the policy that makes the responses.
    #[must_use]
    pub fn with_policy<P2>(self, policy: P2) -> RejectionLayer<P2, E> {
        RejectionLayer { policy, _error: PhantomData }
    }

    /// Finds rejections in a typed error, over a stack whose layers have `.with_error` too. In a `BoxError` its rejections
    /// would not be found and answered with 502.
    #[must_use]
    pub fn with_error<E2>(self) -> RejectionLayer<P, Typed<E2>> {
        RejectionLayer { policy: self.policy, _error: PhantomData }
    }
}

impl Default for RejectionLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S, P: Clone, E> Layer<S> for RejectionLayer<P, E> {
    type Service = Rejection<S, P, E>;

    fn layer(&self, inner: S) -> Self::Service {
        Rejection { inner, policy: self.policy.clone(), failed: None, _error: PhantomData }
    }
}

// === impl Rejection ===

/// A clone does not take over an error of `poll_ready`.
impl<S: Clone, P: Clone, E> Clone for Rejection<S, P, E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), policy: self.policy.clone(), failed: None, _error: PhantomData }
    }
}

impl<S, Req, P, E> Service<Req> for Rejection<S, P, E>
where
    S: Service<Req>,
    S::Error: Into<E::Error>,
    E: ErrorType<Error: 'static>,
    P: Respond<S::Response> + Clone,
{
    type Response = S::Response;
    type Error = Infallible;
    type Future = RejectionFuture<S::Future, P, S::Response, E>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.failed = ready!(self.inner.poll_ready(cx)).err().map(|error| Failed::new::<E::Error>(&error.into()));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = match self.failed.take() {
            Some(failed) => State::Failed { response: Some(self.policy.respond(failed.0.as_ref())) },
            None => State::Inner { future: self.inner.call(request) },
        };
        RejectionFuture { state, policy: self.policy.clone(), _error: PhantomData }
    }
}

// === impl RejectionFuture ===

impl<F, P, Res, SE, E> Future for RejectionFuture<F, P, Res, E>
where
    F: Future<Output = Result<Res, SE>>,
    SE: Into<E::Error>,
    E: ErrorType<Error: 'static>,
    P: Respond<Res>,
{
    type Output = Result<Res, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.state.project() {
            StateProj::Inner { future } => {
                let result = ready!(future.poll(cx)).map_err(|error| Failed::new::<E::Error>(&error.into()));
                Poll::Ready(Ok(result.unwrap_or_else(|failed| this.policy.respond(failed.0.as_ref()))))
            }
            StateProj::Failed { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                // Polled again after completion.
                None => Poll::Pending,
            },
        }
    }
}

impl<F, P, Res, E> fmt::Debug for RejectionFuture<F, P, Res, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RejectionFuture").finish_non_exhaustive()
    }
}

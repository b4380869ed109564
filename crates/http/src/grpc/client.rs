//! The layer that turns every error of a client into a `tonic::Status`.
//!
//! [`RejectionLayer::grpc`](crate::RejectionLayer::grpc) is for servers: untrusted clients read its responses, so they
//! have no details. A client's status is read by the program itself and keeps the text of the error.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use mainstay_core::BoxError;
use pin_project_lite::pin_project;
use tonic::Status;
use tower_layer::Layer;
use tower_service::Service;

use crate::grpc::tonic::error_status;

/// Turns every error of a client's stack into the `tonic::Status` that [`error_status`] makes of it.
///
/// It goes outermost on a client, around a `Channel` in its layers. Without it a generated client turns a rejection into
/// `UNKNOWN`, because it finds only tonic's own errors, and every error of `poll_ready` too, which this layer returns
/// from the call instead. A stack whose layers all have `.with_error::<GrpcError>()` does not need it.
///
/// ```
/// use http::{Request, Response};
/// use mainstay_core::{BoxError, Reason, Rejected};
/// use mainstay_http::grpc::GrpcStatusLayer;
/// use tonic::{Code, Status, body::Body};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let channel = ServiceBuilder::new().layer(GrpcStatusLayer::new()).service(service_fn(
///     |_: Request<Body>| async { Err::<Response<Body>, BoxError>(Rejected::new(Reason::CircuitOpen, "orders").into()) },
/// ));
/// let status: Status = channel.oneshot(Request::new(Body::empty())).await.unwrap_err();
/// assert_eq!((status.code(), status.message()), (Code::Unavailable, "orders: circuit open"));
/// # });
/// # Ok::<(), BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcStatusLayer(());

/// The service of [`GrpcStatusLayer`].
#[derive(Debug)]
pub struct GrpcStatus<S> {
    inner: S,
    /// The error of the inner `poll_ready`, which the next call returns.
    failed: Option<Status>,
}

pin_project! {
    /// The future of [`GrpcStatus`].
    pub struct GrpcStatusFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // Waits for the inner service.
        Inner { #[pin] future: F },
        // The inner service failed in `poll_ready`.
        Failed { status: Option<Status> },
    }
}

// === impl GrpcStatusLayer ===

impl GrpcStatusLayer {
    /// Returns the layer. It has no settings.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for GrpcStatusLayer {
    type Service = GrpcStatus<S>;

    fn layer(&self, inner: S) -> GrpcStatus<S> {
        GrpcStatus { inner, failed: None }
    }
}

// === impl GrpcStatus ===

/// A clone does not take over an error of `poll_ready`.
impl<S: Clone> Clone for GrpcStatus<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), failed: None }
    }
}

impl<S, Req> Service<Req> for GrpcStatus<S>
where
    S: Service<Req>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = Status;
    type Future = GrpcStatusFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.failed = ready!(self.inner.poll_ready(cx)).err().map(|error| error_status(error.into()));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let state = match self.failed.take() {
            Some(status) => State::Failed { status: Some(status) },
            None => State::Inner { future: self.inner.call(request) },
        };
        GrpcStatusFuture { state }
    }
}

// === impl GrpcStatusFuture ===

impl<F, Res, E> Future for GrpcStatusFuture<F>
where
    F: Future<Output = Result<Res, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Res, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProj::Inner { future } => future.poll(cx).map_err(|error| error_status(error.into())),
            // Polled again after completion: pending for ever rather than a panic.
            StateProj::Failed { status } => status.take().map_or(Poll::Pending, |status| Poll::Ready(Err(status))),
        }
    }
}

impl<F> fmt::Debug for GrpcStatusFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcStatusFuture").finish_non_exhaustive()
    }
}

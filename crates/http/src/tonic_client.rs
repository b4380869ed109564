//! A client's errors as statuses that keep their words.
//!
//! [`RejectionLayer::grpc`](crate::RejectionLayer::grpc) is for servers: strangers read what it answers, so it tells no
//! details. On a client the reader is the program itself.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use mainstay_core::{BoxError, FailureKind, Outcome, Refusal as _, causes};
use pin_project_lite::pin_project;
use tonic::{Code, Status};
use tower_layer::Layer;
use tower_service::Service;

use crate::{error::classify_causes, error_text::error_text, tonic::refused};

/// Gives every error of a client's stack as the `tonic::Status` that [`error_status`] makes of it.
///
/// It goes outermost on a client, around a `Channel` in its layers. Without it a generated client makes `UNKNOWN` of a
/// refusal, for it knows only tonic's own errors; and of every error of `poll_ready`, which this layer gives as that of
/// the call instead. A stack whose layers all have `.with_error::<GrpcError>()` can do without.
///
/// ```
/// use http::{Request, Response};
/// use mainstay_core::{BoxError, Reason, Rejected};
/// use mainstay_http::GrpcStatusLayer;
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
    /// What the inner service said when it was asked whether it is ready; the next call ends with it.
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
        // The inner service answers.
        Inner { #[pin] future: F },
        // It was not ready: the error is there.
        Failed { status: Option<Status> },
    }
}

/// An error as a client's program should read it: the server's own status where it is one; for a refusal of our layers
/// its code, its name and its `RetryInfo`; `DEADLINE_EXCEEDED` for a timeout; else what tonic makes of it, with all its
/// causes in words, and `UNAVAILABLE` where tonic does not know. The error stays the status's source.
///
/// Not for answers of a server: the words may name hosts. There it is [`grpc_status`](crate::grpc_status).
#[must_use]
pub fn error_status(error: BoxError) -> Status {
    if causes(error.as_ref()).any(|cause| cause.is::<Status>()) {
        return Status::from_error(error);
    }
    if let Some(rejected) = error.rejected() {
        return with_source(refused(rejected, rejected.to_string()), error);
    }
    let text = error_text(error.as_ref());
    let late = matches!(classify_causes(error.as_ref()), Some(Outcome::Failure { kind: FailureKind::Timeout, .. }));
    let (code, source) = match Status::try_from_error(error) {
        Ok(status) => (status.code(), status.into()),
        Err(error) => (Code::Unavailable, error),
    };
    let code = match code {
        _ if late => Code::DeadlineExceeded,
        // Of a connection that closed: nobody on this side has cancelled anything.
        Code::Cancelled => Code::Unavailable,
        code => code,
    };
    with_source(Status::new(code, text), source)
}

fn with_source(mut status: Status, source: BoxError) -> Status {
    status.set_source(Arc::from(source));
    status
}

// === impl GrpcStatusLayer ===

impl GrpcStatusLayer {
    /// The layer.
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
            // Polled again after its end: pending for ever rather than a panic.
            StateProj::Failed { status } => status.take().map_or(Poll::Pending, |status| Poll::Ready(Err(status))),
        }
    }
}

impl<F> fmt::Debug for GrpcStatusFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcStatusFuture").finish_non_exhaustive()
    }
}

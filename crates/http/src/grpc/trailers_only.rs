//! The layer that turns a response of trailers alone into a trailers-only response.
//!
//! A server that has set a header, or that runs on some libraries, answers a failure by a head without a status and
//! trailers without a message. Nothing has reached the caller, so the call may be repeated like one whose status is in
//! the head. The policies classify a call by its head.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    body::{BodyEnd, GuardBody},
    grpc::status::GRPC_STATUS,
};

/// Moves the trailers of a gRPC response without messages into its head, so that `Grpc` classifies it by its status, and
/// retry may repeat it.
///
/// It goes innermost on a client, next to the `Channel`. It waits for nothing: if the trailers have not come with the head,
/// the response is returned as it is, and its status is that of a stream.
///
/// ```
/// use http::{HeaderMap, Response};
/// use http_body_util::{BodyExt, Empty};
/// use mainstay_core::{BoxError, Classify, FailureKind, Outcome};
/// use mainstay_http::{Grpc, grpc::TrailersOnlyLayer};
/// use tower::{ServiceBuilder, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let channel = ServiceBuilder::new().layer(TrailersOnlyLayer::new()).service(service_fn(|()| async {
///     let trailers = async { Some(Ok(HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), 14.into())]))) };
///     Ok::<_, BoxError>(Response::new(Empty::<bytes::Bytes>::new().with_trailers(trailers).boxed_unsync()))
/// }));
/// let response = channel.oneshot(()).await?;
/// let outcome = Grpc::new().classify(Ok::<_, &BoxError>(&response));
/// assert_eq!(outcome, Outcome::failure(FailureKind::Unavailable));
/// # Ok::<(), BoxError>(()) })?;
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TrailersOnlyLayer(());

/// The service of [`TrailersOnlyLayer`].
#[derive(Clone, Copy, Debug)]
pub struct TrailersOnly<S> {
    inner: S,
}

pin_project! {
    /// The future of [`TrailersOnly`].
    pub struct TrailersOnlyFuture<F> {
        #[pin]
        future: F,
    }
}

/// A body whose first frame was read already.
pub struct PeekedBody<B: Body> {
    first: Option<Result<Frame<B::Data>, B::Error>>,
    /// `None` once the body has ended.
    body: Option<B>,
}

// === impl TrailersOnlyLayer ===

impl TrailersOnlyLayer {
    /// Returns the layer. It has no settings.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for TrailersOnlyLayer {
    type Service = TrailersOnly<S>;

    fn layer(&self, inner: S) -> TrailersOnly<S> {
        TrailersOnly { inner }
    }
}

// === impl TrailersOnly ===

impl<S, Req, B> Service<Req> for TrailersOnly<S>
where
    S: Service<Req, Response = Response<B>>,
    B: Body + Unpin,
{
    type Response = Response<PeekedBody<B>>;
    type Error = S::Error;
    type Future = TrailersOnlyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        TrailersOnlyFuture { future: self.inner.call(request) }
    }
}

// === impl TrailersOnlyFuture ===

impl<F, B, E> Future for TrailersOnlyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body + Unpin,
{
    type Output = Result<Response<PeekedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (mut head, mut body) = ready!(self.project().future.poll(cx))?.into_parts();
        let has_status = head.headers.contains_key(GRPC_STATUS);
        let first = match has_status || body.is_end_stream() {
            true => Poll::Pending,
            false => Pin::new(&mut body).poll_frame(cx),
        };
        let body = match first {
            Poll::Pending => PeekedBody { first: None, body: Some(body) },
            Poll::Ready(None) => PeekedBody { first: None, body: None },
            Poll::Ready(Some(Ok(frame))) => match frame.into_trailers() {
                Ok(trailers) => {
                    head.headers.extend(trailers);
                    PeekedBody { first: None, body: None }
                }
                Err(frame) => PeekedBody { first: Some(Ok(frame)), body: Some(body) },
            },
            Poll::Ready(Some(Err(error))) => PeekedBody { first: Some(Err(error)), body: Some(body) },
        };
        Poll::Ready(Ok(Response::from_parts(head, body)))
    }
}

impl<F> fmt::Debug for TrailersOnlyFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrailersOnlyFuture").finish_non_exhaustive()
    }
}

// === impl PeekedBody ===

impl<B: Body + Unpin> Body for PeekedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match (&self.first, &self.body) {
            (None, None) => SizeHint::with_exact(0),
            (None, Some(body)) => body.size_hint(),
            // A gRPC response has no length.
            (Some(_), _) => SizeHint::default(),
        }
    }
}

// Not pinned: the inner body is `Unpin` wherever this one is polled.
impl<B: Body> Unpin for PeekedBody<B> {}

impl<B: GuardBody + Unpin> GuardBody for PeekedBody<B> {
    fn guarded(mut self, guard: impl FnOnce(BodyEnd<'_>) + Send + Sync + 'static) -> Self {
        match self.body.take() {
            Some(body) => Self { first: self.first, body: Some(body.guarded(guard)) },
            None => {
                guard(BodyEnd::Complete { trailers: None });
                self
            }
        }
    }
}

impl<B: Body> fmt::Debug for PeekedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeekedBody").field("is_peeked", &self.first.is_some()).finish_non_exhaustive()
    }
}

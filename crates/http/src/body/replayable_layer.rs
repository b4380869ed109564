//! The layer that makes the bodies of requests replayable for the layers that repeat them.

use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::replayable::Replayable;

/// Makes the bodies of requests [`Replayable`] for the layers that it is put around: those that repeat requests.
///
/// Without it a streamed body is sent once, and retry never repeats: the bodies of axum and tonic are such. The layers
/// around and below have the type of body that they had, so that a client, a router or a `Channel` needs no conversion.
///
/// ```
/// # #[cfg(feature = "tonic")] {
/// use http::{Request, Response};
/// use mainstay_core::{BoxError, Replay};
/// use mainstay_http::{Grpc, Replayable, ReplayableLayer};
/// use tonic::body::Body;
/// use tower::{Layer, ServiceBuilder, ServiceExt, layer::util::Identity, service_fn};
/// # use http_body_util::Full;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// // In place of `Identity`: `RetryLayer::new("orders").with_policy(Grpc::new())`, or several layers.
/// let stack = ServiceBuilder::new()
///     .layer(ReplayableLayer::around(Identity::new()))
///     .service(service_fn(|_: Request<Body>| async { Ok::<_, BoxError>(Response::new(())) }));
/// let message = Body::new(Full::<bytes::Bytes>::from("a message"));
/// stack.oneshot(Request::post("/orders.Orders/Get").body(message)?).await?;
/// # Ok::<(), BoxError>(()) })?;
/// # }
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReplayableLayer<L> {
    layer: L,
    limit: usize,
}

/// The outer service of [`ReplayableLayer`], which makes bodies replayable.
#[derive(Clone, Copy, Debug)]
pub struct WrapBodies<S> {
    inner: S,
    limit: usize,
}

/// The inner service of [`ReplayableLayer`], which boxes replayable bodies.
#[derive(Clone, Copy, Debug)]
pub struct BoxBodies<S> {
    inner: S,
}

/// A body that can hold a replayable one: a boxed one, such as axum's and tonic's.
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` cannot hold a replayable one",
    label = "not the body of axum or tonic",
    note = "let the client take `Request<Replayable<{Self}>>`, and make requests replayable by `request.map(Replayable::new)`"
)]
pub trait HoldReplayable: Body + Sized {
    /// Returns a body of this type that sends what the replayable one does.
    fn hold(body: Replayable<Self>) -> Self;
}

// === impl ReplayableLayer ===

impl<L> ReplayableLayer<L> {
    /// Makes bodies replayable for this layer, or stack of layers. Up to 64 KiB of each body are kept.
    #[must_use]
    pub const fn around(layer: L) -> Self {
        Self { layer, limit: 64 * 1024 }
    }

    /// Sets the number of bytes of each body that are kept. A longer body is sent, but not again.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

impl<L, S> Layer<S> for ReplayableLayer<L>
where
    L: Layer<BoxBodies<S>>,
{
    type Service = WrapBodies<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        WrapBodies { inner: self.layer.layer(BoxBodies { inner }), limit: self.limit }
    }
}

// === impl WrapBodies ===

impl<S, B> Service<Request<B>> for WrapBodies<S>
where
    S: Service<Request<Replayable<B>>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.inner.call(request.map(|body| Replayable::with_limit(body, self.limit)))
    }
}

// === impl BoxBodies ===

impl<S, B> Service<Request<Replayable<B>>> for BoxBodies<S>
where
    S: Service<Request<B>>,
    B: HoldReplayable,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Replayable<B>>) -> S::Future {
        self.inner.call(request.map(B::hold))
    }
}

// === impl HoldReplayable ===

#[cfg(feature = "axum")]
impl HoldReplayable for axum::body::Body {
    fn hold(body: Replayable<Self>) -> Self {
        Self::new(body)
    }
}

#[cfg(feature = "tonic")]
impl HoldReplayable for tonic::body::Body {
    fn hold(body: Replayable<Self>) -> Self {
        Self::new(body)
    }
}

//! A server's layer that reads the request context from the headers.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use mainstay_core::{RequestContext, settings::LONGEST};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::context::headers::ContextHeaders;

/// Reads a request's deadline and attempt from its headers into its [`RequestContext`], where handlers and the layers below
/// find them.
///
/// It goes outermost on a server, and records the time of arrival too. On a client whose callers write a timeout into the
/// fields of HTTP, it goes outermost as well: the timeout then bounds all attempts together. [`with_max_timeout`](Self::with_max_timeout) bounds
/// the client's value, and is the deadline of a request without one. A context that is there already is kept, with the
/// earlier of the two deadlines. The layer does not end a request at its deadline; a timeout layer does.
#[derive(Clone, Debug)]
pub struct ReadContextLayer {
    headers: ContextHeaders,
    max_timeout: Option<Duration>,
}

/// The service of [`ReadContextLayer`].
#[derive(Clone, Debug)]
pub struct ReadContext<S> {
    inner: S,
    layer: ReadContextLayer,
}

// === impl ReadContextLayer ===

impl ReadContextLayer {
    /// Reads these fields, and accepts any time up to a year.
    #[must_use]
    pub const fn new(headers: ContextHeaders) -> Self {
        Self { headers, max_timeout: None }
    }

    /// Sets the longest time that a client can set, which is also the time of a request without one.
    #[must_use]
    pub fn with_max_timeout(mut self, timeout: Duration) -> Self {
        self.max_timeout = Some(timeout.min(LONGEST));
        self
    }

    fn read<B>(&self, request: &mut Request<B>) {
        let now = Instant::now();
        let timeout = match (self.headers.read_timeout(request.headers()), self.max_timeout) {
            (Some(timeout), Some(max)) => Some(timeout.min(max)),
            (timeout, max) => timeout.or(max),
        };
        let attempt = self.headers.read_attempt(request.headers());
        let context = request.extensions_mut().get_or_insert_default::<RequestContext>();
        context.started.get_or_insert(now);
        if context.attempt == 0 {
            context.attempt = attempt.unwrap_or_default();
        }
        if let Some(timeout) = timeout {
            *context = std::mem::take(context).with_deadline(now + timeout);
        }
    }
}

impl<S> Layer<S> for ReadContextLayer {
    type Service = ReadContext<S>;

    fn layer(&self, inner: S) -> ReadContext<S> {
        ReadContext { inner, layer: self.clone() }
    }
}

// === impl ReadContext ===

impl<S, B> Service<Request<B>> for ReadContext<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        self.layer.read(&mut request);
        self.inner.call(request)
    }
}

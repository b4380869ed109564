//! The two ends of the wire: a server's layer that takes the context from the headers, a client's that puts it there.
//!
//! The first only touches the request, so it needs no future of its own.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use http::Request;
use mainstay_core::{RequestContext, settings::LONGEST};
use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

use crate::{ContextHeaders, ForwardContextFuture};

/// Takes a request's deadline from its headers and puts it into its [`RequestContext`], where the layers below find it.
///
/// It goes outermost on a server, and notes the time of arrival too. What the client says is bounded by
/// [`with_longest`](Self::with_longest), and a request that says nothing gets that as its deadline. A context that is
/// there already is kept, with the earlier of the two deadlines. It cuts nothing off: that is a timeout's work.
#[derive(Clone, Debug)]
pub struct ReadContextLayer {
    headers: ContextHeaders,
    longest: Option<Duration>,
}

/// The service of [`ReadContextLayer`].
#[derive(Clone, Debug)]
pub struct ReadContext<S> {
    inner: S,
    layer: ReadContextLayer,
}

/// Writes the time that is left and the number of the attempt from a request's [`RequestContext`] into its headers.
///
/// It goes innermost on a client, below retry and failover, so that each attempt says what is left when it is sent.
///
/// An error that comes with the deadline itself is held back for 5 ms. A client that reads what was written here (tonic's
/// `Channel` does) ends the call at the same moment as a total timeout further out, and that one is to come first: what
/// a caller had no time for is given up, and not the server's failure.
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

// === impl ReadContextLayer ===

impl ReadContextLayer {
    /// Reads these fields, and believes any time up to a year.
    #[must_use]
    pub const fn new(headers: ContextHeaders) -> Self {
        Self { headers, longest: None }
    }

    /// The longest time that a client can ask for, and what a request gets that asks for none.
    #[must_use]
    pub fn with_longest(mut self, longest: Duration) -> Self {
        self.longest = Some(longest.min(LONGEST));
        self
    }

    fn read<B>(&self, request: &mut Request<B>) {
        let now = Instant::now();
        let asked = self.headers.read_timeout(request.headers());
        let timeout = match (asked, self.longest) {
            (Some(asked), Some(longest)) => Some(asked.min(longest)),
            (asked, longest) => asked.or(longest),
        };
        let context = request.extensions_mut().get_or_insert_default::<RequestContext>();
        context.started.get_or_insert(now);
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
            request.extensions_mut().insert(context);
        }
        ForwardContextFuture::new(self.inner.call(request), deadline)
    }
}

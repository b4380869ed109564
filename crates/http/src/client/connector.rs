//! A connector whose connections tell what was read and written.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::client::io::ClientIo;

/// Wraps a connector for hyper-util's client (`HttpConnector`, hyper-rustls's): its connections are [`ClientIo`], so that
/// an early answer to an upload is read and [stale](super::is_stale) connections are recognized.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Empty;
/// use hyper_util::{client::legacy::{Client, connect::HttpConnector}, rt::TokioExecutor};
/// use mainstay_http::client::Connector;
///
/// let client: Client<_, Empty<Bytes>> =
///     Client::builder(TokioExecutor::new()).build(Connector::new(HttpConnector::new()));
/// ```
#[derive(Clone, Debug)]
pub struct Connector<C> {
    inner: C,
    write_timeout: Option<Duration>,
}

pin_project! {
    /// The future of [`Connector`].
    pub struct Connecting<F> {
        #[pin]
        inner: F,
        write_timeout: Option<Duration>,
    }
}

// === impl Connector ===

impl<C> Connector<C> {
    /// Wraps a connector.
    pub fn new(inner: C) -> Self {
        Self { inner, write_timeout: None }
    }

    /// Lets a write fail of which the server takes nothing for this time. Off by default.
    #[must_use]
    pub fn with_write_timeout(mut self, write_timeout: Duration) -> Self {
        self.write_timeout = Some(write_timeout);
        self
    }
}

impl<C: Service<Uri>> Service<Uri> for Connector<C> {
    type Response = TokioIo<ClientIo<TokioIo<C::Response>>>;
    type Error = C::Error;
    type Future = Connecting<C::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        Connecting { inner: self.inner.call(to), write_timeout: self.write_timeout }
    }
}

// === impl Connecting ===

impl<F, T, E> Future for Connecting<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<TokioIo<ClientIo<TokioIo<T>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let io = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(TokioIo::new(ClientIo::new(TokioIo::new(io), *this.write_timeout))))
    }
}

impl<F> fmt::Debug for Connecting<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").finish_non_exhaustive()
    }
}

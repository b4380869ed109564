//! Sends a request again that met a stale connection.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use hyper_util::client::legacy;
use mainstay_core::{Replay, RequestCopy, causes};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{Http, client::connection::is_stale};

/// A client that sends a request once more, on a new connection, if its connection was [stale](is_stale).
///
/// Only requests that may be sent twice are sent again, as [`Http`] decides: a POST without a key is not, because the
/// server may have received it. Its error is classified as `Ignored`. hyper-util itself sends any request again that
/// it has not begun to write. No budget is spent: the failure says nothing about the server, and the new connection
/// cannot be stale.
///
/// The error of the client is hyper-util's, or has it among its causes.
///
/// It goes innermost, below a timeout of the attempt. It copies each request that may be sent twice: over a stack that
/// keeps copies too, a [`SharedRequest`](super::SharedRequest) makes one head serve them all.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Empty;
/// use hyper_util::{client::legacy::{Client, connect::HttpConnector}, rt::TokioExecutor};
/// use mainstay_http::client::{Connector, RepeatStale};
///
/// let mut builder = Client::builder(TokioExecutor::new());
/// let connector = Connector::new(HttpConnector::new());
/// let pooled: Client<_, Empty<Bytes>> = builder.build(connector.clone());
/// // A client without a pool opens a connection for each request.
/// let unpooled = builder.pool_max_idle_per_host(0).build(connector);
/// let client = RepeatStale::new(pooled, unpooled);
/// # let _ = client;
/// ```
#[derive(Clone, Debug)]
pub struct RepeatStale<S> {
    pooled: S,
    unpooled: S,
}

pin_project! {
    /// The future of [`RepeatStale`].
    pub struct RepeatStaleFuture<S, Req>
    where
        S: Service<Req>,
        Http: Replay<Req>,
    {
        #[pin]
        state: State<S, Req>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req>
    where
        S: Service<Req>,
        Http: Replay<Req>,
    {
        /// Waits for the pooled client. `repeat` has the other client and a copy of the request, if it may be sent twice.
        First { #[pin] call: S::Future, repeat: Option<(S, <Http as Replay<Req>>::Kept)> },
        /// Waits until the other client is ready.
        Readying { repeat: Option<(S, <Http as Replay<Req>>::Kept)> },
        /// Waits for the other client.
        Second { #[pin] call: S::Future },
    }
}

/// Whether an error is, or was caused by, one of hyper-util on a stale connection.
fn is_caused_by_stale(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.downcast_ref::<legacy::Error>().is_some_and(is_stale))
}

// === impl RepeatStale ===

impl<S> RepeatStale<S> {
    /// Creates a client that sends requests through `pooled`, and again through `unpooled`, which opens a new connection
    /// for each.
    pub fn new(pooled: S, unpooled: S) -> Self {
        Self { pooled, unpooled }
    }
}

impl<S, Req, ResB> Service<Req> for RepeatStale<S>
where
    S: Service<Req, Response = Response<ResB>, Error: Error + 'static> + Clone,
    Http: Replay<Req>,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = RepeatStaleFuture<S, Req>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.pooled.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let copy = Http::new().replay(&request).filter(|copy| !copy.is_only_if_unsent());
        let repeat = copy.map(RequestCopy::into_request).map(|copy| (self.unpooled.clone(), copy));
        RepeatStaleFuture { state: State::First { call: self.pooled.call(request), repeat } }
    }
}

// === impl RepeatStaleFuture ===

impl<S, Req, ResB> Future for RepeatStaleFuture<S, Req>
where
    S: Service<Req, Response = Response<ResB>, Error: Error + 'static>,
    Http: Replay<Req>,
{
    type Output = Result<Response<ResB>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProj::First { call, repeat } => {
                    let result = ready!(call.poll(cx));
                    let is_stale = result.as_ref().is_err_and(|error| is_caused_by_stale(error));
                    let repeat =
                        repeat.take().filter(|(_, copy)| is_stale && Replay::<Req>::is_intact(&Http::new(), copy));
                    let Some(repeat) = repeat else { return Poll::Ready(result) };
                    State::Readying { repeat: Some(repeat) }
                }
                StateProj::Readying { repeat } => {
                    // `None` if polled again after a panic of the client.
                    let Some((unpooled, _)) = repeat else { return Poll::Pending };
                    ready!(unpooled.poll_ready(cx))?;
                    let Some((mut unpooled, copy)) = repeat.take() else { return Poll::Pending };
                    State::Second { call: unpooled.call(copy.into()) }
                }
                StateProj::Second { call } => return call.poll(cx),
            };
            state.set(next);
        }
    }
}

impl<S: Service<Req>, Req> fmt::Debug for RepeatStaleFuture<S, Req>
where
    Http: Replay<Req>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepeatStaleFuture").finish_non_exhaustive()
    }
}

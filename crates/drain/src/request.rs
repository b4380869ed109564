//! The service around the application: counts each request from its head to the last byte of its response.

use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    response::Response,
    routing::future::RouteFuture,
};
use http::{
    HeaderMap, HeaderValue, Method, Request, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, RETRY_AFTER},
};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    connection_state::{ConnectionState, InFlightGuard},
    drain::Drain,
    head_size::head_size,
    request_body::RequestBody,
};

/// The length of a frame over HTTP/2 at most, as on the wire. The client has the write timeout for each: with longer ones
/// a slow client would exceed it although it reads.
const PIECE: usize = 16 * 1024;

/// The application, for one connection.
pub(crate) struct CountingService<A> {
    router: Router,
    peer: A,
    connection: Arc<ConnectionState>,
    drain: Drain,
    max_head: usize,
}

pin_project! {
    /// The response future.
    pub(crate) struct CountingFuture {
        #[pin]
        state: State,
        drain: Drain,
        version: Version,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        // The application handles the request.
        Running { #[pin] response: RouteFuture<Infallible>, guard: Option<InFlightGuard>, bodiless: bool },
        // The request arrived after the server stopped accepting.
        Refused,
        // The head of the request is too large.
        TooLarge { guard: Option<InFlightGuard> },
    }
}

pin_project! {
    /// A response body; its last byte completes the request.
    pub(crate) struct CountingBody {
        #[pin]
        body: Body,
        guard: Option<InFlightGuard>,
        // The rest of a frame, see `PIECE`.
        rest: Bytes,
        // Bytes left of `Content-Length`: hyper drops such a body without polling it for its end.
        left: Option<u64>,
    }
}

// === impl CountingService ===

impl<A> CountingService<A> {
    pub(crate) fn new(
        router: Router,
        peer: A,
        connection: Arc<ConnectionState>,
        drain: Drain,
        max_head: usize,
    ) -> Self {
        Self { router, peer, connection, drain, max_head }
    }
}

impl<A: Clone + Send + Sync + 'static> hyper::service::Service<Request<Incoming>> for CountingService<A> {
    type Response = Response<CountingBody>;
    type Error = Infallible;
    type Future = CountingFuture;

    fn call(&self, mut request: Request<Incoming>) -> CountingFuture {
        let version = request.version();
        let guard = self.connection.begin(version == Version::HTTP_2);
        let state = match guard {
            None => State::Refused,
            Some(guard) if head_size(&request) > self.max_head => State::TooLarge { guard: Some(guard) },
            Some(guard) => {
                request.extensions_mut().insert(ConnectInfo(self.peer.clone()));
                let bodiless = request.method() == Method::HEAD;
                let request = request.map(|body| RequestBody::new(body, || self.connection.open_body()));
                // A `Router` is always ready.
                let response = self.router.clone().call(request);
                State::Running { response, guard: Some(guard), bodiless }
            }
        };
        CountingFuture { state, drain: self.drain.clone(), version }
    }
}

// === impl CountingFuture ===

impl Future for CountingFuture {
    type Output = Result<Response<CountingBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut closes = this.drain.is_draining();
        let mut response = match this.state.project() {
            StateProj::Running { response, guard, bodiless } => {
                let mut response = ready!(response.poll(cx))?;
                if *bodiless && *this.version == Version::HTTP_2 {
                    response = head_only(response);
                }
                counting(response, guard.take(), *bodiless)
            }
            StateProj::Refused => counting(refusal(), None, false),
            StateProj::TooLarge { guard } => {
                // As after a head that exceeds hyper's buffer.
                closes = true;
                counting(too_large(), guard.take(), false)
            }
        };
        // HTTP/2 has GOAWAY and forbids the header; an upgrade response uses the header itself.
        let may_close = *this.version <= Version::HTTP_11 && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        if may_close && closes {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}

fn counting(response: Response, mut guard: Option<InFlightGuard>, bodiless: bool) -> Response<CountingBody> {
    let status = response.status();
    let bodiless = bodiless || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let left = length(response.headers());
    response.map(|body| {
        if bodiless || left == Some(0) || http_body::Body::is_end_stream(&body) {
            guard.as_mut().map(InFlightGuard::complete);
        }
        CountingBody { body, guard, rest: Bytes::new(), left }
    })
}

/// Removes the body of a response to `HEAD`. hyper does so over HTTP/1 only, axum only for routes that are handlers. An
/// HTTP/2 client treats such a body as a protocol error.
fn head_only(mut response: Response) -> Response {
    let body = mem::take(response.body_mut());
    // axum may have removed the body already: length 0 is then not the length of GET's body.
    if let Some(length) = http_body::Body::size_hint(&body).exact().filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    response
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The application did not see the request, so any client may send it again.
fn refusal() -> Response {
    let mut response = Response::new(Body::from("draining\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn too_large() -> Response {
    let mut response = Response::new(Body::from("the head of the request is too large\n"));
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    response
}

// === impl CountingBody ===

impl http_body::Body for CountingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let frame = match this.rest.is_empty() {
            true => this.body.as_mut().poll_frame(cx),
            false => Poll::Ready(Some(Ok(Frame::data(mem::take(this.rest))))),
        };
        if let Some(stream) = this.guard.as_ref().and_then(InFlightGuard::stream) {
            stream.polled(frame.is_ready());
        }
        let frame = match ready!(frame) {
            Some(Ok(frame)) if this.guard.as_ref().is_some_and(|guard| guard.stream().is_some()) => Some(Ok(frame
                .map_data(|mut data| {
                    *this.rest = data.split_off(data.len().min(PIECE));
                    data
                }))),
            other => other,
        };
        let complete = match &frame {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                *this.left == Some(0) || this.rest.is_empty() && this.body.is_end_stream()
            }
        };
        if complete {
            this.guard.as_mut().map(InFlightGuard::complete);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (mut size, rest) = (http_body::Body::size_hint(&self.body), self.rest.len() as u64);
        if let Some(upper) = size.upper() {
            size.set_upper(upper.saturating_add(rest));
        }
        size.set_lower(size.lower().saturating_add(rest));
        size
    }
}

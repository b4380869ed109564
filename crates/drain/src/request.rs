//! The service around the application: counts each request from its head to the last byte of its response.

use std::{
    convert::Infallible,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{Router, body::Body, extract::ConnectInfo, response::Response, routing::future::RouteFuture};
use http::{
    HeaderValue, Method, Request, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, RETRY_AFTER},
};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{
    connection_state::{ConnectionState, InFlightGuard},
    drain::Drain,
    head_size::head_size,
    request_body::RequestBody,
    response_body::CountingBody,
};

/// The length of a body up to which hyper can often discard it, from its buffer, and keep the connection.
const DISCARDED: u64 = 64 * 1024;

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
        Running {
            #[pin]
            response: RouteFuture<Infallible>,
            guard: Option<InFlightGuard>,
            bodiless: bool,
            // Whether the connection ends if the body of the request is unread at the response.
            needs_body: bool,
        },
        // The request arrived after the server stopped accepting.
        Refused,
        // The head of the request is too large.
        TooLarge { guard: Option<InFlightGuard> },
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
                let needs_body = needs_body(&request);
                let request = request.map(|body| RequestBody::new(body, || self.connection.open_body()));
                // A `Router` is always ready.
                let response = self.router.clone().call(request);
                State::Running { response, guard: Some(guard), bodiless, needs_body }
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
            StateProj::Running { response, guard, bodiless, needs_body } => {
                let mut response = ready!(response.poll(cx))?;
                // The client must not send its next request, or this one again, behind a body that is not read.
                closes |= *needs_body && guard.as_ref().is_some_and(InFlightGuard::has_unread_body);
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

/// Whether the client must be told to close if its body is not read (RFC 9112, 9.3). After `Expect: 100-continue` the
/// client may leave out the body, so that even a short one cannot be discarded.
fn needs_body(request: &Request<Incoming>) -> bool {
    let body = request.body();
    if http_body::Body::is_end_stream(body) {
        return false;
    }
    let is_long = http_body::Body::size_hint(body).exact().is_none_or(|length| length > DISCARDED);
    is_long || request.headers().contains_key(EXPECT)
}

fn counting(response: Response, guard: Option<InFlightGuard>, bodiless: bool) -> Response<CountingBody> {
    let (head, body) = response.into_parts();
    let bodiless = bodiless || head.status == StatusCode::NO_CONTENT || head.status == StatusCode::NOT_MODIFIED;
    let body = CountingBody::new(body, guard, &head.headers, bodiless);
    Response::from_parts(head, body)
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

/// The application did not see the request, so any client may send it again.
fn refusal() -> Response {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, "draining\n");
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn too_large() -> Response {
    text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the head of the request is too large\n")
}

/// Returns a response of the server itself.
fn text(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

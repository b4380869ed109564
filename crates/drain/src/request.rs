//! One request in flight: counted from its head to the last byte of its answer.

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
    drain::Drain,
    tally::{Activity, InFlight},
};

/// The application, as one connection sees it.
pub(crate) struct Counted<A> {
    router: Router,
    peer: A,
    activity: Arc<Activity>,
    drain: Drain,
}

pin_project! {
    /// The answer, on its way.
    pub(crate) struct CountedFuture {
        #[pin]
        state: State,
        drain: Drain,
        version: Version,
    }
}

pin_project! {
    #[project = StateProj]
    enum State {
        // The application works on it.
        Running { #[pin] answer: RouteFuture<Infallible>, in_flight: Option<InFlight>, bodiless: bool },
        // It came too late.
        Refused,
    }
}

pin_project! {
    /// The body of an answer, which counts as complete with its last byte.
    pub(crate) struct CountedBody {
        #[pin]
        body: Body,
        in_flight: Option<InFlight>,
        // Bytes to come, where the head says how many: hyper lets go of a body without asking for its end.
        left: Option<u64>,
    }
}

// === impl Counted ===

impl<A> Counted<A> {
    pub(crate) fn new(router: Router, peer: A, activity: Arc<Activity>, drain: Drain) -> Self {
        Self { router, peer, activity, drain }
    }
}

impl<A: Clone + Send + Sync + 'static> hyper::service::Service<Request<Incoming>> for Counted<A> {
    type Response = Response<CountedBody>;
    type Error = Infallible;
    type Future = CountedFuture;

    fn call(&self, mut request: Request<Incoming>) -> CountedFuture {
        let version = request.version();
        let in_flight = self.activity.begin(version == Version::HTTP_2);
        let state = match in_flight {
            None => State::Refused,
            Some(in_flight) => {
                request.extensions_mut().insert(ConnectInfo(self.peer.clone()));
                let bodiless = request.method() == Method::HEAD;
                // A router is always ready.
                let answer = self.router.clone().call(request);
                State::Running { answer, in_flight: Some(in_flight), bodiless }
            }
        };
        CountedFuture { state, drain: self.drain.clone(), version }
    }
}

// === impl CountedFuture ===

impl Future for CountedFuture {
    type Output = Result<Response<CountedBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.state.project() {
            StateProj::Running { answer, in_flight, bodiless } => {
                let mut response = ready!(answer.poll(cx))?;
                if *bodiless && *this.version == Version::HTTP_2 {
                    response = head_only(response);
                }
                counted(response, in_flight.take(), *bodiless)
            }
            StateProj::Refused => counted(refusal(), None, false),
        };
        // HTTP/2 says so by itself and forbids the header; an upgrade needs the header for itself.
        let may_say = *this.version <= Version::HTTP_11 && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        if may_say && this.drain.is_draining() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response))
    }
}

fn counted(response: Response, mut in_flight: Option<InFlight>, bodiless: bool) -> Response<CountedBody> {
    let status = response.status();
    let bodiless = bodiless || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let left = length(response.headers());
    response.map(|body| {
        if bodiless || left == Some(0) || http_body::Body::is_end_stream(&body) {
            in_flight.as_mut().map(InFlight::complete);
        }
        CountedBody { body, in_flight, left }
    })
}

/// An answer to `HEAD` without its body. Over HTTP/1 hyper sees to it, over HTTP/2 nobody does: axum only where a route
/// is a handler's, and to a client a body is an error there.
fn head_only(mut response: Response) -> Response {
    let body = mem::take(response.body_mut());
    // Of a body that was left out below, its length is not known here.
    if let Some(length) = http_body::Body::size_hint(&body).exact().filter(|length| *length > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(length.into());
    }
    response
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The request was not touched, so any client may send it again.
fn refusal() -> Response {
    let mut response = Response::new(Body::from("draining\n"));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

// === impl CountedBody ===

impl http_body::Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.body.as_mut().poll_frame(cx));
        let over = match &frame {
            None => true,
            Some(Err(_)) => false,
            Some(Ok(frame)) => {
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.len() as u64);
                }
                *this.left == Some(0) || this.body.is_end_stream()
            }
        };
        if over {
            this.in_flight.as_mut().map(InFlight::complete);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}

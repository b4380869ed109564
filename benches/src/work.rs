//! Inner services of the layers, and the work between two calls.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    hint::black_box,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use tower::Service;

use crate::clock;

/// Responds in the second poll, so that a timeout around it arms its timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Later;

/// The future of [`Later`].
#[derive(Debug)]
pub struct AtSecondPoll(bool);

/// Responds to HTTP requests at once, with an empty response.
#[derive(Clone, Copy, Debug, Default)]
pub struct Site;

/// Responds to HTTP requests at once, with a boxed body of a few bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page;

/// The body of a request to [`Page`]: in memory, so that every peer can copy it.
pub type Content = Full<Bytes>;

/// The boxed body of a response of [`Page`].
pub type Boxed = UnsyncBoxBody<Bytes, Infallible>;

/// The empty body of a request that can be sent twice.
pub type NoBody = http_body_util::Empty<Bytes>;

/// Returns a GET request with eight typical headers.
#[must_use]
pub fn request() -> Request<NoBody> {
    let mut request = Request::new(NoBody::new());
    let names = ["accept", "accept-encoding", "accept-language", "authorization", "cookie", "host", "user-agent"];
    for name in names.into_iter().chain(["traceparent"]) {
        request.headers_mut().insert(name, HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-01"));
    }
    request
}

/// Returns a GET request with the same eight headers, as a server receives it: path and values share one buffer.
#[must_use]
pub fn received() -> Request<Content> {
    const PATH: &str = "/orders/8e03978e-40d5-43e8-bc93-6894a57f9324?fields=lines";
    let head = request().into_parts().0;
    let mut text = PATH.to_owned();
    head.headers.values().for_each(|value| text.push_str(value.to_str().unwrap_or_default()));
    let (buffer, mut at) = (Bytes::from(text), PATH.len());
    let mut request = Request::new(Full::default());
    if let Ok(uri) = Uri::from_maybe_shared(buffer.slice(..at)) {
        *request.uri_mut() = uri;
    }
    for (name, value) in &head.headers {
        let end = at + value.len();
        if let Ok(value) = HeaderValue::from_maybe_shared(buffer.slice(at..end)) {
            request.headers_mut().insert(name, value);
        }
        at = end;
    }
    request
}

/// Returns the response of a fallback.
#[must_use]
pub fn unavailable() -> Response<Boxed> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
}

/// Runs for about `nanos` nanoseconds.
pub(crate) fn busy(nanos: u32) {
    for step in 0..nanos * steps_in_a_microsecond() / 1_000 {
        black_box(step);
    }
}

fn steps_in_a_microsecond() -> u32 {
    static STEPS: OnceLock<u32> = OnceLock::new();
    *STEPS.get_or_init(|| {
        let quickest = (0..20).map(|_| {
            let start = clock::cpu();
            (0..100_000_u32).for_each(|step| {
                black_box(step);
            });
            clock::cpu() - start
        });
        (0.1 / quickest.fold(1.0, f64::min)) as u32
    })
}

// === impl Later ===

impl Service<u64> for Later {
    type Response = u64;
    type Error = Infallible;
    type Future = AtSecondPoll;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> AtSecondPoll {
        AtSecondPoll(false)
    }
}

// === impl AtSecondPoll ===

impl Future for AtSecondPoll {
    type Output = Result<u64, Infallible>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::replace(&mut self.0, true) { Poll::Ready(Ok(1)) } else { Poll::Pending }
    }
}

// === impl Site ===

impl<B> Service<Request<B>> for Site {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        drop(request);
        ready(Ok(Response::new(())))
    }
}

// === impl Page ===

impl Service<Request<Content>> for Page {
    type Response = Response<Boxed>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Boxed>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Content>) -> Self::Future {
        drop(black_box(request));
        ready(Ok(Response::new(Full::from("{\"lines\":[]}").boxed_unsync())))
    }
}

//! The policy for `http::Request` and `http::Response`.

use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use mainstay_core::{Classify, Contextual, Degraded, Mark, Outcome, Refusal, Replay, RequestContext};

use super::Draining;
use crate::{ReplayBody, Retryable, classify_error, classify_head, is_repeatable};

/// `x-degraded`: the fallback step that made an answer.
pub const X_DEGRADED: HeaderName = HeaderName::from_static("x-degraded");

/// The policy of HTTP: for any client or server over `http::Request` and `http::Response` (hyper, axum, tower-http).
///
/// * Results are classified by status and `Retry-After` ([`classify_head`](crate::classify_head)); transport errors are
///   failures of the network. A body is [followed](mainstay_core::Follow) to its end, and one that breaks off is a failure
///   of the network too; it must be boxed for that ([`GuardBody`](crate::GuardBody)).
/// * A request is repeated if that is safe ([`is_repeatable`](crate::is_repeatable)) and its body can be sent twice
///   ([`ReplayBody`]; wrap streamed bodies in [`Replayable`](crate::Replayable)).
/// * The [`RequestContext`] travels in the request's extensions, the mark of a fallback in the response's.
///
/// ```
/// use http::{Response, StatusCode};
/// use mainstay_core::{BoxError, Classify, Outcome};
/// use mainstay_http::Http;
///
/// let busy = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).header("retry-after", "2").body(())?;
/// let outcome = Http::new().classify(Ok::<_, &BoxError>(&busy));
/// assert_eq!(outcome, Outcome::overloaded(Some(std::time::Duration::from_secs(2))));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Http {
    any_method: bool,
    degraded_header: bool,
}

// === impl Http ===

impl Http {
    /// The policy with its defaults: only what is safe is repeated, and degraded answers carry no header.
    #[must_use]
    pub const fn new() -> Self {
        Self { any_method: false, degraded_header: false }
    }

    /// Repeats requests of any method, POST included: for servers known to do nothing twice. A request that says
    /// [`Retryable::No`] is still sent once.
    #[must_use]
    pub const fn repeating_any_method(mut self) -> Self {
        self.any_method = true;
        self
    }

    /// Shows a degraded answer to the client too, as `x-degraded: <step>`. Off by default: names of steps may say more
    /// about the inside than outsiders should know.
    #[must_use]
    pub const fn with_degraded_header(mut self) -> Self {
        self.degraded_header = true;
        self
    }

    /// Drains the short bodies of responses that will be repeated, so that their HTTP/1.1 connections are used again.
    #[must_use]
    pub const fn draining(self) -> Draining<Self> {
        Draining::new(self)
    }

    pub(crate) fn may_repeat<B>(&self, request: &Request<B>) -> bool {
        let any_method = self.any_method && request.extensions().get() != Some(&Retryable::No);
        any_method || is_repeatable(request.method(), request.headers(), request.extensions())
    }

    pub(crate) fn show(&self, headers: &mut HeaderMap, degraded: &Degraded) {
        if self.degraded_header
            && let Ok(step) = HeaderValue::from_str(&degraded.step)
        {
            headers.insert(X_DEGRADED, step);
        }
    }
}

impl<B, E: Refusal + 'static> Classify<Response<B>, E> for Http {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => classify_head(response.status(), response.headers()),
            Err(error) => classify_error(error),
        }
    }
}

impl<B: ReplayBody> Replay<Request<B>> for Http {
    fn replay(&self, request: &Request<B>) -> Option<Request<B>> {
        if !self.may_repeat(request) {
            return None;
        }
        // The body first: it may say no, and the head costs two allocations.
        let mut copy = Request::new(request.body().replay()?);
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        *copy.extensions_mut() = request.extensions().clone();
        Some(copy)
    }

    fn is_intact(&self, copy: &Request<B>) -> bool {
        copy.body().is_intact()
    }
}

impl<B> Contextual<Request<B>> for Http {
    fn context<'a>(&self, request: &'a Request<B>) -> Option<&'a RequestContext> {
        request.extensions().get()
    }

    fn set_context(&self, request: &mut Request<B>, context: RequestContext) {
        match request.extensions_mut().get_mut() {
            // In place: to insert it is to box it, and every layer has something to say.
            Some(place) => *place = context,
            None => drop(request.extensions_mut().insert(context)),
        }
    }
}

impl<B> Mark<Response<B>> for Http {
    fn mark(&self, response: &mut Response<B>, degraded: &Degraded) {
        self.show(response.headers_mut(), degraded);
        response.extensions_mut().insert(degraded.clone());
    }
}

//! The policy for `reqwest::Client`.

use ::reqwest::{Body, Request, Response, ResponseBuilderExt as _};
use mainstay_core::{Classify, Contextual, Degraded, Follow, Mark, Outcome, Refusal, Replay, RequestCopy};

use crate::policy::{
    draining::Draining, error::classify_error, follow::follow_body, http::Http, idempotency::has_idempotency_key,
    status::classify_head,
};

/// The policy for reqwest, whose `Client` is a Tower service.
///
/// It differs from [`Http`] by the limits of reqwest's types. A request is repeated if its method is idempotent or it has
/// an `Idempotency-Key`, or was not sent, and if its body is not a stream. Its extensions cannot be read, so it has no
/// context: no deadline, attempt number or attempt quota reaches the layers below, and the number of attempts is that of
/// the retry layer, whatever failover adds.
///
/// The timeout of a `reqwest::Request` or of its `Client` covers the body; the layers leave it as it is.
///
/// ```
/// use mainstay_core::{BoxError, Classify, Class};
/// use mainstay_http::Reqwest;
///
/// let response = reqwest::Response::from(http::Response::builder().status(502).body("")?);
/// assert_eq!(Reqwest::new().classify(Ok::<_, &BoxError>(&response)).class(), Class::Failure);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reqwest {
    any_method: bool,
    /// Sets the header of degraded responses.
    mark: Http,
}

// === impl Reqwest ===

impl Reqwest {
    /// The policy with its defaults: a request that was sent is repeated only if it is safe, and degraded responses have
    /// no header.
    #[must_use]
    pub const fn new() -> Self {
        Self { any_method: false, mark: Http::new() }
    }

    /// Repeats requests of any method, POST included: for servers that execute no request twice.
    #[must_use]
    pub const fn repeating_any_method(mut self) -> Self {
        self.any_method = true;
        self
    }

    /// Sets `x-degraded: <step>` in the headers of degraded responses, besides the mark in their extensions.
    #[must_use]
    pub const fn with_degraded_header(mut self) -> Self {
        self.mark = self.mark.with_degraded_header();
        self
    }

    /// Reads the short bodies of responses that a layer discards, so that their HTTP/1.1 connections can be reused.
    #[must_use]
    pub const fn draining(self) -> Draining<Self> {
        Draining::new(self)
    }
}

impl<E: Refusal> Classify<Response, E> for Reqwest {
    fn classify(&self, result: Result<&Response, &E>) -> Outcome {
        match result {
            Ok(response) => classify_head(response.status(), response.headers()),
            Err(error) => classify_error(error),
        }
    }
}

impl<E: Refusal> Classify<Response, E> for Draining<Reqwest> {
    fn classify(&self, result: Result<&Response, &E>) -> Outcome {
        self.policy.classify(result)
    }

    fn discard(&self, result: Result<Response, E>) {
        if let Ok(response) = result {
            self.drain(response.version(), ::reqwest::Body::from(response));
        }
    }
}

impl Follow<Response> for Reqwest {
    fn is_streaming(&self, response: &Response) -> bool {
        response.content_length() != Some(0)
    }

    fn follow<F>(&self, response: Response, settle: F) -> Response
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        let url = response.url().clone();
        let mut response = ::http::Response::<Body>::from(response);
        // Reqwest reads the URL of a response from an extension that only its builder can make.
        if let Ok(made) = ::http::Response::builder().url(url).body(()) {
            response.extensions_mut().extend(made.into_parts().0.extensions);
        }
        follow_body(response, |_| Outcome::Success, settle).into()
    }
}

impl Replay<Request> for Reqwest {
    type Kept = Request;

    fn replay(&self, request: &Request) -> Option<RequestCopy<Request>> {
        let safe = self.any_method || request.method().is_idempotent() || has_idempotency_key(request.headers());
        request.try_clone().map(if safe { RequestCopy::new } else { RequestCopy::only_if_unsent })
    }
}

/// Reqwest's own timeout covers the body too, so the deadline is not written there: the timeout layers end a call whose head
/// does not come, and no layer bounds a body.
impl Contextual<Request> for Reqwest {}

impl Mark<Response> for Reqwest {
    fn mark(&self, response: &mut Response, degraded: &Degraded) {
        self.mark.set_degraded_header(response.headers_mut(), degraded);
        response.extensions_mut().insert(degraded.clone());
    }
}

//! The policy for `http::Request` and `http::Response`.

use ::http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use mainstay_core::{
    Classify, Contextual, Degraded, Follow, Mark, Outcome, Refusal, Replay, RequestContext, RequestCopy, UploadClock,
};

use crate::{
    body::{guard::GuardBody, replay::ReplayBody},
    policy::{
        draining::Draining, error::classify_error, follow::follow_body, idempotency::Retryable,
        kept_request::KeptRequest, status::classify_head,
    },
};

/// `x-degraded`: the fallback step that made a response.
pub const X_DEGRADED: HeaderName = HeaderName::from_static("x-degraded");

/// The policy for HTTP: for any client or server of `http::Request` and `http::Response` (hyper, axum, tower-http).
///
/// * Results are classified by status and `Retry-After` ([`classify_head`]); transport errors are failures of the
///   network. A body is [followed](Follow) to its end, and one that breaks off is a failure of the network too. It must
///   be boxed for that ([`GuardBody`]).
/// * A request is repeated if that is safe ([`is_repeatable`](crate::policy::is_repeatable)) and its body can be sent twice ([`ReplayBody`]; wrap
///   streamed bodies in [`Replayable`](crate::Replayable)). Any other request, such as a POST, is repeated only if it was
///   not sent: its connection was refused, or a layer rejected it. [`Retryable::No`] forbids that too.
/// * The [`RequestContext`] is in the request's extensions, the mark of a fallback in the response's.
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
    /// The policy with its defaults: a request that was sent is repeated only if it is safe, and degraded responses have
    /// no header.
    #[must_use]
    pub const fn new() -> Self {
        Self { any_method: false, degraded_header: false }
    }

    /// Repeats requests of any method, POST included: for servers that execute no request twice. A request with
    /// [`Retryable::No`] is still sent once.
    #[must_use]
    pub const fn repeating_any_method(mut self) -> Self {
        self.any_method = true;
        self
    }

    /// Sends `x-degraded: <step>` with degraded responses. Off by default: names of steps may reveal internals to clients.
    #[must_use]
    pub const fn with_degraded_header(mut self) -> Self {
        self.degraded_header = true;
        self
    }

    /// Reads the short bodies of responses that a layer discards, so that their HTTP/1.1 connections can be reused.
    #[must_use]
    pub const fn draining(self) -> Draining<Self> {
        Draining::new(self)
    }

    /// Whether every request that was sent may be sent again.
    pub(crate) const fn repeats_any_method(&self) -> bool {
        self.any_method
    }

    /// Sets `x-degraded`, if that is on and the step's name is a valid header value.
    pub(crate) fn set_degraded_header(&self, headers: &mut HeaderMap, degraded: &Degraded) {
        if self.degraded_header
            && let Ok(step) = HeaderValue::from_str(&degraded.step)
        {
            headers.insert(X_DEGRADED, step);
        }
    }
}

impl<B, E: Refusal> Classify<Response<B>, E> for Http {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Outcome {
        match result {
            Ok(response) => classify_head(response.status(), response.headers()),
            Err(error) => classify_error(error),
        }
    }
}

/// ```
/// use http::Response;
/// use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
/// use mainstay_core::{Follow, Outcome};
/// use mainstay_http::Http;
/// # use bytes::Bytes;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (sender, outcome) = tokio::sync::oneshot::channel();
/// let response: Response<UnsyncBoxBody<Bytes, _>> = Response::new(Full::from("hello").boxed_unsync());
/// let response = Http::new().follow(response, |outcome| {
///     let _ = sender.send(outcome);
/// });
/// response.into_body().collect().await?;
/// assert_eq!(outcome.await?, Outcome::Success);
/// # Ok::<(), mainstay_core::BoxError>(()) })?;
/// # Ok::<(), mainstay_core::BoxError>(())
/// ```
impl<B: GuardBody> Follow<Response<B>> for Http {
    fn is_streaming(&self, response: &Response<B>) -> bool {
        !response.body().is_end_stream()
    }

    fn follow<F>(&self, response: Response<B>, settle: F) -> Response<B>
    where
        F: FnOnce(Outcome) + Send + Sync + 'static,
    {
        follow_body(response, |_| Outcome::Success, settle)
    }
}

impl<B: ReplayBody> Replay<Request<B>> for Http {
    type Kept = KeptRequest<B>;

    fn replay(&self, request: &Request<B>) -> Option<RequestCopy<KeptRequest<B>>> {
        if request.extensions().get() == Some(&Retryable::No) {
            return None;
        }
        let copy = KeptRequest::of(request)?;
        let may_repeat = self.repeats_any_method() || copy.is_repeatable();
        Some(if may_repeat { RequestCopy::new(copy) } else { RequestCopy::only_if_unsent(copy) })
    }

    fn is_intact(&self, copy: &KeptRequest<B>) -> bool {
        copy.body().is_intact()
    }
}

impl<B> Contextual<Request<B>> for Http {
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, request: &'a Request<B>) -> Option<&'a RequestContext> {
        request.extensions().get()
    }

    fn set_context(&self, request: &mut Request<B>, context: RequestContext) {
        match request.extensions_mut().get_mut() {
            // In place: an insertion allocates a box, and every layer sets the context.
            Some(current) => *current = context,
            None => drop(request.extensions_mut().insert(context)),
        }
    }

    fn change_context<F>(&self, request: &mut Request<B>, change: F)
    where
        F: FnOnce(&mut RequestContext),
    {
        change(request.extensions_mut().get_or_insert_default());
    }

    fn upload_clock<'a>(&self, request: &'a Request<B>) -> Option<&'a UploadClock> {
        request.extensions().get()
    }
}

impl<B> Mark<Response<B>> for Http {
    fn mark(&self, response: &mut Response<B>, degraded: &Degraded) {
        self.set_degraded_header(response.headers_mut(), degraded);
        response.extensions_mut().insert(degraded.clone());
    }
}

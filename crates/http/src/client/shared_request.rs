//! A request whose copies share one head.

use std::{fmt, sync::Arc, time::Duration};

use http::{Request, request::Parts};
use mainstay_core::{Contextual, Replay, RequestContext, RequestCopy, UploadClock};

use crate::{Http, body::ReplayBody, policy::Retryable};

/// A request whose copies share one head: the request of a stack that may send it several times.
///
/// Retry, a second attempt of failover and [`RepeatStale`](super::RepeatStale) each keep a copy. A copy of an
/// `http::Request` copies its whole head, which with ten fields is more work than all layers of the stack together; a copy
/// of this one counts a reference. The head is copied when an attempt is sent ([`into_request`](Self::into_request)) while
/// other copies are kept, and moved if there are none. The [`RequestContext`] is a field of its own and no extension, so
/// that it needs no allocation.
///
/// Use it where the service below the stack makes the request that is sent. For layers that change heads between retry
/// and the client, `http::Request` is simpler.
///
/// ```
/// use http::{HeaderValue, Request, header::ACCEPT};
/// use mainstay_core::Replay;
/// use mainstay_http::{Http, client::SharedRequest};
///
/// let request = Request::get("/orders/7").header(ACCEPT, "application/json").body(())?;
/// let request = SharedRequest::new(request);
/// let copy = Http::new().replay(&request).expect("a GET may be sent twice").into_request();
/// let mut sent = request.into_request();
/// sent.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/html"));
/// assert_eq!(copy.head().headers[ACCEPT], "application/json");
/// # Ok::<(), http::Error>(())
/// ```
pub struct SharedRequest<B> {
    head: Arc<Parts>,
    context: Option<RequestContext>,
    body: B,
}

// === impl SharedRequest ===

impl<B> SharedRequest<B> {
    /// Wraps a request. A [`RequestContext`] in its extensions becomes that of this request.
    pub fn new(request: Request<B>) -> Self {
        let (mut head, body) = request.into_parts();
        let context = head.extensions.remove();
        Self { head: Arc::new(head), context, body }
    }

    /// Returns the head. It contains no context: the [`Http`] policy reads that.
    #[must_use]
    pub fn head(&self) -> &Parts {
        &self.head
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &B {
        &self.body
    }

    /// Returns the request, in order to send it. Copies the head if other copies of this request are left. The context is
    /// not in the extensions.
    #[must_use]
    pub fn into_request(self) -> Request<B> {
        Request::from_parts(Arc::unwrap_or_clone(self.head), self.body)
    }
}

impl<B: ReplayBody> Replay<SharedRequest<B>> for Http {
    fn replay(&self, request: &SharedRequest<B>) -> Option<RequestCopy<SharedRequest<B>>> {
        let head = &request.head;
        if head.extensions.get() == Some(&Retryable::No) {
            return None;
        }
        let body = request.body.replay()?;
        let copy = SharedRequest { head: Arc::clone(head), context: request.context.clone(), body };
        let may_repeat = self.may_repeat(&head.method, &head.headers, &head.extensions);
        Some(if may_repeat { RequestCopy::new(copy) } else { RequestCopy::only_if_unsent(copy) })
    }

    fn is_intact(&self, copy: &SharedRequest<B>) -> bool {
        copy.body.is_intact()
    }
}

impl<B> Contextual<SharedRequest<B>> for Http {
    fn carries_context(&self) -> bool {
        true
    }

    fn context<'a>(&self, request: &'a SharedRequest<B>) -> Option<&'a RequestContext> {
        request.context.as_ref()
    }

    fn set_context(&self, request: &mut SharedRequest<B>, context: RequestContext) {
        request.context = Some(context);
    }

    fn limit_attempt(&self, request: &mut SharedRequest<B>, timeout: Duration) {
        let context = request.context.get_or_insert_default();
        let shorter = context.attempt_timeout.map_or(timeout, |shorter| shorter.min(timeout));
        context.attempt_timeout = Some(shorter);
    }

    fn upload_clock<'a>(&self, request: &'a SharedRequest<B>) -> Option<&'a UploadClock> {
        request.head.extensions.get()
    }
}

impl<B: fmt::Debug> fmt::Debug for SharedRequest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRequest")
            .field("method", &self.head.method)
            .field("context", &self.context)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tokio::time::Instant;

    use super::*;

    fn shared(request: http::request::Builder) -> SharedRequest<&'static str> {
        SharedRequest::new(request.body("order").unwrap())
    }

    #[test]
    fn copies_share_the_head_until_one_is_sent() {
        let request = shared(Request::put("/7").header("a", "1"));
        let copy = Http::new().replay(&request).unwrap();
        assert!(!copy.is_only_if_unsent());
        let copy = copy.into_request();
        assert!(Arc::ptr_eq(&request.head, &copy.head));
        let mut sent = request.into_request();
        sent.headers_mut().insert("a", HeaderValue::from_static("2"));
        *sent.uri_mut() = "http://backend/7".parse().unwrap();
        let again = copy.into_request();
        assert_eq!(
            (again.uri().path(), &again.headers()["a"], *again.body()),
            ("/7", &HeaderValue::from_static("1"), "order")
        );
        assert_eq!(again.uri().host(), None);
    }

    #[test]
    fn requests_are_repeated_as_those_with_a_head_of_their_own() {
        let requests = || {
            [
                Request::get("/"),
                Request::post("/"),
                Request::post("/").header("idempotency-key", "1"),
                Request::post("/").extension(Retryable::Yes),
                Request::get("/").extension(Retryable::No),
            ]
        };
        for http in [Http::new(), Http::new().repeating_any_method()] {
            for (request, plain) in requests().into_iter().zip(requests()) {
                let plain = plain.body("order").unwrap();
                let (own, copy) = (http.replay(&plain), http.replay(&shared(request)));
                let (own, copy) = (own.map(|own| own.is_only_if_unsent()), copy.map(|copy| copy.is_only_if_unsent()));
                assert_eq!(copy, own, "{plain:?}");
            }
        }
    }

    #[test]
    fn context_is_kept_apart_from_extensions() {
        let (http, second) = (Http::new(), Duration::from_secs(1));
        let deadline = Instant::now() + second;
        let mut request = shared(Request::get("/").extension(RequestContext::new().with_deadline(deadline)));
        http.limit_attempt(&mut request, second);
        http.limit_attempt(&mut request, second * 2);
        let context = http.context(&request).unwrap();
        assert_eq!((context.deadline, context.attempt_timeout), (Some(deadline), Some(second)));
        let copy = http.replay(&request).unwrap().into_request();
        http.set_context(&mut request, RequestContext::new().with_attempt(2));
        assert_eq!(http.context(&copy).unwrap().attempt, 0);
        assert!(copy.into_request().extensions().is_empty());
        let mut bare = shared(Request::get("/"));
        http.limit_attempt(&mut bare, second);
        assert_eq!(http.context(&bare).unwrap().attempt_timeout, Some(second));
    }
}

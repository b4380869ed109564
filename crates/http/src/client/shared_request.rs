//! A request whose copies share one head.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use http::{Extensions, Method, Request, Uri};
use mainstay_core::{Contextual, Replay, RequestContext, RequestCopy, UploadClock};

use crate::{
    Http,
    body::ReplayBody,
    policy::{Retryable, packed_head::PackedHead},
};

/// A request whose copies share one head: the request of a stack that may send it several times.
///
/// Retry, a second attempt of failover and [`RepeatStale`](super::RepeatStale) each keep a copy. A copy of an
/// `http::Request` copies its whole head, which with ten fields is more work than all layers of the stack together. The
/// first copy of this request copies the text of the head once, and each further one counts a reference. The first
/// attempt is sent with the head as it came; a copy makes its head when it is sent ([`into_request`](Self::into_request)).
/// The [`RequestContext`] is a field of its own and no extension, so that it needs no allocation.
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
/// assert_eq!(copy.into_request().headers()[ACCEPT], "application/json");
/// # Ok::<(), http::Error>(())
/// ```
pub struct SharedRequest<B> {
    head: Head,
    context: Option<RequestContext>,
    body: B,
}

/// The head of a request, or of a copy.
enum Head {
    /// The head as it came, boxed because layers move the request, and the copy that its copies share.
    Own(Box<Request<()>>, OnceLock<Arc<PackedHead>>),
    Copy(Arc<PackedHead>),
}

// === impl SharedRequest ===

impl<B> SharedRequest<B> {
    /// Wraps a request. A [`RequestContext`] in its extensions becomes that of this request.
    pub fn new(request: Request<B>) -> Self {
        let (head, body) = request.into_parts();
        let mut head = Request::from_parts(head, ());
        let context = head.extensions_mut().remove();
        Self { head: Head::Own(Box::new(head), OnceLock::new()), context, body }
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &Method {
        match &self.head {
            Head::Own(head, _) => head.method(),
            Head::Copy(head) => &head.method,
        }
    }

    /// Returns the URI.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        match &self.head {
            Head::Own(head, _) => head.uri(),
            Head::Copy(head) => &head.uri,
        }
    }

    /// Returns the body.
    #[must_use]
    pub fn body(&self) -> &B {
        &self.body
    }

    /// Returns the request, in order to send it. The context is not in the extensions.
    #[must_use]
    pub fn into_request(self) -> Request<B> {
        match self.head {
            Head::Own(head, _) => (*head).map(|()| self.body),
            Head::Copy(head) => Arc::unwrap_or_clone(head).into_request(self.body),
        }
    }

    fn extensions(&self) -> &Extensions {
        match &self.head {
            Head::Own(head, _) => head.extensions(),
            Head::Copy(head) => &head.extensions,
        }
    }
}

// === impl Head ===

impl Head {
    fn packed(&self) -> &Arc<PackedHead> {
        match self {
            Self::Own(head, packed) => packed.get_or_init(|| Arc::new(PackedHead::of(head, head.extensions().clone()))),
            Self::Copy(head) => head,
        }
    }
}

impl<B: ReplayBody> Replay<SharedRequest<B>> for Http {
    type Kept = SharedRequest<B>;

    fn replay(&self, request: &SharedRequest<B>) -> Option<RequestCopy<SharedRequest<B>>> {
        if request.extensions().get() == Some(&Retryable::No) {
            return None;
        }
        // The body first: it may have no copy.
        let body = request.body.replay()?;
        let head = request.head.packed();
        let may_repeat = self.repeats_any_method() || head.is_repeatable;
        let copy = SharedRequest { head: Head::Copy(Arc::clone(head)), context: request.context.clone(), body };
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

    fn change_context<F>(&self, request: &mut SharedRequest<B>, change: F)
    where
        F: FnOnce(&mut RequestContext),
    {
        change(request.context.get_or_insert_default());
    }

    fn upload_clock<'a>(&self, request: &'a SharedRequest<B>) -> Option<&'a UploadClock> {
        request.extensions().get()
    }
}

impl<B: fmt::Debug> fmt::Debug for SharedRequest<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedRequest")
            .field("method", self.method())
            .field("path", &self.uri().path())
            .field("context", &self.context)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tokio::time::Instant;

    use std::time::Duration;

    use super::*;

    fn shared(request: http::request::Builder) -> SharedRequest<&'static str> {
        SharedRequest::new(request.body("order").unwrap())
    }

    #[test]
    fn copies_share_one_head_and_are_sent_with_it() {
        let request = shared(Request::put("/7?x").header("a", "1").header("a", "2").extension(7_u8));
        let [copy, other] = [(); 2].map(|()| Http::new().replay(&request).unwrap());
        assert!(!copy.is_only_if_unsent());
        let (copy, other) = (copy.into_request(), other.into_request());
        let third = Http::new().replay(&copy).unwrap().into_request();
        assert!([&request, &copy, &third].iter().all(|own| Arc::ptr_eq(own.head.packed(), other.head.packed())));
        let mut sent = request.into_request();
        sent.headers_mut().insert("a", HeaderValue::from_static("3"));
        *sent.uri_mut() = "http://backend/7".parse().unwrap();
        for copy in [copy, other, third] {
            assert_eq!((copy.method(), copy.uri().to_string()), (&Method::PUT, "/7?x".to_owned()));
            let sent = copy.into_request();
            assert_eq!(
                (sent.method(), sent.uri().to_string(), *sent.body()),
                (&Method::PUT, "/7?x".to_owned(), "order")
            );
            assert_eq!(sent.headers().get_all("a").iter().collect::<Vec<_>>(), ["1", "2"]);
            assert_eq!(sent.extensions().get(), Some(&7_u8));
        }
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
        http.change_context(&mut request, |context| context.limit_attempt(second));
        http.change_context(&mut request, |context| context.limit_attempt(second * 2));
        let context = http.context(&request).unwrap();
        assert_eq!((context.deadline, context.attempt_timeout), (Some(deadline), Some(second)));
        let copy = http.replay(&request).unwrap().into_request();
        http.set_context(&mut request, RequestContext::new().with_attempt(2));
        assert_eq!(http.context(&copy).unwrap().attempt, 0);
        assert!(copy.into_request().extensions().is_empty());
        let mut bare = shared(Request::get("/"));
        http.change_context(&mut bare, |context| context.limit_attempt(second));
        assert_eq!(http.context(&bare).unwrap().attempt_timeout, Some(second));
    }
}

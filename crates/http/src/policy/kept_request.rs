//! A request as a layer keeps it until it sends it again.

use http::{Extensions, Request};
use mainstay_core::RequestContext;

use crate::{body::replay::ReplayBody, policy::packed_head::PackedHead};

/// A copy of a request, smaller and cheaper to make than an `http::Request`, into which it converts.
///
/// [`Http`](crate::Http) and [`Grpc`](crate::Grpc) keep it until the request is sent again. Where several layers keep a
/// copy of each request, a `client::SharedRequest` makes one for all of them.
///
/// ```
/// use http::Request;
/// use mainstay_core::Replay;
/// use mainstay_http::Http;
///
/// let request = Request::get("/orders").header("accept", "text/html").body("")?;
/// let copy = Http::new().replay(&request).expect("a GET can be sent again").into_request();
/// let again: Request<&str> = copy.into();
/// assert_eq!((again.uri().path(), &again.headers()["accept"]), ("/orders", &"text/html".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct KeptRequest<B> {
    head: PackedHead,
    /// The context, if it is the only extension: a copy of the map of extensions is three allocations or more.
    context: Option<RequestContext>,
    body: B,
}

// === impl KeptRequest ===

impl<B: ReplayBody> KeptRequest<B> {
    /// Copies a request. Returns `None` if its body cannot be copied.
    pub(crate) fn of(request: &Request<B>) -> Option<Self> {
        // The body first: it may have no copy.
        let body = request.body().replay()?;
        let extensions = request.extensions();
        let (context, extensions) = match extensions.get::<RequestContext>() {
            Some(context) if extensions.len() == 1 => (Some(context.clone()), Extensions::new()),
            _ => (None, extensions.clone()),
        };
        Some(Self { head: PackedHead::of(request, extensions), context, body })
    }
}

impl<B> KeptRequest<B> {
    /// Returns the body.
    pub fn body(&self) -> &B {
        &self.body
    }

    /// Returns whether the request may be sent again after it was sent.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.head.is_repeatable
    }
}

impl<B> From<KeptRequest<B>> for Request<B> {
    fn from(kept: KeptRequest<B>) -> Self {
        let mut request = kept.head.into_request(kept.body);
        if let Some(context) = kept.context {
            request.extensions_mut().insert(context);
        }
        request
    }
}

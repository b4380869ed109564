//! The requests and responses that the rules read.

use std::fmt;

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use mainstay_core::Degraded;

use crate::{cache::body::KeepBody, policy::X_DEGRADED, proxy::requested_host};

/// What the rules read of a request, and what [`CacheRules::with_caller`](crate::cache::CacheRules::with_caller) names the
/// caller by.
pub struct RequestView<'a> {
    pub(super) method: &'a Method,
    /// Scheme, authority, path and query.
    pub(super) target: String,
    pub(super) headers: &'a HeaderMap,
    pub(super) extensions: Option<&'a Extensions>,
    pub(super) has_body: bool,
    /// Whether the URI has a user or a password.
    pub(super) has_user: bool,
}

/// A request that the rules can read: `http::Request`, and with feature `reqwest` `reqwest::Request`.
#[diagnostic::on_unimplemented(
    message = "the rules of HTTP cannot read `{Self}`",
    note = "they read `http::Request<B>` whose `B` is a body, and with feature `reqwest` of `mainstay-http` `reqwest::Request`"
)]
pub trait CacheRequest {
    /// Returns the parts that the rules read.
    fn view(&self) -> RequestView<'_>;
}

/// A response that can be kept: `http::Response` with a body that can ([`KeepBody`]), and with feature `reqwest`
/// `reqwest::Response`.
pub trait CacheResponse: Sized {
    /// Returns the status.
    fn status(&self) -> StatusCode;

    /// Returns the fields.
    fn headers(&self) -> &HeaderMap;

    /// Returns whether another layer made this response in place of the server, so that it is no good answer.
    fn is_degraded(&self) -> bool;

    /// Returns the target that the client has found the response at, if the client follows redirects.
    fn found_at(&self) -> Option<String>;

    /// Returns the extensions to keep, of which most belong to a connection.
    fn kept_extensions(&self) -> Extensions;

    /// Returns the response with a body that calls `complete` with its bytes if it ends well and has at most `limit`.
    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self;

    /// Makes a response of what was kept.
    fn restored(kept: Response<Bytes>) -> Self;
}

// === impl RequestView ===

impl<'a> RequestView<'a> {
    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// Returns the fields.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns an extension, such as the user that a layer above has authenticated. `None` for `reqwest::Request`, whose
    /// extensions cannot be read.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&'a T> {
        self.extensions.and_then(Extensions::get)
    }
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestView").field("method", &self.method).finish_non_exhaustive()
    }
}

impl<B: Body> CacheRequest for Request<B> {
    fn view(&self) -> RequestView<'_> {
        let (uri, headers) = (self.uri(), self.headers());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let host = requested_host(uri, headers).unwrap_or_default().to_ascii_lowercase();
        RequestView {
            method: self.method(),
            target: format!("{}://{host}{path}", uri.scheme_str().unwrap_or_default()),
            headers,
            extensions: Some(self.extensions()),
            has_body: !self.body().is_end_stream(),
            has_user: uri.authority().is_some_and(|authority| authority.as_str().contains('@')),
        }
    }
}

impl<B: KeepBody> CacheResponse for Response<B> {
    fn status(&self) -> StatusCode {
        self.status()
    }

    fn headers(&self) -> &HeaderMap {
        self.headers()
    }

    fn is_degraded(&self) -> bool {
        self.headers().contains_key(X_DEGRADED) || self.extensions().get::<Degraded>().is_some()
    }

    fn found_at(&self) -> Option<String> {
        None
    }

    fn kept_extensions(&self) -> Extensions {
        Extensions::new()
    }

    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        self.map(|body| body.collected(limit, complete))
    }

    fn restored(kept: Response<Bytes>) -> Self {
        kept.map(B::restored)
    }
}

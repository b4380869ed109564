//! The messages of reqwest.

use ::reqwest::{Body, Request, Response, ResponseBuilderExt as _, Url};
use bytes::Bytes;
use http::{Extensions, HeaderMap, StatusCode};
use mainstay_core::Degraded;

use crate::{
    cache::{
        body::KeepBody as _,
        message::{CacheRequest, CacheResponse, RequestView},
    },
    policy::X_DEGRADED,
};

impl CacheRequest for Request {
    fn view(&self) -> RequestView<'_> {
        let url = self.url();
        RequestView {
            method: self.method(),
            target: target(url),
            headers: self.headers(),
            extensions: None,
            has_body: self.body().is_some_and(|body| body.as_bytes().is_none_or(|bytes| !bytes.is_empty())),
            // The client makes an `Authorization` of it.
            has_user: !url.username().is_empty() || url.password().is_some(),
        }
    }
}

impl CacheResponse for Response {
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
        Some(target(self.url()))
    }

    fn kept_extensions(&self) -> Extensions {
        url_extension(self.url().clone())
    }

    fn collected(self, limit: u64, complete: impl FnOnce(Bytes) + Send + Sync + 'static) -> Self {
        let url = self.url().clone();
        let mut response = http::Response::<Body>::from(self).map(|body| body.collected(limit, complete));
        response.extensions_mut().extend(url_extension(url));
        response.into()
    }

    fn restored(kept: http::Response<Bytes>) -> Self {
        kept.map(Body::from).into()
    }
}

/// Returns the extension that reqwest reads the URL of a response from. Only its builder can make one.
fn url_extension(url: Url) -> Extensions {
    http::Response::builder().url(url).body(()).map(|made| made.into_parts().0.extensions).unwrap_or_default()
}

fn target(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}://{host}{port}{}{query}", url.scheme(), url.path())
}

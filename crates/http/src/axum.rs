//! At home in axum: refusals as its responses, the mark of a fallback in its handlers.

use std::{
    convert::Infallible,
    future::{Ready, ready},
};

use ::axum::{
    extract::FromRequestParts,
    response::{IntoResponseParts, Response, ResponseParts},
};
use http::{HeaderValue, request::Parts};
use mainstay_core::{BoxError, Degraded};

use crate::{Http, Respond as _, X_DEGRADED, rejection::shown};

/// An error of a stack as a response: a refusal as [`response`](crate::response) makes it, a timeout of what is
/// below as 504, everything else as 502.
#[must_use]
pub fn into_response(error: &BoxError) -> Response {
    Http::new().respond(shown(error).as_ref())
}

/// [`into_response`] in the form that axum's `HandleErrorLayer` takes.
///
/// ```
/// use axum::{Router, error_handling::HandleErrorLayer, routing::get};
/// use mainstay_http::handle_error;
/// use tower::ServiceBuilder;
///
/// let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(handle_error)).load_shed();
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(stack);
/// ```
#[allow(clippy::needless_pass_by_value, reason = "the signature that axum asks for")]
pub fn handle_error(error: BoxError) -> Ready<Response> {
    ready(into_response(&error))
}

/// The mark of a fallback, as handlers take and give it.
///
/// A handler that answers with what a dependency said passes the mark on by returning it beside the body, so that an
/// outage two servers away is not hidden: layers outside find the mark in the response's extensions, and clients read
/// `x-degraded: <step>`. Where clients should not know the names of steps, do not return it; put the [`Degraded`] into
/// the extensions by axum's `Extension`. (A fallback layer shows the header only if its policy says so:
/// [`Http::with_degraded_header`].)
///
/// As an extractor it gives the mark that a middleware left in the request's extensions. What a client says of itself
/// in its headers is not believed.
///
/// ```
/// use axum::{Router, response::IntoResponse, routing::get};
/// use mainstay_http::DegradedMark;
/// # async fn ask_the_catalogue() -> http::Response<String> { http::Response::new(String::new()) }
///
/// async fn catalogue() -> impl IntoResponse {
///     let answer = ask_the_catalogue().await;
///     (DegradedMark::of(&answer), answer.into_body())
/// }
///
/// let app: Router = Router::new().route("/catalogue", get(catalogue));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DegradedMark(pub Option<Degraded>);

// === impl DegradedMark ===

impl DegradedMark {
    /// The mark on a response: what a fallback of this process left in its extensions, or what the server that sent
    /// it says in `x-degraded`. How old the answer is only the first knows.
    #[must_use]
    pub fn of<B>(response: &http::Response<B>) -> Self {
        let told = || {
            let step = response.headers().get(X_DEGRADED)?.to_str().ok()?;
            Some(Degraded { step: step.to_owned().into(), age: None })
        };
        Self(response.extensions().get().cloned().or_else(told))
    }
}

impl<S: Sync> FromRequestParts<S> for DegradedMark {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get().cloned()))
    }
}

impl IntoResponseParts for DegradedMark {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        if let Some(degraded) = self.0 {
            // A name that no header can hold is not shown.
            if let Ok(step) = HeaderValue::from_str(&degraded.step) {
                parts.headers_mut().insert(X_DEGRADED, step);
            }
            parts.extensions_mut().insert(degraded);
        }
        Ok(parts)
    }
}

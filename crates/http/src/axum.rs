//! For axum: errors as its responses, the mark of a fallback in its handlers.

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

use crate::{
    policy::http::{Http, X_DEGRADED},
    rejection::{Respond as _, response::rejection_for_response},
};

/// Returns the response to an error of a stack: to a rejection
/// [`rejection_response`](crate::rejection::rejection_response), 504 to a timeout of the inner service, 502 to every other
/// error.
#[must_use]
pub fn error_response(error: &BoxError) -> Response {
    Http::new().respond(rejection_for_response(error).as_ref())
}

/// [`error_response`] with the signature that axum's `HandleErrorLayer` takes.
///
/// ```
/// use axum::{Router, error_handling::HandleErrorLayer, routing::get};
/// use mainstay_http::axum::handle_error;
/// use tower::ServiceBuilder;
///
/// let stack = ServiceBuilder::new().layer(HandleErrorLayer::new(handle_error)).load_shed();
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(stack);
/// ```
#[allow(clippy::needless_pass_by_value, reason = "the signature that axum requires")]
pub fn handle_error(error: BoxError) -> Ready<Response> {
    ready(error_response(&error))
}

/// The mark of a fallback in axum's handlers.
///
/// A handler that returns a dependency's response passes the mark on by returning it together with the body, so that an
/// outage two servers away stays visible: outer layers find the mark in the response's extensions, and clients read
/// `x-degraded: <step>`. To hide the names of steps from clients, put the [`Degraded`] into the extensions by axum's
/// `Extension` instead. (A fallback layer sends the header only with [`Http::with_degraded_header`].)
///
/// As an extractor it returns the mark that a middleware put into the request's extensions. The header of a request is
/// not read.
///
/// ```
/// use axum::{Router, response::IntoResponse, routing::get};
/// use mainstay_http::axum::DegradedMark;
/// # async fn fetch_catalogue() -> http::Response<String> { http::Response::new(String::new()) }
///
/// async fn catalogue() -> impl IntoResponse {
///     let response = fetch_catalogue().await;
///     (DegradedMark::of(&response), response.into_body())
/// }
///
/// let app: Router = Router::new().route("/catalogue", get(catalogue));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DegradedMark(pub Option<Degraded>);

// === impl DegradedMark ===

impl DegradedMark {
    /// Returns the mark of a response: the one that a fallback of this process put into its extensions, with the age of
    /// the response, or else the one that the server sent in `x-degraded`, without an age.
    #[must_use]
    pub fn of<B>(response: &http::Response<B>) -> Self {
        let from_header = || {
            let step = response.headers().get(X_DEGRADED)?.to_str().ok()?;
            Some(Degraded { step: step.to_owned().into(), age: None })
        };
        Self(response.extensions().get().cloned().or_else(from_header))
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
            // A name that is not a valid header value is left out.
            if let Ok(step) = HeaderValue::from_str(&degraded.step) {
                parts.headers_mut().insert(X_DEGRADED, step);
            }
            parts.extensions_mut().insert(degraded);
        }
        Ok(parts)
    }
}

//! Refusals as axum's responses.

use std::future::{Ready, ready};

use ::axum::{body::Body, response::Response};
use mainstay_core::{BoxError, Refusal as _};

use crate::{Http, Respond as _};

/// An error of a stack as a response: a refusal as [`response`](crate::response) makes it, everything else as 502.
#[must_use]
pub fn into_response(error: &BoxError) -> Response {
    Http::new().respond(error.rejected())
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
pub fn handle_error(error: BoxError) -> Ready<Response<Body>> {
    ready(into_response(&error))
}

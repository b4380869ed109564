//! An answer that contains another one, which may be degraded. The handler passes the mark on, so that the client sees
//! it.

use axum::{
    body::{Body, to_bytes},
    extract::{Extension, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use http::StatusCode;
use mainstay::http::axum::DegradedMark;
use tower::ServiceExt;

/// The prices that the middleware has put into the request.
#[derive(Clone)]
struct Prices(String);

/// `GET /basket`. It calls the route of the prices, including its breaker and its fallback.
pub(crate) fn route(prices: MethodRouter) -> MethodRouter {
    get(basket).layer(from_fn_with_state(prices, with_prices))
}

/// Puts the prices into the request, and the mark of the fallback if the prices came from there.
async fn with_prices(State(prices): State<MethodRouter>, mut request: Request, next: Next) -> Response {
    let Ok(answer) = prices.oneshot(Request::new(Body::empty())).await;
    let mark = DegradedMark::of(&answer);
    let Ok(body) = to_bytes(answer.into_body(), 64 * 1024).await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let extensions = request.extensions_mut();
    extensions.insert(Prices(String::from_utf8_lossy(&body).into_owned()));
    if let Some(degraded) = mark.0 {
        extensions.insert(degraded);
    }
    next.run(request).await
}

/// Returns the mark together with the body. The client gets it as `x-degraded`.
async fn basket(mark: DegradedMark, Extension(prices): Extension<Prices>) -> impl IntoResponse {
    let note = if mark.0.is_some() { " (prices may have changed)" } else { "" };
    (mark, format!("your basket, at {}{note}\n", prices.0))
}

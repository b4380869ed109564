//! One route with a dependency that fails: a breaker stops the calls, and a fallback answers instead.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use http::StatusCode;
use mainstay::{
    InvalidSetting,
    circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer},
    fallback::{FallbackLayer, value_from},
    http::{Http, RejectionLayer},
    timeout::TimeoutLayer,
};
use serde_json::json;
use tower::ServiceBuilder;

use crate::demo::Demo;

/// The time that one call of the dependency may take.
const ATTEMPT: Duration = Duration::from_millis(500);

/// Opens at the third failure in a row, so that this shows quickly. The default evaluates the last 100 calls.
pub(crate) fn breaker() -> BreakerSettings {
    BreakerSettings { consecutive_failures: Some(3), ..BreakerSettings::default() }
}

/// `GET /prices`, with its own layers inside of those of all routes.
pub(crate) fn route(demo: &Demo, breaker: Breaker) -> Result<MethodRouter, InvalidSetting> {
    // One policy for all layers: a 502 of the handler is a failure of the dependency, a 404 is not.
    let http = Http::new();
    let last_week = value_from(|_| Json(json!({ "apple": 30, "from": "last week" })).into_response());
    let layers = ServiceBuilder::new()
        // Axum requires layers that cannot fail. The fallback always answers, but its type does not guarantee it.
        .layer(RejectionLayer::new())
        // The client sees the name of the step that answered: `x-degraded: last-week`.
        .layer(FallbackLayer::new("prices", last_week.named("last-week")).with_policy(http.with_degraded_header()))
        .layer(CircuitBreakerLayer::with(breaker).with_policy(http))
        // Innermost, so that the breaker counts a timeout as a failure.
        .layer(TimeoutLayer::attempt("prices", ATTEMPT)?);
    Ok(get(prices).with_state(demo.clone()).layer(layers))
}

/// Calls the dependency once. The layers handle failures.
async fn prices(State(demo): State<Demo>) -> Response {
    match demo.price_of_an_apple().await {
        Ok(cents) => Json(json!({ "apple": cents, "from": "today" })).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

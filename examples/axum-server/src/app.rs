//! All routes: the limits over them, and what stays outside of the limits.

use std::time::Duration;

use axum::{Router, error_handling::HandleErrorLayer, extract::Path, routing::get};
use mainstay::{
    InvalidSetting,
    bulkhead::{BulkheadLayer, Limit},
    circuit_breaker::Breaker,
    drain::Drain,
    health::Health,
    http::{Http, axum::handle_error},
    timeout::TimeoutLayer,
};
use tower::ServiceBuilder;

use crate::{basket, demo::Demo, prices};

/// Requests in flight. Small enough to be filled by hand; yours is what memory and the slowest dependency allow.
const ENTRANCE: u32 = 4;
/// How long a client waits at most for the head of its answer.
const TOTAL: Duration = Duration::from_secs(2);

/// The server.
///
/// # Errors
/// A setting out of its range.
pub(crate) fn app(drain: &Drain) -> Result<Router, InvalidSetting> {
    let demo = Demo::default();
    // Handles are made first and outlive the stacks: health reads them.
    let (entrance, breaker) = (Limit::new("entrance", ENTRANCE)?, Breaker::with_settings("prices", prices::breaker())?);
    let health = Health::builder()
        .component("entrance", entrance.subscribe())
        .component("prices", breaker.subscribe())
        .drain(drain)
        .show_details()
        .build()?;

    let prices = prices::route(&demo, breaker)?;
    let limited = Router::new()
        .route("/", get(|| async { "hello\n" }))
        .route("/wait/{ms}", get(wait))
        .route("/prices", prices.clone())
        .route("/basket", basket::route(prices))
        // Axum calls `layer` once for each route. The handle is in the layer, so all routes share one limit.
        .layer(
            ServiceBuilder::new()
                // Makes responses of what the layers below refuse: 503 and 504 with Retry-After. `RejectionLayer` does
                // the same for any Tower server.
                .layer(HandleErrorLayer::new(handle_error))
                // By the policy a permit is kept until the answer's body has ended.
                .layer(BulkheadLayer::with(entrance).with_policy(Http::new()))
                // And it tells the layers below by when the client must have its answer.
                .layer(TimeoutLayer::total("entrance", TOTAL)?.with_policy(Http::new())),
        );
    // Merged last, so that no layer stands before it: a probe that a full entrance refuses would restart a process
    // that is merely busy.
    Ok(limited.merge(demo.router()).merge(health.router()))
}

/// Takes as long as it is told to.
async fn wait(Path(ms): Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "done\n"
}

//! All routes: those under the limits, and those outside of them.

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

/// The limit of requests in flight. Small, so that it can be filled by hand. In production it depends on memory and on
/// the slowest dependency.
const ENTRANCE: u32 = 4;
/// The longest time that a client waits for the head of its answer.
const TOTAL: Duration = Duration::from_secs(2);

/// Builds the router.
///
/// # Errors
/// A setting is out of its range.
pub(crate) fn app(drain: &Drain) -> Result<Router, InvalidSetting> {
    let demo = Demo::default();
    // The handles are created first, because the health endpoints read them.
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
                // Turns refusals of the layers below into responses: 503 and 504 with Retry-After. `RejectionLayer` does
                // the same in any Tower server.
                .layer(HandleErrorLayer::new(handle_error))
                // With this policy a request holds its permit until the body of its answer has ended.
                .layer(BulkheadLayer::with(entrance).with_policy(Http::new()))
                // Sets the deadline of the request, which the layers below read.
                .layer(TimeoutLayer::total("entrance", TOTAL)?.with_policy(Http::new())),
        );
    // Health endpoints are merged outside of the limit: if a full bulkhead refused liveness probes, Kubernetes would
    // restart a process that is only busy.
    Ok(limited.merge(demo.router()).merge(health.router()))
}

/// Answers after the time in the path.
async fn wait(Path(ms): Path<u64>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    "done\n"
}

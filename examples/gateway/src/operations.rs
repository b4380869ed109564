//! What operators look at: `/status.json` and `/metrics`, both from snapshots, without touching a request.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstay_bulkhead::Limit;
use mainstay_drain::Drain;
use mainstay_failover::stack::{EndpointHandles, StandardHandles};
use mainstay_health::Health;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    metrics::{self, CONTENT_TYPE as METRICS},
    settings::Environment,
};

/// The handle of everything that has one.
#[derive(Debug)]
pub(crate) struct Handles {
    pub(crate) environment: Environment,
    pub(crate) started: Instant,
    pub(crate) health: Health,
    pub(crate) drain: Drain,
    pub(crate) entrance: Limit,
    pub(crate) stack: StandardHandles,
}

/// The two routes. They say how the gateway is inside: keep them from the public where that matters.
pub(crate) fn router(handles: Handles) -> Router {
    let routes = Router::new().route("/status.json", get(status)).route("/metrics", get(metrics));
    routes.with_state(Arc::new(handles))
}

async fn status(State(handles): State<Arc<Handles>>) -> Response {
    let Handles { environment, started, health, drain, entrance, stack } = &*handles;
    let failover = stack.failover.snapshot();
    let mut status = json!({
        "summary": failover.to_string(),
        "gateway": {
            "version": env!("CARGO_PKG_VERSION"),
            "environment": environment.as_str(),
            "uptime_seconds": started.elapsed().as_secs(),
            "phase": drain.phase().to_string(),
        },
        "health": health.snapshot(),
        "entrance": entrance.snapshot(),
        "total_timeout": stack.total.snapshot(),
        "retry": stack.retry.snapshot(),
        "failover": failover,
        "endpoints": stack.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
    });
    if *environment == Environment::Production {
        remove_details(&mut status);
    }
    // With line breaks: it is read by people too, and `grep` finds what they look for.
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], format!("{status:#}\n")).into_response()
}

fn endpoint(endpoint: &EndpointHandles) -> Value {
    json!({
        "name": endpoint.name,
        "bulkhead": endpoint.limit.snapshot(),
        "attempt_timeout": endpoint.attempt.snapshot(),
    })
}

/// Addresses, and the error texts of backends, are not for everybody.
fn remove_details(status: &mut Value) {
    match status {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "url" | "outcome"));
            fields.values_mut().for_each(remove_details);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_details),
        _ => {}
    }
}

async fn metrics(State(handles): State<Arc<Handles>>) -> Response {
    ([(CONTENT_TYPE, METRICS), (CACHE_CONTROL, "no-store")], metrics::text(&handles)).into_response()
}

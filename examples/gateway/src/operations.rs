//! `/status.json` and `/metrics`. Both read snapshots of the handles; requests are not involved.

use std::{cmp::Reverse, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use mainstay_failover::stack::EndpointHandles;
use mainstay_health::Health;
use serde_json::{Value, json};

use crate::{
    handles::Handles,
    metrics::{self, CONTENT_TYPE as PROMETHEUS},
    settings::Environment,
};

const STATUS: &str = "/status.json";
const METRICS: &str = "/metrics";

/// Whether the gateway answers a path itself, so that it cannot be forwarded.
pub(crate) fn is_own_path(path: &str) -> bool {
    path == STATUS || path == METRICS || Health::PATHS.contains(&path)
}

/// The two routes. They show internals of the gateway: do not route them from the public internet.
pub(crate) fn router(handles: Handles) -> Router {
    let routes = Router::new().route(STATUS, get(status)).route(METRICS, get(metrics));
    routes.with_state(Arc::new(handles))
}

async fn status(State(handles): State<Arc<Handles>>) -> Response {
    let Handles { environment, started, health, drain, entrance, connections, stack, .. } = &*handles;
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
        "connections": connections.snapshot(),
        "total_timeout": stack.total.snapshot(),
        "retry": stack.retry.snapshot(),
        "failover": &failover,
        "endpoints": stack.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
    });
    if *environment == Environment::Production {
        let named = failover.endpoints.iter().filter_map(|endpoint| Some((endpoint.url.as_deref()?, &*endpoint.name)));
        let mut named: Vec<_> = named.collect();
        // An address may be the start of another one.
        named.sort_by_key(|(url, _)| Reverse(url.len()));
        remove_details(&mut status, &named);
    }
    // With line breaks, for people and for `grep`.
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], format!("{status:#}\n")).into_response()
}

fn endpoint(endpoint: &EndpointHandles) -> Value {
    json!({
        "name": endpoint.name,
        "bulkhead": endpoint.limit.snapshot(),
        "attempt_timeout": endpoint.attempt.snapshot(),
    })
}

/// Removes the addresses of backends and what their probes have found, which only operators should see. In texts, the name
/// of the endpoint takes the place of its address.
fn remove_details(status: &mut Value, endpoints: &[(&str, &str)]) {
    match status {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "url" | "probe_url" | "outcome"));
            fields.values_mut().for_each(|value| remove_details(value, endpoints));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove_details(item, endpoints)),
        Value::String(text) => {
            for (url, name) in endpoints {
                if text.contains(url) {
                    *text = text.replace(url, name);
                }
            }
        }
        _ => {}
    }
}

async fn metrics(State(handles): State<Arc<Handles>>) -> Response {
    ([(CONTENT_TYPE, PROMETHEUS), (CACHE_CONTROL, "no-store")], metrics::text(&handles)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_by_names_in_production() {
        let mut status = json!({
            "summary": "b: no cover for a: 2 probes failed in a row: unhealthy: status 404 (http://x-2/api/healthz)",
            "url": "http://x",
            "endpoints": [{ "probe_url": "http://x/healthz", "outcome": "ok", "cause": "unhealthy (http://x/healthz)" }],
        });
        remove_details(&mut status, &[("http://x-2", "b"), ("http://x", "a")]);
        let expected = json!({
            "summary": "b: no cover for a: 2 probes failed in a row: unhealthy: status 404 (b/api/healthz)",
            "endpoints": [{ "cause": "unhealthy (a/healthz)" }],
        });
        assert_eq!(status, expected);
    }
}

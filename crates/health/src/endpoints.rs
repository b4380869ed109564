//! The registry over HTTP: an axum `Router` that only reads snapshots.

mod report;

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{MethodRouter, get},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE},
};
use mainstay_core::Level;

use crate::{health::Health, view::Scope};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The type of draft-inadarei-api-health-check.
const HEALTH_JSON: &str = "application/health+json";

struct Endpoint {
    path: &'static str,
    handler: fn() -> MethodRouter<Health>,
    /// Serves `{path}/{group}`.
    group_handler: Option<fn() -> MethodRouter<Health>>,
}

/// All endpoints. [`Health::router`] and [`Health::PATHS`] are derived from this table: add an endpoint here, and to the
/// documentation of `router`.
const ENDPOINTS: [Endpoint; 4] = [
    Endpoint { path: "/healthz", handler: || get(healthz), group_handler: Some(|| get(group_healthz)) },
    Endpoint { path: "/ready", handler: || get(ready), group_handler: Some(|| get(group_ready)) },
    Endpoint { path: "/live", handler: || get(live), group_handler: None },
    Endpoint { path: "/startup", handler: || get(startup), group_handler: None },
];

// === impl Health ===

impl Health {
    /// The path of each endpoint of [`router`](Self::router). Groups are served one segment below.
    pub const PATHS: &'static [&'static str] = &{
        let mut paths = [""; ENDPOINTS.len()];
        let mut index = 0;
        while index < ENDPOINTS.len() {
            paths[index] = ENDPOINTS[index].path;
            index += 1;
        }
        paths
    };

    /// Returns the endpoints, to merge into or nest under the application's router. They read snapshots and run no check.
    ///
    /// | path | response | for |
    /// |---|---|---|
    /// | `/healthz` | `{"status","timestamp","checks"}`; 200 while ok or degraded, else 503 | people, dashboards |
    /// | `/ready` | `{"ready":true}`, or 503 with the reason: critical checks, startup and draining only | load balancers |
    /// | `/live` | `{"alive":true}`; 503 only after [`declare_dead`](Self::declare_dead) | Kubernetes liveness probes |
    /// | `/startup` | 503 until every critical check passed once, then always 200 | Kubernetes startup probes |
    ///
    /// `/healthz/{group}` and `/ready/{group}` show one group. Methods are GET and HEAD; any other is 405. Responses carry
    /// `Cache-Control: no-store`. A client that accepts `application/health+json` gets `/healthz` in that form.
    ///
    /// Keep them outside authentication, limits, timeouts and the failover: `Router::layer` wraps the routes that were
    /// added before it, so merge this router after the last layer. Otherwise a full bulkhead refuses a liveness probe,
    /// and the orchestrator restarts a process that is only busy.
    #[must_use = "a router does nothing until it is merged, nested or served"]
    pub fn router(&self) -> Router {
        let mut router = Router::new();
        for Endpoint { path, handler, group_handler } in ENDPOINTS {
            router = router.route(path, read_only(handler()));
            if let Some(handler) = group_handler {
                router = router.route(&format!("{path}/{{group}}"), read_only(handler()));
            }
        }
        router.with_state(self.clone())
    }
}

async fn healthz(State(health): State<Health>, headers: HeaderMap) -> Response {
    report(&health, Scope::All, &headers)
}

async fn group_healthz(State(health): State<Health>, Path(group): Path<String>, headers: HeaderMap) -> Response {
    match health.scope(&group) {
        Some(scope) => report(&health, scope, &headers),
        None => unknown_group(),
    }
}

async fn ready(State(health): State<Health>, headers: HeaderMap) -> Response {
    readiness(&health, Scope::All, &headers)
}

async fn group_ready(State(health): State<Health>, Path(group): Path<String>, headers: HeaderMap) -> Response {
    match health.scope(&group) {
        Some(scope) => readiness(&health, scope, &headers),
        None => unknown_group(),
    }
}

/// Reads one atomic and takes no lock, so that liveness does not depend on anything that can be stuck.
async fn live(State(health): State<Health>) -> Response {
    match health.is_alive() {
        true => answer(StatusCode::OK, JSON, r#"{"alive":true}"#),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, JSON, r#"{"alive":false}"#),
    }
}

async fn startup(State(health): State<Health>) -> Response {
    match health.is_started() {
        true => answer(StatusCode::OK, JSON, r#"{"started":true}"#),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, JSON, r#"{"started":false}"#),
    }
}

fn report(health: &Health, scope: Scope<'_>, headers: &HeaderMap) -> Response {
    let view = health.view(effective_scope(health, scope, headers));
    let (level, checks) = (view.level(), view.checks());
    drop(view);
    let details = health.registry().endpoints.show_details;
    let (content_type, body) = match accepts_health_json(headers) {
        true => (HeaderValue::from_static(HEALTH_JSON), report::health_json(level, &checks, details)),
        false => (JSON, report::plain(level, &checks, details)),
    };
    let status = match level {
        Level::Healthy | Level::Degraded => StatusCode::OK,
        Level::Unhealthy | Level::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer(status, content_type, body)
}

fn readiness(health: &Health, scope: Scope<'_>, headers: &HeaderMap) -> Response {
    match health.view(effective_scope(health, scope, headers)).not_ready() {
        None => answer(StatusCode::OK, JSON, r#"{"ready":true}"#),
        Some(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, JSON, report::not_ready(&reason)),
    }
}

/// Leaves out the checks if a probe of this process caused the request.
fn effective_scope<'a>(health: &Health, scope: Scope<'a>, headers: &HeaderMap) -> Scope<'a> {
    match &health.registry().endpoints.probe_loop_guard {
        Some(guard) if guard.detects_loop(headers) => Scope::Process,
        _ => scope,
    }
}

fn unknown_group() -> Response {
    answer(StatusCode::NOT_FOUND, JSON, r#"{"error":"no such group"}"#)
}

/// Responds 405 to methods other than GET and HEAD (which `get` handles too), with the headers of all other responses.
fn read_only(route: MethodRouter<Health>) -> MethodRouter<Health> {
    route.fallback(|| async {
        let mut refused = answer(StatusCode::METHOD_NOT_ALLOWED, JSON, r#"{"error":"GET and HEAD only"}"#);
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    })
}

fn accepts_health_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
    types.any(|name| name.trim().eq_ignore_ascii_case(HEALTH_JSON))
}

fn answer(status: StatusCode, content_type: HeaderValue, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering::SeqCst},
            mpsc,
        },
        time::Duration,
    };

    use axum::body::Body;
    use http::Request;
    use tower::ServiceExt;

    use super::*;
    use crate::{check::Check, outcome::CheckOutcome};

    /// Defect of another library: liveness waits for a lock.
    #[tokio::test]
    async fn live_responds_while_the_results_are_locked() {
        let health = Health::builder().check(Check::new("a", || async { CheckOutcome::healthy() })).build().unwrap();
        let (held, is_held) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        let over = Arc::new(AtomicBool::new(false));
        let blocker = std::thread::spawn({
            let (health, over) = (health.clone(), Arc::clone(&over));
            move || {
                health.registry().update(0, |_| {
                    held.send(()).unwrap();
                    let _ = wait.recv_timeout(Duration::from_secs(10));
                });
                over.store(true, SeqCst);
            }
        });
        is_held.recv().unwrap();
        let request = Request::get("/live").body(Body::empty()).unwrap();
        let answer = health.router().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(!over.load(SeqCst), "the response waited for the lock");
        drop(release);
        blocker.join().unwrap();
    }
}

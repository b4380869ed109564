//! The registry over HTTP: an axum `Router` that only reads.

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

use crate::{Health, view::Scope};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The type of draft-inadarei-api-health-check.
const HEALTH_JSON: &str = "application/health+json";

// === impl Health ===

impl Health {
    /// The endpoints, to merge into or nest under the application's router. They read what is known and run nothing.
    ///
    /// | path | answers | for |
    /// |---|---|---|
    /// | `/healthz` | `{"status","timestamp","checks"}`; 200 while ok or degraded, else 503 | people, dashboards |
    /// | `/ready` | `{"ready":true}`, or 503 with the reason: critical checks, startup and draining only | load balancers |
    /// | `/live` | `{"alive":true}`; 503 only after [`declare_dead`](Self::declare_dead) | whoever restarts the process |
    /// | `/startup` | 503 until every critical check passed once, then 200 for ever | Kubernetes startup probes |
    ///
    /// `/healthz/{group}` and `/ready/{group}` show one group. GET and HEAD; anything else is 405. No answer may be
    /// cached. A client that accepts `application/health+json` gets `/healthz` in that form.
    ///
    /// Keep them outside authentication, limits, timeouts and the failover: `Router::layer` wraps the routes that
    /// were there before it, so merge this router after the last layer. A probe that a full bulkhead refuses restarts
    /// a process that is merely busy.
    #[must_use = "a router does nothing until it is merged, nested or served"]
    pub fn router(&self) -> Router {
        Router::new()
            .route("/healthz", only_reads(get(healthz)))
            .route("/healthz/{group}", only_reads(get(group_healthz)))
            .route("/ready", only_reads(get(ready)))
            .route("/ready/{group}", only_reads(get(group_ready)))
            .route("/live", only_reads(get(live)))
            .route("/startup", only_reads(get(startup)))
            .with_state(self.clone())
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

/// One atomic load: whoever restarts the process must not wait for anything that can be stuck.
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
    let view = health.view(without_circles(health, scope, headers));
    let (level, checks) = (view.level(), view.checks());
    drop(view);
    let (content_type, body) = match accepts_health_json(headers) {
        true => (HeaderValue::from_static(HEALTH_JSON), report::health_json(level, &checks, health.details())),
        false => (JSON, report::plain(level, &checks, health.details())),
    };
    let status = match level {
        Level::Healthy | Level::Degraded => StatusCode::OK,
        Level::Unhealthy | Level::Unknown => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer(status, content_type, body)
}

fn readiness(health: &Health, scope: Scope<'_>, headers: &HeaderMap) -> Response {
    match health.view(without_circles(health, scope, headers)).not_ready() {
        None => answer(StatusCode::OK, JSON, r#"{"ready":true}"#),
        Some(reason) => answer(StatusCode::SERVICE_UNAVAILABLE, JSON, report::not_ready(&reason)),
    }
}

/// No dependency counts for a question that we caused ourselves.
fn without_circles<'a>(health: &Health, scope: Scope<'a>, headers: &HeaderMap) -> Scope<'a> {
    match health.hop() {
        Some(hop) if hop.comes_round(headers) => Scope::Process,
        _ => scope,
    }
}

fn unknown_group() -> Response {
    answer(StatusCode::NOT_FOUND, JSON, r#"{"error":"no such group"}"#)
}

/// `get` answers HEAD too. What it refuses must not be cached either.
fn only_reads(route: MethodRouter<Health>) -> MethodRouter<Health> {
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
    use crate::{Check, Verdict};

    /// A peer: liveness that waits for what is stuck.
    #[tokio::test]
    async fn liveness_answers_while_the_results_are_locked() {
        let health = Health::builder().check(Check::new("a", || async { Verdict::healthy() })).build().unwrap();
        let (held, is_held) = mpsc::channel();
        let (release, wait) = mpsc::channel::<()>();
        let over = Arc::new(AtomicBool::new(false));
        let blocker = std::thread::spawn({
            let (health, over) = (health.clone(), Arc::clone(&over));
            move || {
                health.update(0, |_| {
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
        assert!(!over.load(SeqCst), "it waited for the lock");
        drop(release);
        blocker.join().unwrap();
    }
}

//! In a server: one function maps all refusals, and routes share breaker and limit.

use std::{convert::Infallible, future::pending};

use axum::{
    Router,
    body::Body,
    error_handling::HandleErrorLayer,
    http::{Request, StatusCode, header::RETRY_AFTER},
    routing::{get, get_service},
};
use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer, State};
use mainstay_http::{Http, axum::handle_error};
use mainstay_timeout::TimeoutLayer;
use tokio::task::JoinSet;
use tower::{ServiceBuilder, ServiceExt, service_fn};

use crate::stacks::SECOND;

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn status(router: &Router, path: &str) -> (StatusCode, Option<u64>) {
    let response = router.clone().oneshot(request(path)).await.unwrap();
    let retry_after = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().parse().unwrap());
    (response.status(), retry_after)
}

#[tokio::test(start_paused = true)]
async fn one_handler_maps_the_refusals_of_all_layers() {
    let (breaker, limit) = (Breaker::new("breaker"), Limit::new("limit", 1).unwrap());
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(handle_error))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Http::new()))
        .layer(CircuitBreakerLayer::with(breaker.clone()).with_policy(Http::new()))
        .layer(BulkheadLayer::with(limit.clone()).with_policy(Http::new()));
    let router =
        Router::new().route("/", get(|| async { "hello" })).route("/hung", get(pending::<&'static str>)).layer(layers);
    assert_eq!(status(&router, "/").await, (StatusCode::OK, None));
    let permit = limit.try_acquire().unwrap();
    assert_eq!(status(&router, "/").await, (StatusCode::SERVICE_UNAVAILABLE, Some(1)));
    drop(permit);
    assert_eq!(status(&router, "/hung").await, (StatusCode::GATEWAY_TIMEOUT, None));
    breaker.trip("test");
    assert_eq!(status(&router, "/").await, (StatusCode::SERVICE_UNAVAILABLE, Some(1)));
    assert_eq!((limit.snapshot().in_flight, limit.snapshot().queued), (0, 0));
}

/// Defect of another library: each `layer()` call has a state of its own. Axum calls it for every route, so that the
/// breaker never opens.
#[tokio::test(start_paused = true)]
async fn routes_share_the_breaker_and_the_permits_of_one_layer() {
    let (breaker, limit) = (Breaker::new("breaker"), Limit::new("limit", 2).unwrap());
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(handle_error))
        .layer(CircuitBreakerLayer::with(breaker.clone()).with_policy(Http::new()))
        .layer(BulkheadLayer::with(limit.clone()).with_policy(Http::new()));
    let broken = || service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(StatusCode::BAD_GATEWAY) });
    let router = Router::new()
        .route("/a", get_service(broken()))
        .route("/b", get_service(broken()))
        .route("/hung/a", get(pending::<&'static str>))
        .route("/hung/b", get(pending::<&'static str>))
        .layer(layers);

    let mut hung = JoinSet::new();
    for path in ["/hung/a", "/hung/b"] {
        hung.spawn(router.clone().oneshot(request(path)));
    }
    tokio::task::yield_now().await;
    assert_eq!((limit.snapshot().in_flight, status(&router, "/a").await.0), (2, StatusCode::SERVICE_UNAVAILABLE));
    hung.shutdown().await;
    assert_eq!(limit.snapshot().in_flight, 0);

    for path in ["/a", "/b"].repeat(5) {
        assert_eq!(status(&router, path).await.0, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(breaker.state(), State::Open, "five failures of each of two routes");
    assert_eq!(status(&router, "/hung/b").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

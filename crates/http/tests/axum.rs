//! In axum: rejections become responses, marks are passed on, boxed bodies keep their type.
#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use axum::{Router, body::Body, error_handling::HandleErrorLayer, response::IntoResponse, routing::get};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use mainstay_core::{BoxError, Degraded, Follow, Reason, Rejected, Replay as _};
use mainstay_http::{
    Http, RejectionLayer, Replayable,
    axum::{DegradedMark, handle_error},
};
use tower::{ServiceBuilder, ServiceExt as _, service_fn, util::MapRequestLayer};

fn get_root() -> Request<Body> {
    Request::get("/").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn handle_error_and_rejection_layer_answer_a_rejection_alike() {
    let rejecting = || {
        service_fn(|_: Request<Body>| async {
            Err::<Response<Body>, BoxError>(Rejected::new(Reason::RateLimited, "x").into())
        })
    };
    let handled = ServiceBuilder::new().layer(HandleErrorLayer::new(handle_error)).service(rejecting());
    let layered = ServiceBuilder::new().layer(RejectionLayer::new()).service(rejecting());
    for app in [Router::new().fallback_service(handled), Router::new().fallback_service(layered)] {
        let response = app.oneshot(get_root()).await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"1".parse().unwrap()));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(br#"{"type":"urn:mainstay:problem:rate_limited""#));
    }
}

#[tokio::test]
async fn handler_extracts_and_returns_the_mark() {
    async fn handler(mark: DegradedMark) -> impl IntoResponse {
        (mark, "hello")
    }

    let app = Router::new().route("/", get(handler));
    let plain = app.clone().oneshot(get_root()).await.unwrap();
    assert_eq!(DegradedMark::of(&plain), DegradedMark(None));
    assert!(!plain.headers().contains_key("x-degraded"));
    let degraded = Degraded { step: "cache".into(), age: None };
    let mark = degraded.clone();
    let app = app.layer(MapRequestLayer::new(move |mut request: Request<Body>| {
        request.extensions_mut().insert(mark.clone());
        request
    }));
    let marked = app.oneshot(get_root()).await.unwrap();
    assert_eq!(marked.headers()["x-degraded"], "cache");
    assert_eq!(DegradedMark::of(&marked), DegradedMark(Some(degraded)));
}

/// A response of another server has no extensions: the mark is read from its header.
#[tokio::test]
async fn mark_is_read_from_response_header_and_not_from_request_header() {
    async fn handler(mark: DegradedMark) -> impl IntoResponse {
        (mark, "hello")
    }

    let degraded = |step: &'static str| DegradedMark(Some(Degraded { step: step.into(), age: None }));
    let mut response = Response::builder().header("x-degraded", "last-good").body(()).unwrap();
    assert_eq!(DegradedMark::of(&response), degraded("last-good"));
    response.extensions_mut().insert(Degraded { step: "ours".into(), age: None });
    assert_eq!(DegradedMark::of(&response), degraded("ours"));

    let forged = Request::get("/").header("x-degraded", "x").body(Body::empty()).unwrap();
    let response = Router::new().route("/", get(handler)).oneshot(forged).await.unwrap();
    assert_eq!(DegradedMark::of(&response), DegradedMark(None));
    let invalid = (degraded("two\nlines"), ()).into_response();
    assert!(invalid.headers().is_empty() && DegradedMark::of(&invalid).0.is_some());
}

#[tokio::test]
async fn boxed_body_is_replayed_if_empty_or_wrapped() {
    assert!(Http::new().replay(&get_root()).is_some());
    let put = Request::put("/").body(Body::from("x")).unwrap();
    assert!(Http::new().replay(&put).is_none());
    let put = put.map(Replayable::new);
    let copy = Request::from(Http::new().replay(&put).unwrap().into_request());
    assert_eq!(put.into_body().collect().await.unwrap().to_bytes(), "x");
    assert_eq!(copy.into_body().collect().await.unwrap().to_bytes(), "x");
}

#[tokio::test]
async fn followed_response_keeps_axums_body_type() {
    let (settle, mut settled) = tokio::sync::oneshot::channel();
    let response: Response<Body> = Http::new().follow("hello".into_response(), |outcome| {
        let _ = settle.send(outcome);
    });
    assert!(settled.try_recv().is_err());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hello");
    assert!(settled.await.unwrap().is_success());
}

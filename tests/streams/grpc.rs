//! gRPC streams over tonic's channel: the trailers decide the outcome.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer};
use mainstay_core::BoxError;
use mainstay_http::{
    Grpc, Http, ReplayableLayer,
    grpc::{GRPC_STATUS, GrpcCode, TrailersOnlyLayer},
};
use mainstay_retry::{Retrier, RetryLayer};
use tonic::{body::Body, transport::Endpoint};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};

use crate::origin::Origin;

#[tokio::test]
async fn trailers_decide_the_outcome_and_release_the_permit() {
    let origin = Origin::start();
    let channel = Endpoint::from_shared(origin.url("")).unwrap().connect_lazy();
    for (status, successes, failures, ignored) in [("0", 1, 0, 0), ("14", 0, 1, 0), ("5", 0, 0, 1)] {
        let (limit, breaker) = (Limit::new("grpc", 1).unwrap(), Breaker::new("grpc"));
        let stack = ServiceBuilder::new()
            .layer(CircuitBreakerLayer::with(breaker.clone()).with_policy(Grpc::new()))
            .layer(BulkheadLayer::with(limit.clone()).with_policy(Grpc::new()))
            .service(channel.clone());
        let request = Request::post(origin.url(&format!("/grpc/{status}"))).body(Body::empty()).unwrap();
        let response = stack.oneshot(request).await.unwrap();
        let mut body = response.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), Bytes::from_static(&[0; 5]));
        let counts = || {
            let snapshot = breaker.snapshot();
            (snapshot.successes, snapshot.failures, snapshot.ignored)
        };
        assert_eq!((limit.snapshot().in_flight, counts()), (1, (0, 0, 0)), "after a message, before the trailers");
        assert!(body.frame().await.unwrap().unwrap().is_trailers());
        assert_eq!((limit.snapshot().in_flight, counts()), (0, (successes, failures, ignored)));
    }
}

/// Defect: the status in trailers was not repeated, although nothing had reached the caller; nor was any call over tonic's
/// body, which cannot be copied.
#[tokio::test(start_paused = true)]
async fn call_is_repeated_whose_only_answer_is_a_status_in_trailers() {
    let calls = Arc::new(AtomicU32::new(0));
    let seen = calls.clone();
    let channel = service_fn(move |call: Request<Body>| {
        let status = HeaderValue::from_static(if seen.fetch_add(1, SeqCst) == 0 { "14" } else { "0" });
        async move {
            assert_eq!(call.into_body().collect().await.unwrap().to_bytes(), "a message");
            let trailers = HeaderMap::from_iter([(GRPC_STATUS, status)]);
            let body = StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::<Bytes>::trailers(trailers))]));
            Ok::<_, BoxError>(Response::new(Body::new(body)))
        }
    });
    let retry = RetryLayer::new("grpc").with_policy(Grpc::new().repeating_any_method());
    let stack =
        ServiceBuilder::new().layer(ReplayableLayer::around(retry)).layer(TrailersOnlyLayer::new()).service(channel);
    let call = Request::post("/orders.Orders/Get").body(Body::new(Full::<Bytes>::from("a message"))).unwrap();
    let response = stack.oneshot(call).await.unwrap();
    assert_eq!((calls.load(SeqCst), GrpcCode::from_headers(response.headers())), (2, Some(GrpcCode::OK)));
}

/// A message stays the first frame of its stream, and a body that is longer than the limit is sent once.
#[tokio::test(start_paused = true)]
async fn messages_pass_and_long_bodies_are_sent_once() {
    let frames = || {
        let trailers = HeaderMap::from_iter([(GRPC_STATUS, HeaderValue::from_static("14"))]);
        stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from("one"))), Ok(Frame::trailers(trailers))])
    };
    let channel = service_fn(move |_: ()| async move { Ok::<_, BoxError>(Response::new(StreamBody::new(frames()))) });
    let response = ServiceBuilder::new().layer(TrailersOnlyLayer::new()).service(channel).oneshot(()).await.unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().and_then(GrpcCode::from_headers), Some(GrpcCode::UNAVAILABLE));
    assert_eq!(body.to_bytes(), "one");

    let (calls, limit) = (Arc::new(AtomicU32::new(0)), 4);
    for (text, times) in [("four", 3), ("fives", 1)] {
        calls.store(0, SeqCst);
        let seen = calls.clone();
        let server = service_fn(move |request: Request<axum::body::Body>| {
            seen.fetch_add(1, SeqCst);
            async move {
                assert_eq!(request.into_body().collect().await.unwrap().to_bytes(), text);
                Ok::<_, BoxError>(Response::builder().status(502).body(()).unwrap())
            }
        });
        let retry = RetryLayer::with(Retrier::new("axum").without_budget()).with_policy(Http::new());
        let layer = ReplayableLayer::around(retry).with_limit(limit);
        let request = Request::put("/").body(axum::body::Body::from(text)).unwrap();
        let response = ServiceBuilder::new().layer(layer).service(server).oneshot(request).await.unwrap();
        assert_eq!((response.status().as_u16(), calls.load(SeqCst)), (502, times), "{text}");
    }
}

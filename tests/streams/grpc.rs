//! gRPC streams over tonic's channel: the trailers decide the outcome.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer};
use mainstay_http::Grpc;
use tonic::{body::Body, transport::Endpoint};
use tower::{ServiceBuilder, ServiceExt as _};

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

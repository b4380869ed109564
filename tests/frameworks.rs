//! Each layer in axum, tonic, hyper and reqwest compiles without type annotations.
//!
//! `types.rs` has whole stacks, and `ui/` the compiler messages for mistakes.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::time::Duration;

use axum::{Router, body::Body, error_handling::HandleErrorLayer, response::Response, routing::get};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mainstay_bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedLimits};
use mainstay_circuit_breaker::{CircuitBreakerLayer, KeyedBreakerLayer, KeyedBreakers};
use mainstay_core::{BoxError, check};
use mainstay_failover::{
    Endpoint,
    stack::{Standard, StandardSettings},
};
use mainstay_fallback::{FallbackLayer, value_from};
use mainstay_http::{
    Grpc, Http, RejectionLayer, Reqwest, authority,
    axum::handle_error,
    box_body,
    context::{ContextHeaders, ForwardContextLayer, ReadContextLayer},
    grpc::{GrpcError, GrpcStatusLayer},
};
use mainstay_retry::RetryLayer;
use mainstay_timeout::TimeoutLayer;
use tonic::transport::{Channel, Endpoint as Address, Server};
use tonic_health::{pb::health_client::HealthClient, server::health_reporter};
use tower::{ServiceBuilder, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

async fn hello() -> &'static str {
    "hello"
}

fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new("bulkhead", 1_000).unwrap()
}

fn timeout() -> TimeoutLayer {
    TimeoutLayer::total("total", SECOND).unwrap()
}

async fn is_home(app: Router) {
    let request = Request::get("/").header("host", "shop.example").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

/// Axum applies a layer to each route. Refusals become responses by `RejectionLayer` or axum's `HandleErrorLayer`.
#[tokio::test]
async fn each_layer_compiles_over_a_router() {
    let app = || Router::new().route("/", get(hello)).route("/{id}", get(hello).post(hello));
    let http = Http::new();
    is_home(app().layer((RejectionLayer::new(), bulkhead().with_policy(http)))).await;
    is_home(app().layer((RejectionLayer::new(), timeout().with_policy(http)))).await;
    is_home(app().layer((RejectionLayer::new(), RetryLayer::new("retry").with_policy(http)))).await;
    is_home(app().layer((RejectionLayer::new(), RetryLayer::new("retry").with_policy(http.draining())))).await;
    is_home(app().layer((RejectionLayer::new(), CircuitBreakerLayer::new("routes").with_policy(http)))).await;
    let keyed = KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), authority).with_policy(http);
    is_home(app().layer((RejectionLayer::new(), keyed))).await;
    let keyed = KeyedBulkheadLayer::with(KeyedLimits::new("hosts", 10).unwrap(), authority).with_policy(http);
    is_home(app().layer((RejectionLayer::new(), keyed))).await;
    let sorry = value_from(|_| Response::new(Body::from("sorry")));
    is_home(app().layer((RejectionLayer::new(), FallbackLayer::new("fallback", sorry).with_policy(http)))).await;
    is_home(app().layer(ReadContextLayer::new(ContextHeaders::http()))).await;

    is_home(app().layer((HandleErrorLayer::new(handle_error), bulkhead().with_policy(http)))).await;
    is_home(app().route_layer((HandleErrorLayer::new(handle_error), timeout().with_policy(http)))).await;
    is_home(Router::new().merge(app()).layer((RejectionLayer::new(), bulkhead()))).await;
    is_home(Router::new().nest("/x", app()).merge(app()).layer((RejectionLayer::new(), bulkhead()))).await;
}

/// Without a policy too: every response is a success then, and bodies are not followed.
#[tokio::test]
async fn each_layer_compiles_over_one_route() {
    let http = Http::new();
    let at_home = |route| is_home(Router::new().route("/", route));
    at_home(get(hello).layer((RejectionLayer::new(), bulkhead().with_policy(http)))).await;
    at_home(get(hello).layer((RejectionLayer::new(), timeout().with_policy(http)))).await;
    at_home(get(hello).layer((RejectionLayer::new(), RetryLayer::new("retry").with_policy(http)))).await;
    at_home(get(hello).layer((RejectionLayer::new(), CircuitBreakerLayer::new("route").with_policy(http)))).await;
    let keyed = KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), authority).with_policy(http);
    at_home(get(hello).layer((RejectionLayer::new(), keyed))).await;
    let sorry = value_from(|_| Response::new(Body::from("sorry")));
    at_home(get(hello).layer((RejectionLayer::new(), FallbackLayer::new("fallback", sorry).with_policy(http)))).await;
    at_home(get(hello).layer((RejectionLayer::new(), bulkhead(), timeout(), CircuitBreakerLayer::new("route")))).await;
    at_home(get(hello).layer((HandleErrorLayer::new(handle_error), CircuitBreakerLayer::new("route")))).await;
}

/// `Server::builder().layer(..)` requires a service that is `Clone` and `Send`, with errors that become responses.
#[tokio::test]
async fn each_layer_compiles_over_a_tonic_server() {
    let (grpc, refusals) = (Grpc::new(), RejectionLayer::grpc);
    let health = || health_reporter().1;
    drop(Server::builder().layer((refusals(), bulkhead().with_policy(grpc))).add_service(health()));
    drop(Server::builder().layer((refusals(), timeout().with_policy(grpc))).add_service(health()));
    drop(
        Server::builder().layer((refusals(), CircuitBreakerLayer::new("all").with_policy(grpc))).add_service(health()),
    );
    let keyed = KeyedBreakerLayer::with(KeyedBreakers::new("methods"), |call: &Request<tonic::body::Body>| {
        call.uri().path().to_owned()
    });
    drop(Server::builder().layer((refusals(), keyed.with_policy(grpc))).add_service(health()));
    drop(Server::builder().layer((refusals(), RetryLayer::new("retry").with_policy(grpc))).add_service(health()));
    let layers = ServiceBuilder::new()
        .layer(refusals())
        .layer(ReadContextLayer::new(ContextHeaders::grpc()))
        .layer(bulkhead().with_policy(grpc))
        .layer(timeout().with_policy(grpc));
    drop(Server::builder().layer(layers).layer(CircuitBreakerLayer::new("x")).layer(refusals()).add_service(health()));
}

fn channel() -> Channel {
    Address::from_static("http://127.0.0.1:1").connect_lazy()
}

/// One typed error holds refusals and connection errors, without conversions by the caller.
#[tokio::test]
async fn generated_client_works_over_typed_errors() {
    let grpc = Grpc::new().repeating_any_method();
    let stack = ServiceBuilder::new()
        .layer(timeout().with_policy(grpc).with_error::<GrpcError>())
        .layer(RetryLayer::new("retry").with_policy(grpc).with_error::<GrpcError>())
        .layer(CircuitBreakerLayer::new("breaker").with_policy(grpc).with_error::<GrpcError>())
        .layer(bulkhead().with_policy(grpc).with_error::<GrpcError>())
        .layer(ForwardContextLayer::new(ContextHeaders::grpc()))
        .service(channel());
    drop(HealthClient::new(check::<_, _, GrpcError, _>(stack.clone())));
    let status = HealthClient::new(stack).check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
}

#[tokio::test]
async fn generated_client_works_over_boxed_errors() {
    let grpc = Grpc::new();
    let keyed = KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), authority).with_policy(grpc);
    let stack = ServiceBuilder::new().layer(GrpcStatusLayer::new()).layer(keyed).layer(bulkhead()).service(channel());
    let client = HealthClient::new(stack);
    // Cloned and moved into a task, as in a handler.
    tokio::spawn(
        async move { client.clone().check(tonic_health::pb::HealthCheckRequest::default()).await.unwrap_err() },
    )
    .await
    .unwrap();

    let endpoints = [Endpoint::new("primary", channel()), Endpoint::new("backup", channel())];
    let standard = Standard::new("standard", endpoints, StandardSettings::default()).unwrap().with_policy(grpc);
    drop(HealthClient::new(ServiceBuilder::new().layer(GrpcStatusLayer::new()).service(standard.build())));
}

/// HTTP/2 has the same client type as HTTP/1.1; a breaker for each host takes one function.
#[tokio::test]
async fn breaker_for_each_host_compiles_over_hyper_and_reqwest() {
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new("retry").with_policy(Http::new()))
        .layer(KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), authority).with_policy(Http::new()))
        .layer(KeyedBulkheadLayer::with(KeyedLimits::new("hosts", 10).unwrap(), authority).with_policy(Http::new()))
        .map_response(box_body)
        .service(client);
    let request = Request::get("http://127.0.0.1:1/").body(Full::default()).unwrap();
    tokio::spawn(async move { stack.oneshot(request).await.unwrap_err() }).await.unwrap();

    let host = |request: &reqwest::Request| request.url().authority().to_owned();
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new("retry").with_policy(Reqwest::new()))
        .layer(KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), host).with_policy(Reqwest::new()))
        .service(reqwest::Client::new());
    drop(check::<_, _, BoxError, _>(stack));
}

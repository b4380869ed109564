//! Stacks compile without type annotations: over plain requests without any type, over a protocol with only its policy.
//!
//! The stacks are also moved into spawned tasks: inside an `async` block the compiler erases lifetimes, so that bounds
//! which hold elsewhere may fail there. `composition/` tests the behaviour of stacks.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{convert::Infallible, io, process::Command, time::Duration};

use axum::{
    Router,
    body::Body,
    error_handling::HandleErrorLayer,
    routing::{get, get_service},
};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mainstay_bulkhead::BulkheadLayer;
use mainstay_circuit_breaker::CircuitBreakerLayer;
use mainstay_core::{BoxError, FailureKind, Outcome, check, classify_fn};
use mainstay_failover::{
    Endpoint, Failover,
    stack::{Standard, StandardSettings},
};
use mainstay_fallback::{FallbackLayer, backup, value, value_from};
use mainstay_http::{Grpc, Http, Reqwest, axum::handle_error, box_body};
use mainstay_retry::RetryLayer;
use mainstay_tests::{Echo, Error};
use mainstay_timeout::TimeoutLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const MESSAGES_ARE_OF: &str = "1.95";
const SECOND: Duration = Duration::from_secs(1);

/// A bulkhead that never fills.
fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new("bulkhead", 1_000).unwrap()
}

fn attempt_timeout() -> TimeoutLayer {
    TimeoutLayer::attempt("attempt", SECOND).unwrap()
}

/// Moves the stack and its future into a task, as servers do.
async fn in_a_task<S, Req>(stack: S, request: Req) -> Result<S::Response, S::Error>
where
    S: Service<Req, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    Req: Send + 'static,
{
    let task = tokio::spawn(async move { stack.clone().oneshot(request).await });
    task.await.unwrap()
}

#[tokio::test]
async fn four_layers_over_a_function_need_no_annotations() {
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value("sorry")))
        .layer(RetryLayer::new("retry"))
        .layer(CircuitBreakerLayer::new("breaker"))
        .layer(bulkhead())
        .service(service_fn(|name: String| async move { Ok::<_, io::Error>(format!("hello {name}")) }));
    assert_eq!(in_a_task(stack, "ann".to_owned()).await.unwrap(), "hello ann");
}

#[tokio::test]
async fn all_layers_in_a_task_need_no_annotations() {
    let replica = service_fn(|id: u64| async move { Ok::<_, io::Error>(id + 1) });
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(
            "fallback",
            backup(replica).or(value_from(|cause| u64::from(cause.outcome().is_failure()))),
        ))
        .layer(TimeoutLayer::total("total", SECOND).unwrap())
        .layer(RetryLayer::new("retry"))
        .layer(CircuitBreakerLayer::new("breaker"))
        .layer(bulkhead())
        .layer(attempt_timeout())
        .service(Echo);
    // Not through `in_a_task`, whose bounds help inference: the `async` block itself must be `Send`.
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
}

#[tokio::test]
async fn function_works_as_policy_in_a_task() {
    fn any_error(result: Result<&u64, &BoxError>) -> Outcome {
        result.map_or(Outcome::failure(FailureKind::Unknown), |_| Outcome::Success)
    }
    let policy = classify_fn(any_error);
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value(0_u64)).with_policy(policy))
        .layer(RetryLayer::new("retry").with_policy(policy))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(policy))
        .service(Echo);
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
}

#[tokio::test]
async fn typed_error_is_named_once_for_each_layer() {
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value(0_u64)).with_error::<Error>())
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_error::<Error>())
        .layer(RetryLayer::new("retry").with_error::<Error>())
        .layer(CircuitBreakerLayer::new("breaker").with_error::<Error>())
        .layer(bulkhead().with_error::<Error>())
        .layer(attempt_timeout().with_error::<Error>())
        .service(Echo);
    let stack = check::<u64, u64, Error, _>(stack);
    assert_eq!(in_a_task(stack, 7).await, Ok(7));
}

#[tokio::test]
async fn failover_over_stacks_needs_no_annotations() {
    let at = |name: &'static str| {
        let layers =
            ServiceBuilder::new().layer(CircuitBreakerLayer::new(name)).layer(bulkhead()).layer(attempt_timeout());
        Endpoint::new(name, layers.service(Echo))
    };
    let failover = Failover::new("failover", [at("primary"), at("backup")]).unwrap();
    let stack = FallbackLayer::new("fallback", value(0_u64)).layer(RetryLayer::new("retry").layer(failover));
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
}

#[tokio::test]
async fn standard_stack_names_only_the_policy() {
    fn standard<S>(service: S) -> Standard<S> {
        Standard::new("standard", [Endpoint::new("primary", service)], StandardSettings::default()).unwrap()
    }
    let stack = FallbackLayer::new("fallback", value(0_u64)).layer(standard(Echo).build());
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
    let typed = check::<u64, u64, Error, _>(standard(Echo).with_error::<Error>().build());
    assert_eq!(in_a_task(typed, 7).await, Ok(7));

    let hyper = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let hyper = standard(hyper.map_response(box_body)).with_policy(Http::new()).build();
    check::<Request<Full<Bytes>>, _, BoxError, _>(hyper);
    let reqwest = standard(reqwest::Client::new()).with_policy(Reqwest::new()).build();
    check::<reqwest::Request, _, BoxError, _>(reqwest);
    let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
    tonic::client::Grpc::new(standard(channel).with_policy(Grpc::new()).build()).ready().await.unwrap();
}

/// Errors of the client and refusals have one type.
#[tokio::test]
async fn stack_over_hyper_util_names_only_the_policy() {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", backup(client.clone().map_response(box_body))).with_policy(Http::new()))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Http::new()))
        .layer(RetryLayer::new("retry").with_policy(Http::new()))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Http::new()))
        .layer(bulkhead().with_policy(Http::new()))
        .layer(attempt_timeout())
        .map_response(box_body)
        .service(client.clone());
    let refused = Request::get("http://127.0.0.1:1/").body(Full::default()).unwrap();
    let error = in_a_task(stack, refused.clone()).await.unwrap_err();
    assert!(error.is::<hyper_util::client::legacy::Error>(), "the original error, boxed once: {error}");

    let endpoints = ["primary", "backup"].map(|name| Endpoint::new(name, client.clone().map_response(box_body)));
    let failover = Failover::new("failover", endpoints).unwrap().with_policy(Http::new());
    in_a_task(failover, refused).await.unwrap_err();
}

#[tokio::test]
async fn stack_over_reqwest_names_only_the_policy() {
    let client = reqwest::Client::new();
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", backup(client.clone())).with_policy(Reqwest::new()))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Reqwest::new()))
        .layer(RetryLayer::new("retry").with_policy(Reqwest::new()))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Reqwest::new()))
        .layer(bulkhead().with_policy(Reqwest::new()))
        .layer(attempt_timeout())
        .service(client.clone());
    let request = client.get("http://127.0.0.1:1/").build().unwrap();
    assert!(in_a_task(stack, request).await.unwrap_err().is::<reqwest::Error>());
}

#[tokio::test]
async fn stack_over_a_tonic_channel_names_only_the_policy() {
    let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", backup(channel.clone())).with_policy(Grpc::new()))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Grpc::new()))
        .layer(RetryLayer::new("retry").with_policy(Grpc::new()))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Grpc::new()))
        .layer(bulkhead().with_policy(Grpc::new()))
        .layer(attempt_timeout())
        .service(channel);
    // The bounds that a generated client has on its transport.
    tonic::client::Grpc::new(stack.clone()).ready().await.unwrap();
    let request = Request::post("http://127.0.0.1:1/orders/Get").body(tonic::body::Body::empty()).unwrap();
    assert!(in_a_task(stack, request).await.unwrap_err().is::<tonic::transport::Error>());
}

/// A typed error needs two conversions: from the client's error, and from `Rejected`.
#[tokio::test]
async fn stack_over_hyper_util_has_a_typed_error() {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new("retry").with_policy(Http::new()).with_error::<Error>())
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Http::new()).with_error::<Error>())
        .layer(bulkhead().with_error::<Error>())
        .map_err(|_: hyper_util::client::legacy::Error| Error::Down)
        .map_response(box_body)
        .service(client);
    let refused = Request::get("http://127.0.0.1:1/").body(Full::default()).unwrap();
    assert_eq!(in_a_task(stack, refused).await.unwrap_err(), Error::Down);
}

/// `HandleErrorLayer` with `handle_error`, around a router and around one service.
#[tokio::test]
async fn stack_in_axum_names_only_the_policy() {
    let layers = || {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(handle_error))
            .layer(
                FallbackLayer::new("fallback", value_from(|_| Response::new(Body::from("sorry"))))
                    .with_policy(Http::new()),
            )
            .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Http::new()))
            .layer(CircuitBreakerLayer::new("breaker").with_policy(Http::new()))
            .layer(bulkhead().with_policy(Http::new()))
    };
    let broken = service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(StatusCode::BAD_GATEWAY) });
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/broken", get_service(broken).layer(layers()))
        .layer(layers());
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let response = in_a_task(router.clone(), get("/")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let response = in_a_task(router, get("/broken")).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK, "the fallback answered");
}

/// Compiler messages are short and name the fix. `TRYBUILD=overwrite` updates the expected messages.
#[test]
fn mistakes_compile_to_the_expected_messages() {
    let rustc = Command::new(option_env!("RUSTC").unwrap_or("rustc")).arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&rustc.stdout);
    // Releases of the compiler differ in the wording of their part of a message.
    if !version.starts_with(&format!("rustc {MESSAGES_ARE_OF}.")) {
        return println!("not compared: the expected messages are those of rustc {MESSAGES_ARE_OF}, this is {version}");
    }
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

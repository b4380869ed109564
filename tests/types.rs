//! Stacks compile without annotations: over plain requests with nothing named, over a protocol with only its policy.
//!
//! What counts here is that it compiles, moved into a spawned task included (there the compiler forgets lifetimes, and
//! needs more help from a library than elsewhere). What the stacks do is for `composition.rs`.
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

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
use mainstay_http::{Grpc, Http, Reqwest, box_body, handle_error};
use mainstay_retry::RetryLayer;
use mainstay_tests::{Echo, Error};
use mainstay_timeout::TimeoutLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

const MESSAGES_ARE_OF: &str = "1.95";
const SECOND: Duration = Duration::from_secs(1);

/// A bulkhead that nothing fills.
fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new("bulkhead", 1_000).unwrap()
}

fn attempt_timeout() -> TimeoutLayer {
    TimeoutLayer::attempt("attempt", SECOND).unwrap()
}

/// Calls from a task of their own, as servers do: the whole stack and its futures move.
async fn in_a_task<S, Req>(stack: S, request: Req) -> Result<S::Response, S::Error>
where
    S: Service<Req, Future: Send, Response: Send, Error: Send> + Clone + Send + 'static,
    Req: Send + 'static,
{
    let task = tokio::spawn(async move { stack.clone().oneshot(request).await });
    task.await.unwrap()
}

#[tokio::test]
async fn four_layers_over_a_function_need_no_annotation() {
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(value("sorry")))
        .layer(RetryLayer::new())
        .layer(CircuitBreakerLayer::new("breaker"))
        .layer(bulkhead())
        .service(service_fn(|name: String| async move { Ok::<_, io::Error>(format!("hello {name}")) }));
    assert_eq!(in_a_task(stack, "ann".to_owned()).await.unwrap(), "hello ann");
}

#[tokio::test]
async fn all_layers_in_a_task_that_names_no_type() {
    let replica = service_fn(|id: u64| async move { Ok::<_, io::Error>(id + 1) });
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(backup(replica).or(value_from(|cause| u64::from(cause.outcome().is_failure())))))
        .layer(TimeoutLayer::total("total", SECOND).unwrap())
        .layer(RetryLayer::new())
        .layer(CircuitBreakerLayer::new("breaker"))
        .layer(bulkhead())
        .layer(attempt_timeout())
        .service(Echo);
    // Not through a function with bounds: the `async` block must be `Send` of itself.
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
}

#[tokio::test]
async fn a_function_as_the_policy_of_a_stack_in_a_task() {
    fn any_error(result: Result<&u64, &BoxError>) -> Outcome {
        result.map_or(Outcome::failure(FailureKind::Unknown), |_| Outcome::Success)
    }
    let policy = classify_fn(any_error);
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(value(0_u64)).with_policy(policy))
        .layer(RetryLayer::new().with_policy(policy))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(policy))
        .service(Echo);
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
}

#[tokio::test]
async fn typed_errors_are_named_once_a_layer() {
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(value(0_u64)).with_error::<Error>())
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_error::<Error>())
        .layer(RetryLayer::new().with_error::<Error>())
        .layer(CircuitBreakerLayer::new("breaker").with_error::<Error>())
        .layer(bulkhead().with_error::<Error>())
        .layer(attempt_timeout().with_error::<Error>())
        .service(Echo);
    let stack = check::<u64, u64, Error, _>(stack);
    assert_eq!(in_a_task(stack, 7).await, Ok(7));
}

#[tokio::test]
async fn a_failover_of_stacks_needs_no_annotation() {
    let at = |name: &'static str| {
        let layers =
            ServiceBuilder::new().layer(CircuitBreakerLayer::new(name)).layer(bulkhead()).layer(attempt_timeout());
        Endpoint::new(name, layers.service(Echo))
    };
    let failover = Failover::new("failover", [at("primary"), at("backup")]).unwrap();
    let stack = FallbackLayer::new(value(0_u64)).layer(RetryLayer::new().layer(failover));
    assert_eq!(tokio::spawn(async move { stack.oneshot(7).await.unwrap() }).await.unwrap(), 7);
}

#[tokio::test]
async fn the_standard_stack_names_only_the_policy() {
    fn standard<S>(service: S) -> Standard<S> {
        Standard::new("standard", [Endpoint::new("primary", service)], StandardSettings::default()).unwrap()
    }
    let stack = FallbackLayer::new(value(0_u64)).layer(standard(Echo).build());
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

/// The client's errors and ours end in one type, whatever is below.
#[tokio::test]
async fn over_hyper_util_only_the_policy_is_named() {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(backup(client.clone().map_response(box_body))).with_policy(Http::new()))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Http::new()))
        .layer(RetryLayer::new().with_policy(Http::new()))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Http::new()))
        .layer(bulkhead().with_policy(Http::new()))
        .layer(attempt_timeout())
        .map_response(box_body)
        .service(client.clone());
    let refused = Request::get("http://127.0.0.1:1/").body(Full::default()).unwrap();
    let error = in_a_task(stack, refused.clone()).await.unwrap_err();
    assert!(error.is::<hyper_util::client::legacy::Error>(), "the original error, in one box: {error}");

    let endpoints = ["primary", "backup"].map(|name| Endpoint::new(name, client.clone().map_response(box_body)));
    let failover = Failover::new("failover", endpoints).unwrap().with_policy(Http::new());
    in_a_task(failover, refused).await.unwrap_err();
}

#[tokio::test]
async fn over_reqwest_only_the_policy_is_named() {
    let client = reqwest::Client::new();
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(backup(client.clone())).with_policy(Reqwest::new()))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Reqwest::new()))
        .layer(RetryLayer::new().with_policy(Reqwest::new()))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Reqwest::new()))
        .layer(bulkhead().with_policy(Reqwest::new()))
        .layer(attempt_timeout())
        .service(client.clone());
    let request = client.get("http://127.0.0.1:1/").build().unwrap();
    assert!(in_a_task(stack, request).await.unwrap_err().is::<reqwest::Error>());
}

#[tokio::test]
async fn over_a_tonic_channel_only_the_policy_is_named() {
    let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
    let stack = ServiceBuilder::new()
        .layer(FallbackLayer::new(backup(channel.clone())).with_policy(Grpc::new()))
        .layer(TimeoutLayer::total("total", SECOND).unwrap().with_policy(Grpc::new()))
        .layer(RetryLayer::new().with_policy(Grpc::new()))
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Grpc::new()))
        .layer(bulkhead().with_policy(Grpc::new()))
        .layer(attempt_timeout())
        .service(channel);
    // What a generated client asks of its transport.
    tonic::client::Grpc::new(stack.clone()).ready().await.unwrap();
    let request = Request::post("http://127.0.0.1:1/orders/Get").body(tonic::body::Body::empty()).unwrap();
    assert!(in_a_task(stack, request).await.unwrap_err().is::<tonic::transport::Error>());
}

/// A typed error over a protocol: one conversion for the client's error, one for ours.
#[tokio::test]
async fn over_hyper_util_with_a_typed_error() {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let stack = ServiceBuilder::new()
        .layer(RetryLayer::new().with_policy(Http::new()).with_error::<Error>())
        .layer(CircuitBreakerLayer::new("breaker").with_policy(Http::new()).with_error::<Error>())
        .layer(bulkhead().with_error::<Error>())
        .map_err(|_: hyper_util::client::legacy::Error| Error::Down)
        .map_response(box_body)
        .service(client);
    let refused = Request::get("http://127.0.0.1:1/").body(Full::default()).unwrap();
    assert_eq!(in_a_task(stack, refused).await.unwrap_err(), Error::Down);
}

/// In a server: under `HandleErrorLayer` with our one function, around a router and around one service.
#[tokio::test]
async fn under_axum_only_the_policy_is_named() {
    let layers = || {
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(handle_error))
            .layer(FallbackLayer::new(value_from(|_| Response::new(Body::from("sorry")))).with_policy(Http::new()))
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

/// What mistakes say: short, and naming the way out. `TRYBUILD=overwrite` keeps what it says now.
#[test]
fn messages_for_mistakes_compile_to_what_is_kept() {
    let rustc = Command::new(option_env!("RUSTC").unwrap_or("rustc")).arg("--version").output().unwrap();
    let version = String::from_utf8_lossy(&rustc.stdout);
    // Each release of the compiler words its own half of a message anew.
    if !version.starts_with(&format!("rustc {MESSAGES_ARE_OF}.")) {
        return println!("not compared: the messages kept are those of rustc {MESSAGES_ARE_OF}, this is {version}");
    }
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}

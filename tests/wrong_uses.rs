//! Ten wrong uses, each with the error or the one warning that it gives.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::time::Duration;

use http::{Request, Response};
use mainstay_bulkhead::{BulkheadLayer, KeyedLimits, Limit};
use mainstay_circuit_breaker::{Breaker, BreakerSettings, KeyedBreakerSettings, KeyedBreakers};
use mainstay_core::{BoxError, Budget, test::Warnings};
use mainstay_failover::{
    Endpoint, Failover, FailoverSettings, ProbeSettings,
    stack::{DependencyLayer, DependencySettings, Standard, StandardSettings},
};
use mainstay_fallback::FallbackLayer;
use mainstay_http::Grpc;
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use mainstay_tests::Echo;
use tower::{Layer, ServiceExt, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn standard(settings: StandardSettings) -> Result<Standard<Echo>, String> {
    Standard::new("orders", [Endpoint::new("primary", Echo)], settings).map_err(|error| error.to_string())
}

fn dependency(settings: DependencySettings) -> Result<DependencyLayer, String> {
    DependencyLayer::new("orders", settings).map_err(|error| error.to_string())
}

#[tokio::test(start_paused = true)]
async fn fallback_inside_retry_is_logged_once() {
    let (warnings, _guard) = Warnings::collect();
    let orders = RetryLayer::new("orders").layer(FallbackLayer::value("orders", 0_u64).layer(Echo));
    for _ in 0..3 {
        orders.clone().oneshot(7).await.unwrap();
    }
    let line = warnings.only();
    assert!(line.contains("layer=orders") && line.contains("put the fallback outside"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn retry_of_a_body_that_cannot_be_replayed_is_logged_once() {
    let (warnings, _guard) = Warnings::collect();
    let down = service_fn(|_: Request<tonic::body::Body>| async {
        Err::<Response<tonic::body::Body>, BoxError>("connection reset".into())
    });
    let orders = RetryLayer::new("orders").with_policy(Grpc::new().repeating_any_method()).layer(down);
    for _ in 0..3 {
        let message = tonic::body::Body::new(http_body_util::Full::from("message"));
        orders.clone().oneshot(Request::post("/").body(message).unwrap()).await.unwrap_err();
    }
    let line = warnings.only();
    assert!(line.contains("retrier=orders") && line.contains("ReplayableLayer"), "{line}");
}

#[tokio::test(start_paused = true)]
async fn no_policy_over_http_is_logged_once() {
    let (warnings, _guard) = Warnings::collect();
    let failing = service_fn(|()| async { Response::builder().status(500).body(()) });
    let orders = RetryLayer::new("orders").layer(failing);
    for _ in 0..3 {
        orders.clone().oneshot(()).await.unwrap();
    }
    let line = warnings.only();
    assert!(line.contains("with_policy(Http::new())"), "{line}");
}

#[test]
fn attempt_timeout_above_the_total_is_an_error() {
    let expected = "orders: attempt_timeout = 31s: must be below total_timeout, 30s";
    let attempt_timeout = 31 * SECOND;
    assert_eq!(standard(StandardSettings { attempt_timeout, ..StandardSettings::default() }).unwrap_err(), expected);
    let dependent = dependency(DependencySettings { attempt_timeout, ..DependencySettings::default() });
    assert_eq!(dependent.unwrap_err(), expected);
}

#[test]
fn probe_timeout_not_below_the_interval_is_an_error() {
    let probe = ProbeSettings { timeout: 5 * SECOND, ..ProbeSettings::default() };
    let failover = FailoverSettings { probe, ..FailoverSettings::default() };
    let alone = Failover::with_settings("orders", [Endpoint::new("primary", Echo)], failover.clone()).unwrap_err();
    assert_eq!(alone.to_string(), "orders: probe.timeout = 5s: must be below interval, 5s");
    let stack = standard(StandardSettings { failover, ..StandardSettings::default() }).unwrap_err();
    assert_eq!(stack, "orders: failover.probe.timeout = 5s: must be below interval, 5s");
}

/// A warning with both names and numbers: in a stack at its start and at a reload, of a handle at its first request whose
/// context carries the quota.
#[tokio::test(start_paused = true)]
async fn attempts_above_the_quota_are_logged_once() {
    let (warnings, _guard) = Warnings::collect();
    let names_both = |line: String| {
        assert!(line.contains("10") && line.contains("max_attempts") && line.contains('4'), "{line}");
        assert!(line.contains("attempt_quota"), "{line}");
    };
    let retry = RetrySettings { max_attempts: 10, ..RetrySettings::default() };
    let settings = StandardSettings { retry: retry.clone(), ..StandardSettings::default() };
    let stack = standard(settings.clone()).unwrap();
    names_both(warnings.only());
    stack.handles().reconfigure(&settings).unwrap();
    names_both(warnings.only());
    let settings = DependencySettings { retry: retry.clone(), ..DependencySettings::default() };
    let stack = dependency(settings.clone()).unwrap();
    names_both(warnings.only());
    stack.handles().reconfigure(&settings).unwrap();
    names_both(warnings.only());

    let retrier = Retrier::with_settings("orders", retry).unwrap();
    let orders = RetryLayer::with(retrier).with_policy(mainstay_http::Http::new());
    let orders =
        orders.layer(service_fn(|_: Request<String>| async { Ok::<_, BoxError>(Response::new(String::new())) }));
    for _ in 0..3 {
        orders.clone().oneshot(Request::new(String::new())).await.unwrap();
    }
    names_both(warnings.only());
}

#[test]
fn presets_have_no_attempts_above_their_quota() {
    let (warnings, _guard) = Warnings::collect();
    let presets = [RetrySettings::default(), RetrySettings::network(), RetrySettings::database(), RetrySettings::api()];
    for retry in presets {
        assert!(retry.max_attempts <= retry.attempt_quota, "{retry:?}");
        let stack = standard(StandardSettings { retry: retry.clone(), ..StandardSettings::default() }).unwrap();
        assert_eq!(stack.warnings(), []);
        let stack = dependency(DependencySettings { retry: retry.clone(), ..DependencySettings::default() }).unwrap();
        assert_eq!(stack.warnings(), []);
        let changed = RetrySettings { max_attempts: retry.attempt_quota + 1, ..retry };
        let stack = dependency(DependencySettings { retry: changed.clone(), ..DependencySettings::default() }).unwrap();
        let expected = format!(
            "retry.max_attempts: retry.attempt_quota = {} permits fewer attempts than {}",
            changed.attempt_quota, changed.max_attempts
        );
        assert_eq!(stack.warnings()[0].to_string(), expected);
        assert_eq!(warnings.take().len(), 1);
    }
}

#[test]
fn limit_of_zero_is_an_error_that_names_its_owner() {
    let expected = "orders: limit = 0: must be 1 to 1000000";
    assert_eq!(Limit::new("orders", 0).unwrap_err().to_string(), expected);
    assert_eq!(BulkheadLayer::new("orders", 0).unwrap_err().to_string(), expected);
    let keyed = KeyedLimits::<u64>::new("orders", 0).unwrap_err().to_string();
    assert!(keyed.starts_with("orders: limit"), "{keyed}");
    let mut settings = StandardSettings::default();
    settings.bulkhead.limit = 0;
    let bulkhead = settings.bulkhead;
    assert_eq!(standard(settings).unwrap_err(), "orders: bulkhead.limit = 0: must be 1 to 1000000");
    let settings = DependencySettings { bulkhead, ..DependencySettings::default() };
    assert_eq!(dependency(settings).unwrap_err(), "orders: bulkhead.limit = 0: must be 1 to 1000000");
}

#[test]
fn empty_endpoint_name_is_an_error() {
    for name in ["", " "] {
        let expected = format!("endpoints.1.name = {name:?}: must not be empty");
        let endpoints = || [Endpoint::new("primary", Echo), Endpoint::new(name, Echo)];
        let error = Failover::new("orders", endpoints()).unwrap_err().to_string();
        assert!(error.ends_with(&expected), "{error}");
        let error = Standard::new("orders", endpoints(), StandardSettings::default()).unwrap_err().to_string();
        assert!(error.ends_with(&expected), "{error}");
    }
}

#[test]
fn handle_that_is_replaced_where_it_is_shared_is_logged_once() {
    let (warnings, _guard) = Warnings::collect();
    let shared = Retrier::new("orders");
    let kept = shared.clone();
    let _second = shared.with_budget(Budget::new());
    let line = warnings.only();
    assert!(line.contains("retrier=orders") && line.contains("makes a second one"), "{line}");
    drop(kept);

    let stack = standard(StandardSettings::default()).unwrap();
    let kept = stack.handles().clone();
    let _second = stack.with_retry_budget(Budget::new());
    assert!(warnings.only().contains("makes a second one"));
    drop(kept);
    let stack = dependency(DependencySettings::default()).unwrap();
    let _alone = stack.with_retry_budget(Budget::new());
    assert_eq!(warnings.take(), [""; 0], "the handles were not shared");
}

#[test]
fn breaker_without_a_rule_is_an_error() {
    let breaker = BreakerSettings { consecutive_failures: None, failure_rate: None, ..BreakerSettings::default() };
    let error = Breaker::with_settings("orders", breaker.clone()).unwrap_err().to_string();
    assert!(error.starts_with("orders: failure_rate = none: can't be off while every rule is off"), "{error}");
    let keyed = KeyedBreakerSettings { breaker: breaker.clone(), ..KeyedBreakerSettings::default() };
    let error = KeyedBreakers::<u64>::with_settings("orders", keyed).unwrap_err().to_string();
    assert!(error.starts_with("orders: breaker.failure_rate = none"), "{error}");
    let error = dependency(DependencySettings { breaker, ..DependencySettings::default() }).unwrap_err();
    assert!(error.starts_with("orders: breaker.failure_rate = none"), "{error}");
}

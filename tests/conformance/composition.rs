//! Vectors of layers over layers. The stack is built in the order of the vector.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use mainstay_circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, State};
use mainstay_core::{Backoff, BoxError, Reason, Refusal};
use mainstay_failover::stack::StandardStack;
use mainstay_fallback::{Cause, FallbackLayer, value_from};
use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use serde_json::{Value, json};
use tokio::time::sleep;
use tower::{
    Layer, ServiceExt, service_fn,
    util::{BoxCloneService, BoxCloneServiceLayer},
};

use crate::{
    check::Check,
    vector::{Fields, Vector},
};

type Stack = BoxCloneService<u32, String, BoxError>;

/// The handles of the layers, and counters.
struct Harness {
    breaker: Breaker,
    limit: TimeLimit,
    calls: Arc<AtomicU32>,
    saw_open: Arc<AtomicU32>,
}

pub(crate) async fn run(vector: &Vector) -> Check {
    if !vector.body["expect"]["order_checked_by"].is_null() {
        return order(vector);
    }
    let harness = Harness::new();
    let layers = vector.list("stack_outer_to_inner").iter().rev();
    let stack = layers.fold(harness.inner(vector), |stack, layer| harness.layer(layer, stack));
    let result = stack.oneshot(0).await.unwrap_or_else(|error| format!("err:{error}"));
    let failures = harness.breaker.snapshot().failures;
    let mut check = Check::default();
    check.expect_all(0, &vector.body["expect"], |key| {
        Some(match key {
            "inner_calls" => harness.calls.load(Relaxed).into(),
            "result" => result.as_str().into(),
            "timeouts" => harness.limit.snapshot().timed_out.into(),
            "breaker_failures" => failures.into(),
            "breaker_state" => json!(harness.breaker.state().to_string().to_uppercase()),
            "fallback_sees" if harness.saw_open.load(Relaxed) > 0 => "breaker_open".into(),
            "fallback_sees" => Value::Null,
            other => panic!("unknown key {other}"),
        })
    });
    check
}

/// Compares the order of the standard stack with the source's, for the layers that both have.
fn order(vector: &Vector) -> Check {
    let kind = |layer: &Value| match layer.as_str().unwrap().split([' ', '(']).next().unwrap() {
        "total_timeout" => Some("total timeout"),
        "retry" => Some("retry"),
        "circuit_breaker" => Some("breaker"),
        // One source calls a bulkhead a rate limiter of the concurrency.
        "rate_limiter" if layer.as_str().unwrap().contains("concurrency") => Some("bulkhead"),
        "bulkhead" => Some("bulkhead"),
        "attempt_timeout" | "time_limiter" => Some("attempt timeout"),
        _ => None,
    };
    let theirs: Vec<_> = vector.list("stack_outer_to_inner").iter().filter_map(kind).collect();
    let ours: Vec<_> = standard_order().into_iter().filter(|layer| theirs.contains(layer)).collect();
    let mut check = Check::default();
    check.expect(0, "order", &json!(theirs), json!(ours));
    check
}

/// Returns the order of the standard stack, read from its type name.
fn standard_order() -> Vec<&'static str> {
    let mut timeouts = ["total timeout", "attempt timeout"].into_iter();
    let name = std::any::type_name::<StandardStack<()>>();
    let layers = name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| match word {
        "Timeout" => timeouts.next(),
        "Retry" => Some("retry"),
        "Failover" => Some("breaker"),
        "Bulkhead" => Some("bulkhead"),
        _ => None,
    });
    layers.collect()
}

impl Harness {
    fn new() -> Self {
        let settings = BreakerSettings { consecutive_failures: Some(3), ..BreakerSettings::default() };
        Self {
            breaker: Breaker::with_settings("vector", settings).unwrap(),
            limit: TimeLimit::attempt("vector", Duration::from_secs(1)).unwrap(),
            calls: Arc::default(),
            saw_open: Arc::default(),
        }
    }

    /// Creates the inner service, with the delays and the result of the vector.
    fn inner(&self, vector: &Vector) -> Stack {
        let (calls, times) = (self.calls.clone(), vector.list("attempt_durations_ms").to_vec());
        let good = vector.body.text("inner").is_none_or(|inner| inner == "ok");
        let serve = move |_| {
            let time = times.get(calls.fetch_add(1, Relaxed) as usize).and_then(Value::as_u64).unwrap_or(0);
            async move {
                sleep(Duration::from_millis(time)).await;
                if good { Ok("ok".to_owned()) } else { Err(BoxError::from("down")) }
            }
        };
        BoxCloneService::new(service_fn(serve))
    }

    fn layer(&self, layer: &Value, inner: Stack) -> Stack {
        let (name, config) = layer.as_object().unwrap().iter().next().unwrap();
        match name.as_str() {
            "breaker" => {
                if config["state"] == "OPEN" {
                    self.breaker.trip("as in the vector");
                    assert_eq!(self.breaker.state(), State::Open);
                }
                boxed(CircuitBreakerLayer::with(self.breaker.clone()), inner)
            }
            "retry" => {
                let max_attempts = config.count("max_attempts");
                let settings = RetrySettings { max_attempts, backoff: Backoff::none(), ..RetrySettings::default() };
                boxed(RetryLayer::with(Retrier::with_settings("vector", settings).unwrap().without_budget()), inner)
            }
            "timeout_ms" => {
                self.limit.set(Duration::from_millis(config.as_u64().unwrap())).unwrap();
                boxed(TimeoutLayer::with(self.limit.clone()), inner)
            }
            "fallback" => {
                let (answer, saw_open) = (config.as_str().unwrap().to_owned(), self.saw_open.clone());
                let step = value_from(move |cause: Cause<'_, String>| {
                    let refusal = cause.error::<BoxError>().and_then(Refusal::rejected);
                    saw_open.fetch_add(refusal.is_some_and(|why| why.reason() == Reason::CircuitOpen).into(), Relaxed);
                    answer.clone()
                });
                boxed(FallbackLayer::new("fallback", step), inner)
            }
            other => panic!("unknown layer {other}"),
        }
    }
}

fn boxed<L>(layer: L, inner: Stack) -> Stack
where
    L: Layer<Stack> + Send + Sync + 'static,
    L::Service: tower::Service<u32, Response = String, Error = BoxError, Future: Send> + Clone + Send + 'static,
{
    BoxCloneServiceLayer::new(layer).layer(inner)
}

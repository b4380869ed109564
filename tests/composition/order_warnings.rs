//! Each wrong order of the guide that the types show is logged once, and the recommended one is not.

use mainstay_bulkhead::{BulkheadLayer, KeyedBulkheadLayer, KeyedLimits};
use mainstay_circuit_breaker::{CircuitBreakerLayer, GateLayer, KeyedBreakerLayer, KeyedBreakers};
use mainstay_core::test::Warnings;
use mainstay_failover::{
    Endpoint, Failover,
    stack::{DependencyLayer, DependencySettings, Standard, StandardSettings},
};
use mainstay_fallback::{FallbackLayer, Value, value};
use mainstay_retry::RetryLayer;
use mainstay_tests::Echo;
use mainstay_timeout::TimeoutLayer;
use tower::{Layer, ServiceBuilder, load_shed::LoadShedLayer, util::BoxCloneSyncService};

use crate::stacks::SECOND;

fn fallback() -> FallbackLayer<Value<u64>> {
    FallbackLayer::new("fallback", value(0_u64))
}

fn retry() -> RetryLayer {
    RetryLayer::new("retry")
}

fn breaker() -> CircuitBreakerLayer {
    CircuitBreakerLayer::new("breaker")
}

fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new("bulkhead", 10).unwrap()
}

fn total() -> TimeoutLayer {
    TimeoutLayer::total("total", SECOND).unwrap()
}

fn attempt() -> TimeoutLayer {
    TimeoutLayer::attempt("attempt", SECOND).unwrap()
}

fn failover<S: Clone>(service: S) -> Failover<S> {
    Failover::new("failover", [Endpoint::new("primary", service)]).unwrap()
}

fn logged(make: impl FnOnce()) -> Vec<String> {
    let (warnings, _guard) = Warnings::collect();
    make();
    warnings.take()
}

#[test]
fn recommended_order_logs_nothing() {
    let around_one = || {
        let layers = ServiceBuilder::new().layer(fallback()).layer(total()).layer(retry()).layer(breaker());
        drop(layers.layer(bulkhead()).layer(attempt()).service(Echo));
        let settings = DependencySettings::default();
        drop(DependencyLayer::with_fallback("orders", value(0_u64), settings).unwrap().layer(Echo));
    };
    assert_eq!(logged(around_one), [""; 0]);
    let around_many = || {
        let endpoint = bulkhead().layer(attempt().layer(Echo));
        drop(fallback().layer(total().layer(retry().layer(failover(endpoint)))));
        let endpoints = [Endpoint::new("primary", Echo)];
        drop(fallback().layer(Standard::new("x", endpoints, StandardSettings::default()).unwrap().build()));
    };
    assert_eq!(logged(around_many), [""; 0]);
    let keyed = || {
        let limits = KeyedBulkheadLayer::with(KeyedLimits::new("hosts", 3).unwrap(), |id: &u64| *id);
        let breakers = KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), |id: &u64| *id);
        drop(retry().layer(breakers.layer(limits.layer(Echo))));
    };
    assert_eq!(logged(keyed), [""; 0]);
}

/// Fault: an order that the guide calls wrong was accepted without a word.
#[test]
fn wrong_order_is_logged_once_with_its_effect() {
    let is_logged = |layer: &str, problem: &str, make: &dyn Fn()| {
        let lines = logged(make);
        assert_eq!(lines.len(), 1, "{problem}: {lines:?}");
        assert!(lines[0].contains(&format!("layer={layer} ")) && lines[0].contains(problem), "{lines:?}");
    };
    is_logged("retry", "fallback inside of retry", &|| drop(retry().layer(fallback().layer(Echo))));
    is_logged("breaker", "fallback inside of the circuit breaker", &|| drop(breaker().layer(fallback().layer(Echo))));
    is_logged("total", "fallback inside of the total timeout", &|| drop(total().layer(fallback().layer(Echo))));
    is_logged("breaker", "retry inside of the circuit breaker", &|| drop(breaker().layer(retry().layer(Echo))));
    let gate = || drop(GateLayer::with(breaker().handle().clone()).layer(retry().layer(Echo)));
    is_logged("breaker", "retry inside of the circuit breaker", &gate);
    is_logged("failover", "circuit breaker inside of the failover", &|| drop(failover(breaker().layer(Echo))));
    is_logged("retry", "retry inside of retry", &|| drop(retry().layer(retry().layer(Echo))));
    let breakers = || drop(breaker().layer(breaker().layer(Echo)));
    is_logged("breaker", "circuit breaker inside of a circuit breaker", &breakers);
    is_logged("bulkhead", "retry inside of the bulkhead", &|| drop(bulkhead().layer(retry().layer(Echo))));
    is_logged("bulkhead", "circuit breaker inside of the bulkhead", &|| drop(bulkhead().layer(breaker().layer(Echo))));
    is_logged("attempt", "retry inside of the attempt timeout", &|| drop(attempt().layer(retry().layer(Echo))));
    is_logged("attempt", "failover inside of the attempt timeout", &|| drop(attempt().layer(failover(Echo))));
    let around_breaker = || drop(attempt().layer(breaker().layer(Echo)));
    is_logged("attempt", "circuit breaker inside of the attempt timeout", &around_breaker);
    is_logged("attempt", "bulkhead inside of the attempt timeout", &|| drop(attempt().layer(bulkhead().layer(Echo))));
    let keyed = || {
        let limits = KeyedBulkheadLayer::with(KeyedLimits::new("hosts", 3).unwrap(), |id: &u64| *id);
        drop(limits.layer(KeyedBreakerLayer::with(KeyedBreakers::new("hosts"), |id: &u64| *id).layer(Echo)));
    };
    is_logged("hosts", "circuit breaker inside of the bulkhead", &keyed);
}

#[test]
fn wrong_service_inside_of_a_whole_stack_is_logged_once() {
    let lines = logged(|| {
        let endpoints = [Endpoint::new("primary", fallback().layer(Echo))];
        drop(Standard::new("standard", endpoints, StandardSettings::default()).unwrap().build());
        let layer = DependencyLayer::new("dependency", DependencySettings::default()).unwrap();
        drop(layer.layer(retry().layer(Echo)));
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("layer=standard") && lines[0].contains("fallback inside"), "{lines:?}");
    assert!(lines[1].contains("layer=dependency") && lines[1].contains("retry inside"), "{lines:?}");
}

#[test]
fn layer_that_is_applied_many_times_logs_once() {
    let lines = logged(|| {
        let layer = retry();
        for _ in 0..5 {
            drop(layer.clone().layer(fallback().layer(Echo)));
        }
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
}

/// Layers of `tower` are looked through. A second bulkhead at the entrance protects the process.
#[test]
fn wrappers_are_looked_through_and_an_entrance_is_allowed() {
    let lines = logged(|| drop(retry().layer(LoadShedLayer::new().layer(fallback().layer(Echo)))));
    assert_eq!(lines.len(), 1, "{lines:?}");
    let entrance = logged(|| drop(bulkhead().layer(retry().layer(breaker().layer(bulkhead().layer(Echo))))));
    assert_eq!(entrance, [""; 0]);
}

/// What the documentation says is not seen.
#[test]
fn boxed_service_hides_its_layers() {
    let boxed = BoxCloneSyncService::new(fallback().layer(Echo));
    assert_eq!(logged(|| drop(retry().layer(boxed))), [""; 0]);
    assert_eq!(logged(|| drop(retry().layer(total().layer(Echo)))), [""; 0], "the kind of a timeout is a value");
    let longer = || TimeoutLayer::attempt("attempt", 2 * SECOND).unwrap();
    assert_eq!(logged(|| drop(total().layer(longer().layer(Echo)))), [""; 0], "the time of a timeout is a value");
}

/// The type of a `Buffer` does not show the service in it.
#[tokio::test]
async fn buffer_hides_its_layers() {
    let layers = ServiceBuilder::new().layer(retry()).buffer::<u64>(1).layer(fallback());
    assert_eq!(logged(|| drop(layers.service(Echo))), [""; 0]);
}

//! Whole stacks keep the Tower contract, as each layer does.

use std::sync::OnceLock;

use mainstay_bulkhead::{Bulkhead, BulkheadLayer};
use mainstay_circuit_breaker::{Breaker, CircuitBreaker, CircuitBreakerLayer, Gate, GateLayer};
use mainstay_core::{
    Boxed, Plain,
    test::{Expect, Probe, contract},
};
use mainstay_failover::{
    Endpoint,
    stack::{Standard, StandardHandles, StandardSettings, StandardStack},
};
use mainstay_retry::{Retry, RetryLayer};
use tower::Layer;

use crate::stacks::{All, Guarded, limited, retrier};

/// Forces a breaker open until it is dropped.
struct Open(Breaker);

impl Open {
    fn force(breaker: &Breaker) -> Self {
        breaker.force_open("contract");
        Self(breaker.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.reset("contract");
    }
}

fn at_rest(all: &All) -> Result<(), String> {
    let limit = all.limit.snapshot();
    match limit.in_flight + limit.queued {
        0 => Ok(()),
        _ => Err(format!("{} in flight, {} queued", limit.in_flight, limit.queued)),
    }
}

#[test]
fn standard_order_keeps_the_contract() {
    let expect = Expect::default().at_rest(at_rest).answers_for_inner();
    contract("fallback(total(retry(breaker(bulkhead(attempt)))))", expect, || All::new(limited(1)));
}

/// The same without the fallback, whose responses would hide refusals.
struct Refusing(All);

impl Layer<Probe> for Refusing {
    type Service = mainstay_timeout::Timeout<Retry<Guarded<Probe>, Plain, Boxed>>;

    fn layer(&self, probe: Probe) -> Self::Service {
        self.0.without_fallback(probe)
    }
}

#[test]
fn standard_order_without_fallback_keeps_the_contract() {
    let expect = Expect::default()
        .refusing(|layer: &Refusing| Open::force(&layer.0.breaker))
        .at_rest(|layer: &Refusing| at_rest(&layer.0));
    contract("total(retry(breaker(bulkhead(attempt))))", expect, || Refusing(All::new(limited(1))));
}

/// Bulkhead around retry around breaker, with a gate that waits instead of refusing.
struct InsideOut {
    breaker: Breaker,
    bulkhead: BulkheadLayer,
}

impl Layer<Probe> for InsideOut {
    type Service = Bulkhead<Retry<Gate<CircuitBreaker<Probe>>, Plain, Boxed>>;

    fn layer(&self, probe: Probe) -> Self::Service {
        let gated =
            GateLayer::with(Breaker::new("gate")).layer(CircuitBreakerLayer::with(self.breaker.clone()).layer(probe));
        self.bulkhead.layer(RetryLayer::with(retrier(2)).layer(gated))
    }
}

#[test]
fn bulkhead_around_retry_keeps_the_contract() {
    let expect = Expect::default().refusing(|layer: &InsideOut| layer.bulkhead.handle().try_acquire().unwrap());
    contract("bulkhead(retry(gate(breaker)))", expect, || InsideOut {
        breaker: Breaker::new("breaker"),
        bulkhead: BulkheadLayer::new("bulkhead", 1).unwrap(),
    });
}

/// The standard stack over two endpoints, both of which are the probe. It is built once and then cloned.
struct Built(OnceLock<(StandardStack<Probe>, StandardHandles)>);

impl Built {
    fn get(&self, probe: &Probe) -> &(StandardStack<Probe>, StandardHandles) {
        self.0.get_or_init(|| {
            let endpoints = ["primary", "backup"].map(|name| Endpoint::new(name, probe.clone()));
            let standard = Standard::new("standard", endpoints, StandardSettings::default()).unwrap();
            let handles = standard.handles().clone();
            (standard.build(), handles)
        })
    }
}

impl Layer<Probe> for Built {
    type Service = StandardStack<Probe>;

    fn layer(&self, probe: Probe) -> Self::Service {
        self.get(&probe).0.clone()
    }
}

#[test]
fn standard_stack_keeps_the_contract() {
    let expect = Expect::default().at_rest(|built: &Built| {
        let limits = built.0.get().into_iter().flat_map(|(_, handles)| &handles.endpoints);
        match limits.map(|endpoint| endpoint.limit.snapshot().in_flight).sum() {
            0 => Ok(()),
            n => Err(format!("{n} permits are still taken")),
        }
    });
    contract("standard stack", expect, || Built(OnceLock::new()));
}

//! The Tower contract, over every layer of this crate.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

use mainstay_circuit_breaker::{
    Breaker, BreakerSettings, CircuitBreakerLayer, GateLayer, KeyedBreakerLayer, KeyedBreakers, State,
};
use mainstay_core::test::{Expect, Request, contract};

/// Never opens by the rules.
fn breaker() -> Breaker {
    let settings = BreakerSettings { consecutive_failures: Some(1_000), failure_rate: None, ..Default::default() };
    Breaker::with_settings("probe", settings).unwrap()
}

/// Keeps a breaker open until it is dropped.
struct Forced(Breaker);

impl Forced {
    fn open(breaker: &Breaker) -> Self {
        breaker.force_open("test");
        Self(breaker.clone())
    }
}

impl Drop for Forced {
    fn drop(&mut self) {
        self.0.reset("test");
    }
}

#[test]
fn refusing_layer_keeps_the_contract() {
    let expect =
        Expect::default().refusing(|layer: &CircuitBreakerLayer| Forced::open(layer.handle())).at_rest(|layer| {
            match layer.handle().snapshot().state {
                State::HalfOpen => Err("a trial call is left over".to_owned()),
                _ => Ok(()),
            }
        });
    contract("circuit breaker", expect, || CircuitBreakerLayer::with(breaker()));
}

#[test]
fn gate_keeps_the_contract() {
    contract("gate", Expect::default(), || GateLayer::with(breaker()));
}

#[test]
fn keyed_layer_keeps_the_contract() {
    contract("keyed breaker", Expect::default(), || {
        KeyedBreakerLayer::with(KeyedBreakers::new("keys"), |_: &Request| 1_u8)
    });
}

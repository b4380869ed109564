//! The curves: whether the cost of a call grows with calls, keys or endpoints.

use std::task::{Context, Poll};

use mainstay::{
    InvalidSetting,
    circuit_breaker::{
        Breaker, BreakerSettings, CircuitBreakerLayer, KeyedBreakerLayer, KeyedBreakerSettings, KeyedBreakers,
        WindowSettings,
    },
    failover::{Endpoint, Failover},
};
use mainstay_tests::Echo;
use tower::{Layer, Service, ServiceExt, util::Oneshot};

use super::{SECOND, mainstay_layers::WHO};
use crate::{
    drive::{Drive, Tower},
    pattern,
    row::Row,
};

/// Uses another key for each call.
#[derive(Clone)]
struct Rotating<S> {
    service: S,
    keys: u64,
    next: u64,
}

/// Calls a fresh clone each time.
#[derive(Clone)]
struct Cloned<S>(S);

pub(crate) fn rows(most: u64) -> Result<Vec<Row>, InvalidSetting> {
    let mut rows = Vec::new();
    // The same settings cannot fail in the closure below.
    window()?;
    for calls in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|at| *at <= most) {
        rows.push(Row::growing(pattern::CALLS_IN_WINDOW, WHO, calls, move || filled(window().ok(), calls)));
    }
    for keys in [1, 10, 100, 1_000, 10_000, 100_000].into_iter().filter(|at| u64::from(*at) <= most) {
        rows.push(keyed(keys)?);
    }
    for endpoints in [1, 2, 4, 8, 16, 32, 64] {
        let all = (0..endpoints).map(|number| Endpoint::new(format!("endpoint {number}"), Echo));
        let failover = Tower::new(Failover::new("bench", all)?, 1);
        rows.push(Row::point(pattern::ENDPOINTS, WHO, endpoints, failover));
    }
    for endpoints in [1, 2, 4, 8, 16, 32, 64] {
        let all = (0..endpoints).map(|number| Endpoint::new(format!("endpoint {number}"), Echo));
        let cloned = Tower::new(Cloned(Failover::new("bench", all)?), 1);
        rows.push(Row::point(pattern::CLONES, WHO, endpoints, cloned));
    }
    Ok(rows)
}

fn window() -> Result<Breaker, InvalidSetting> {
    let window = WindowSettings::Last(600 * SECOND);
    Breaker::with_settings("bench", BreakerSettings { window, ..BreakerSettings::default() })
}

fn filled(breaker: Option<Breaker>, calls: u64) -> impl Drive {
    let breaker = breaker.unwrap_or_else(|| Breaker::new("bench"));
    let mut drive = Tower::new(CircuitBreakerLayer::with(breaker).layer(Echo), 1);
    (0..calls).for_each(|_| _ = drive.call());
    drive
}

fn keyed(keys: u32) -> Result<Row, InvalidSetting> {
    let settings = KeyedBreakerSettings { capacity: keys * 2, ..KeyedBreakerSettings::default() };
    let breakers = KeyedBreakers::with_settings("bench", settings)?;
    let keys = u64::from(keys);
    for key in 0..keys {
        let breaker = breakers.get(&key);
        (0..120).for_each(|_| breaker.record(mainstay::Outcome::Success));
    }
    let service = KeyedBreakerLayer::with(breakers, |key: &u64| *key).layer(Echo);
    let rotating = Tower::new(Rotating { service, keys, next: 0 }, 1);
    Ok(Row::point(pattern::KEYS, WHO, keys, rotating))
}

// === impl Rotating ===

impl<S: Service<u64>> Service<u64> for Rotating<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, _: u64) -> S::Future {
        // A stride that is coprime to powers of ten: consecutive calls use distant keys.
        self.next = (self.next + 7_919) % self.keys;
        self.service.call(self.next)
    }
}

// === impl Cloned ===

impl<S, Req> Service<Req> for Cloned<S>
where
    S: Service<Req> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, Req>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        self.0.clone().oneshot(request)
    }
}

//! The rows of the table: what is measured.

use std::{sync::Arc, time::Duration};

use mainstay::{
    bulkhead::{BulkheadLayer, Limit},
    circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, SlowCalls, WindowSettings},
    failover::{
        Endpoint, Failover,
        stack::{Standard, StandardSettings},
    },
    fallback::FallbackLayer,
    retry::RetryLayer,
    timeout::{TimeLimit, TimeoutLayer},
};
use mainstay_tests::{Echo, Error};
use tower::{
    Layer, ServiceBuilder,
    limit::GlobalConcurrencyLimitLayer,
    retry::{
        Policy, RetryLayer as TowerRetryLayer,
        budget::{Budget, TpsBudget},
    },
};

use crate::measure::Row;

/// What the other rows are compared with.
pub(crate) const REFERENCE: &str = "tower ConcurrencyLimit";

const SECOND: Duration = Duration::from_secs(1);

/// The bare service first.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows =
        vec![Row::new("bare service", Echo), Row::new(REFERENCE, GlobalConcurrencyLimitLayer::new(64).layer(Echo))];
    rows.push(Row::new("tower Retry + TpsBudget", TowerRetryLayer::new(Budgeted::default()).layer(Echo)));
    let tower_stack = ServiceBuilder::new()
        .layer(tower::timeout::TimeoutLayer::new(SECOND))
        .layer(TowerRetryLayer::new(Budgeted::default()))
        .layer(GlobalConcurrencyLimitLayer::new(64));
    rows.push(Row::new("tower timeout(retry(limit))", tower_stack.service(Echo)));
    rows.extend(breakers());
    rows.push(Row::new("retry", RetryLayer::new().layer(Echo)));
    rows.push(Row::new("fallback", FallbackLayer::value(0_u64).layer(Echo)));
    rows.extend(limits());
    rows.extend(stacks());
    rows
}

fn breakers() -> Vec<Row> {
    let defaults = BreakerSettings::default;
    let kinds = [
        ("breaker", defaults()),
        ("breaker, abandoned calls unnoticed", BreakerSettings { abandoned_after: None, ..defaults() }),
        (
            "breaker, slow calls too",
            BreakerSettings { slow_calls: Some(SlowCalls { duration: SECOND, rate: 0.5 }), ..defaults() },
        ),
        ("breaker, time window", BreakerSettings { window: WindowSettings::Last(10 * SECOND), ..defaults() }),
    ];
    let rows = kinds.into_iter().filter_map(|(name, settings)| {
        let breaker = Breaker::with_settings("bench", settings).ok()?;
        Some(Row::new(name, CircuitBreakerLayer::with(breaker).layer(Echo)))
    });
    let open = Breaker::new("bench");
    open.force_open("bench");
    let refusing = CircuitBreakerLayer::with(open).with_error::<Error>().layer(Echo);
    rows.chain([Row::new("breaker, open: refuses", refusing)]).collect()
}

fn limits() -> Vec<Row> {
    let mut rows = Vec::new();
    if let (Ok(free), Ok(full), Ok(time)) =
        (Limit::new("bench", 64), Limit::new("bench", 1), TimeLimit::attempt("bench", SECOND))
    {
        rows.push(Row::new("bulkhead", BulkheadLayer::with(free).layer(Echo)));
        // Held for as long as the process lives.
        std::mem::forget(full.try_acquire());
        let refusing = BulkheadLayer::with(full).with_error::<Error>().layer(Echo);
        rows.push(Row::new("bulkhead, full: refuses", refusing));
        rows.push(Row::new("attempt timeout", TimeoutLayer::with(time).layer(Echo)));
    }
    rows
}

fn stacks() -> Vec<Row> {
    let mut rows = Vec::new();
    if let Ok(limit) = Limit::new("bench", 64) {
        let four = ServiceBuilder::new()
            .layer(FallbackLayer::value(0_u64))
            .layer(RetryLayer::new())
            .layer(CircuitBreakerLayer::new("bench"))
            .layer(BulkheadLayer::with(limit));
        rows.push(Row::new("fallback(retry(breaker(bulkhead)))", four.service(Echo)));
    }
    let endpoints = || [Endpoint::new("primary", Echo), Endpoint::new("backup", Echo)];
    if let Ok(failover) = Failover::new("bench", endpoints()) {
        rows.push(Row::new("failover over two endpoints", failover));
    }
    if let Ok(standard) = Standard::new("bench", endpoints(), StandardSettings::default()) {
        rows.push(Row::new("the standard stack", standard.build()));
    }
    rows
}

/// Tower's own policy over its own budget: what its documentation shows.
#[derive(Clone, Default)]
struct Budgeted(Arc<TpsBudget>);

impl<Res, E> Policy<u64, Res, E> for Budgeted {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<Res, E>) -> Option<Self::Future> {
        if result.is_ok() {
            self.0.deposit();
            return None;
        }
        self.0.withdraw().then(|| std::future::ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

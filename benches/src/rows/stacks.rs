//! Our stacks.

use mainstay::{
    InvalidSetting,
    bulkhead::{BulkheadLayer, Limit},
    circuit_breaker::{Breaker, CircuitBreakerLayer},
    failover::{
        Endpoint,
        stack::{Standard, StandardSettings},
    },
    fallback::FallbackLayer,
    retry::RetryLayer,
};
use mainstay_tests::Echo;
use tower::ServiceBuilder;

use super::ours::{LASTING, WHO};
use crate::{drive::Tower, pattern, row::Row};

pub(crate) fn rows() -> Result<Vec<Row>, InvalidSetting> {
    // Counts every call whatever is asked: the handles do, for their snapshots. The row stands twice, beside peers that
    // count and peers that do not.
    let mut rows = Vec::new();
    for name in [pattern::STACK, pattern::COUNTED] {
        let four = ServiceBuilder::new()
            .layer(FallbackLayer::value("fallback", 0_u64))
            .layer(RetryLayer::new("retry"))
            .layer(CircuitBreakerLayer::new("bench"))
            .layer(BulkheadLayer::new("bench", 64)?);
        rows.push(Row::new(name, WHO, Tower::new(four.service(Echo), 1)));
        let lasting = ServiceBuilder::new()
            .layer(FallbackLayer::value("fallback", 0_u64))
            .layer(RetryLayer::new("retry"))
            .layer(CircuitBreakerLayer::with(Breaker::new("bench").leak()))
            .layer(BulkheadLayer::with(Limit::new("bench", 64)?.leak()));
        rows.push(Row::new(name, LASTING, Tower::new(lasting.service(Echo), 1)));
    }
    let endpoints = [Endpoint::new("primary", Echo), Endpoint::new("backup", Echo)];
    let standard = Standard::new("bench", endpoints, StandardSettings::default())?.build();
    rows.push(Row::new(pattern::STANDARD, WHO, Tower::new(standard, 1)));
    Ok(rows)
}

//! The stacks of Mainstay.

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

use super::mainstay_layers::{LEAKED, WHO};
use crate::{drive::Tower, pattern, row::Row};

pub(crate) fn rows() -> Result<Vec<Row>, InvalidSetting> {
    // The handles count every call, for their snapshots. The stack has two rows: one is compared with peers that do not
    // count, the other with peers that do.
    let mut rows = Vec::new();
    for name in [pattern::STACK, pattern::COUNTED] {
        let four = ServiceBuilder::new()
            .layer(FallbackLayer::value("fallback", 0_u64))
            .layer(RetryLayer::new("retry"))
            .layer(CircuitBreakerLayer::new("bench"))
            .layer(BulkheadLayer::new("bench", 64)?);
        rows.push(Row::new(name, WHO, Tower::new(four.service(Echo), 1)));
        let leaked = ServiceBuilder::new()
            .layer(FallbackLayer::value("fallback", 0_u64))
            .layer(RetryLayer::new("retry"))
            .layer(CircuitBreakerLayer::with(Breaker::new("bench").leak()))
            .layer(BulkheadLayer::with(Limit::new("bench", 64)?.leak()));
        rows.push(Row::new(name, LEAKED, Tower::new(leaked.service(Echo), 1)));
    }
    let endpoints = [Endpoint::new("primary", Echo), Endpoint::new("backup", Echo)];
    let standard = Standard::new("bench", endpoints, StandardSettings::default())?.build();
    rows.push(Row::new(pattern::STANDARD, WHO, Tower::new(standard, 1)));
    Ok(rows)
}

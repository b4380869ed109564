//! Stacks as a server drives them.

use mainstay::{
    InvalidSetting,
    bulkhead::BulkheadLayer,
    circuit_breaker::CircuitBreakerLayer,
    failover::{
        Endpoint,
        stack::{Standard, StandardSettings},
    },
    fallback::{FallbackLayer, value_from},
    http::Http,
    retry::RetryLayer,
};
use tower::ServiceBuilder;

use super::mainstay_layers::WHO;
use crate::{
    drive::Served,
    pattern,
    row::{Bare, Row},
    work::{Page, unavailable},
};

pub(crate) fn rows() -> Result<Vec<Row>, InvalidSetting> {
    let http = Http::new();
    let four = ServiceBuilder::new()
        .layer(FallbackLayer::new("fallback", value_from(|_| unavailable())).with_policy(http))
        .layer(RetryLayer::new("retry").with_policy(http))
        .layer(CircuitBreakerLayer::new("bench").with_policy(http))
        .layer(BulkheadLayer::new("bench", 64)?.with_policy(http));
    let endpoints = [Endpoint::new("primary", Page), Endpoint::new("backup", Page)];
    let standard = Standard::new("bench", endpoints, StandardSettings::default())?.with_policy(http).build();
    Ok(vec![
        Row::new(pattern::SERVED, WHO, Served::new(four.service(Page))).over(Bare::Page),
        Row::new(pattern::SERVED_STANDARD, WHO, Served::new(standard)).over(Bare::Page),
    ])
}

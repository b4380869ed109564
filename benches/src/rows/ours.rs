//! Our layers, one by one.

use mainstay::{
    InvalidSetting,
    bulkhead::{BulkheadLayer, Limit},
    circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, SlowCalls, WindowSettings},
    failover::{Endpoint, Failover},
    fallback::FallbackLayer,
    http::Http,
    retry::RetryLayer,
    timeout::{TimeLimit, TimeoutLayer},
};
use mainstay_tests::{Echo, Error};
use tower::Layer;

use super::SECOND;
use crate::{
    drive::Tower,
    pattern,
    row::{Bare, Row},
    work::{Later, Site, request},
};

pub(crate) const WHO: &str = "mainstay";
/// With a handle that counts no references.
const LASTING: &str = "mainstay, lasting";

pub(crate) fn rows() -> Result<Vec<Row>, InvalidSetting> {
    let mut rows = breakers()?;
    rows.extend(limits()?);
    rows.push(Row::new(pattern::RETRY, WHO, Tower::new(RetryLayer::new().layer(Echo), 1)));
    rows.push(Row::new(pattern::FALLBACK, WHO, Tower::new(FallbackLayer::value(0_u64).layer(Echo), 1)));
    let failover = Failover::new("bench", [Endpoint::new("primary", Echo), Endpoint::new("backup", Echo)])?;
    rows.push(Row::new(pattern::FAILOVER, WHO, Tower::new(failover, 1)));
    let http = RetryLayer::new().with_policy(Http::new()).layer(Site);
    rows.push(Row::new(pattern::HTTP, WHO, Tower::new(http, request())).over(Bare::Site));
    Ok(rows)
}

fn breakers() -> Result<Vec<Row>, InvalidSetting> {
    let defaults = BreakerSettings::default;
    let slow_calls = Some(SlowCalls { duration: SECOND, rate: 0.5 });
    let kinds = [
        (pattern::BREAKER, BreakerSettings { abandoned_after: None, ..defaults() }),
        (pattern::ABANDONED, defaults()),
        (pattern::SLOW, BreakerSettings { slow_calls, ..defaults() }),
        (pattern::TIMED, BreakerSettings { window: WindowSettings::Last(30 * SECOND), ..defaults() }),
    ];
    let mut rows = Vec::new();
    for (name, settings) in kinds {
        let breaker = Breaker::with_settings("bench", settings)?;
        rows.push(Row::new(name, WHO, Tower::new(CircuitBreakerLayer::with(breaker).layer(Echo), 1)));
    }
    let lasting = CircuitBreakerLayer::with(Breaker::new("bench").lasting());
    rows.push(Row::new(pattern::ABANDONED, LASTING, Tower::new(lasting.layer(Echo), 1)));
    let open = Breaker::new("bench");
    open.force_open("bench");
    let refusing = CircuitBreakerLayer::with(open).with_error::<Error>().layer(Echo);
    rows.push(Row::new(pattern::OPEN, WHO, Tower::new(refusing, 1)).refusing());
    Ok(rows)
}

fn limits() -> Result<Vec<Row>, InvalidSetting> {
    let full = Limit::new("bench", 1)?;
    // Held for as long as the process lives.
    std::mem::forget(full.try_acquire());
    let refusing = BulkheadLayer::with(full).with_error::<Error>().layer(Echo);
    let timeout = TimeoutLayer::with(TimeLimit::attempt("bench", SECOND)?);
    Ok(vec![
        Row::new(pattern::BULKHEAD, WHO, Tower::new(BulkheadLayer::new("bench", 64)?.layer(Echo), 1)),
        Row::new(pattern::FULL, WHO, Tower::new(refusing, 1)).refusing(),
        Row::new(pattern::TIMEOUT, WHO, Tower::new(timeout.clone().layer(Echo), 1)),
        Row::new(pattern::ARMED, WHO, Tower::new(timeout.layer(Later), 1)).over(Bare::Later),
    ])
}

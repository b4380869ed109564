//! The layers of Mainstay, one by one.

use mainstay::{
    InvalidSetting,
    bulkhead::{BulkheadLayer, Limit},
    circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer, SlowCalls, WindowSettings},
    failover::{AllDown, Endpoint, Failover, FailoverSettings, HoldSettings},
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
/// With leaked handles, whose clones count no references.
pub(crate) const LEAKED: &str = "mainstay, leaked";

pub(crate) fn rows() -> Result<Vec<Row>, InvalidSetting> {
    let mut rows = breakers()?;
    rows.extend(limits()?);
    rows.push(Row::new(pattern::RETRY, WHO, Tower::new(RetryLayer::new("retry").layer(Echo), 1)));
    rows.push(Row::new(pattern::FALLBACK, WHO, Tower::new(FallbackLayer::value("fallback", 0_u64).layer(Echo), 1)));
    rows.extend(failovers()?);
    let http = RetryLayer::new("retry").with_policy(Http::new()).layer(Site);
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
    let leaked = CircuitBreakerLayer::with(Breaker::new("bench").leak());
    rows.push(Row::new(pattern::ABANDONED, LEAKED, Tower::new(leaked.layer(Echo), 1)));
    let open = Breaker::new("bench");
    open.force_open("bench");
    let refusing = CircuitBreakerLayer::with(open).with_error::<Error>().layer(Echo);
    rows.push(Row::new(pattern::OPEN, WHO, Tower::new(refusing, 1)).refusing());
    Ok(rows)
}

fn failovers() -> Result<Vec<Row>, InvalidSetting> {
    let two = || [Endpoint::new("primary", Echo), Endpoint::new("backup", Echo)];
    let mut rows = vec![Row::new(pattern::FAILOVER, WHO, Tower::new(Failover::new("bench", two())?, 1))];
    // Longer than any run, so that no endpoint returns during it.
    let hold = HoldSettings { base: 3_600 * SECOND, max: 3_600 * SECOND, ..HoldSettings::default() };
    let settings = FailoverSettings { all_down: Some(AllDown::Refuse), hold, ..FailoverSettings::default() };
    let none = Failover::with_settings("bench", two(), settings)?.with_error::<Error>();
    for endpoint in ["primary", "backup"] {
        none.handle().take_out(endpoint, "bench")?;
    }
    rows.push(Row::new(pattern::NONE, WHO, Tower::new(none, 1)).refusing());
    Ok(rows)
}

fn limits() -> Result<Vec<Row>, InvalidSetting> {
    let full = Limit::new("bench", 1)?;
    // Leaked, so that the bulkhead stays full.
    std::mem::forget(full.try_acquire());
    let refusing = BulkheadLayer::with(full).with_error::<Error>().layer(Echo);
    let leaked = BulkheadLayer::with(Limit::new("bench", 64)?.leak());
    let timeout = TimeoutLayer::with(TimeLimit::attempt("bench", SECOND)?);
    Ok(vec![
        Row::new(pattern::BULKHEAD, WHO, Tower::new(BulkheadLayer::new("bench", 64)?.layer(Echo), 1)),
        Row::new(pattern::BULKHEAD, LEAKED, Tower::new(leaked.layer(Echo), 1)),
        Row::new(pattern::FULL, WHO, Tower::new(refusing, 1)).refusing(),
        Row::new(pattern::TIMEOUT, WHO, Tower::new(timeout.clone().layer(Echo), 1)),
        Row::new(pattern::ARMED, WHO, Tower::new(timeout.layer(Later), 1)).over(Bare::Later),
    ])
}

//! How long a response is fresh, and how old it is (RFC 9111, 4.2).

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use httpdate::parse_http_date;

use crate::cache::{
    control::{RequestDirectives, ResponseDirectives, seconds},
    scope::Scope,
};

/// Returns the time for which a response is fresh, if it says so. The times that a cache may guess are not used: a
/// response that says nothing is stale at once.
pub(super) fn freshness(control: &ResponseDirectives, headers: &HeaderMap, scope: Scope) -> Option<Duration> {
    let shared = control.s_maxage.filter(|_| scope == Scope::Shared);
    match shared.or(control.max_age) {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => expires(headers),
    }
}

/// Returns the time between `Date` and `Expires`, both by the clock of the server. What is no date is in the past (RFC
/// 9111, 5.3), and so is a date without another one to compare it with.
fn expires(headers: &HeaderMap) -> Option<Duration> {
    let date = |value: &HeaderValue| parse_http_date(value.to_str().ok()?).ok();
    let mut lines = headers.get_all(header::EXPIRES).iter().peekable();
    lines.peek()?;
    let earliest = lines.map(date).min()?;
    let sent = headers.get(header::DATE).and_then(date);
    Some(earliest.zip(sent).and_then(|(expires, sent)| expires.duration_since(sent).ok()).unwrap_or_default())
}

/// Returns the age that a response had when it arrived, by its `Age` (RFC 9111, 5.1). `Date` is not compared with this
/// clock, because the two may differ.
pub(super) fn initial_age(headers: &HeaderMap) -> Duration {
    let age = headers.get(header::AGE).map(HeaderValue::as_bytes).unwrap_or_default();
    Duration::from_secs(seconds(age.split(|byte| *byte == b',').next().map(<[u8]>::trim_ascii)))
}

/// Returns the greatest age at which the response may be an answer, or `None` if only the settings of the user limit it
/// (RFC 9111, 4.2.4; RFC 5861, 4).
pub(super) fn usable(control: &ResponseDirectives, fresh: Option<Duration>, scope: Scope) -> Option<Duration> {
    let is_shared = scope == Scope::Shared;
    let fresh_only = control.must_revalidate || is_shared && (control.proxy_revalidate || control.s_maxage.is_some());
    let fresh = fresh.unwrap_or_default();
    match control.stale_if_error {
        _ if fresh_only => Some(fresh),
        Some(seconds) => Some(fresh + Duration::from_secs(seconds)),
        None => None,
    }
}

/// Returns whether an answer of this age satisfies the request (RFC 9111, 5.2.1; RFC 5861, 4).
pub(super) fn satisfies(request: &RequestDirectives, age: Duration, fresh: Option<Duration>) -> bool {
    let stale = age.saturating_sub(fresh.unwrap_or_default());
    let within = |limit: Option<u64>, time: Duration| limit.is_none_or(|limit| time <= Duration::from_secs(limit));
    // With `max-age` alone, the client wants no stale answer. One without a lifetime is not called stale here.
    let may_be_stale = request.max_age.is_none() || request.max_stale.is_some();
    (may_be_stale || fresh.is_none_or(|fresh| age < fresh))
        && within(request.max_age, age)
        && within(request.max_stale, stale)
        && within(request.stale_if_error, stale)
        && request
            .min_fresh
            .is_none_or(|least| fresh.unwrap_or_default().saturating_sub(age) >= Duration::from_secs(least))
}

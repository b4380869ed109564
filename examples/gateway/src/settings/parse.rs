//! From text to values. `None`: not what the table of fields allows.

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use http::Uri;
use mainstay_http::proxy::Inbound;

use super::{Environment, LogFormat};

/// What the gateway answers itself.
const OWN_PATHS: &[&str] = &["/healthz", "/ready", "/live", "/startup", "/status.json", "/metrics"];

pub(super) fn environment(text: &str) -> Option<Environment> {
    match text.to_ascii_lowercase().as_str() {
        "development" => Some(Environment::Development),
        "production" => Some(Environment::Production),
        _ => None,
    }
}

pub(super) fn inbound(text: &str) -> Option<Inbound> {
    match text.to_ascii_lowercase().as_str() {
        "drop" => Some(Inbound::Untrusted),
        "append" => Some(Inbound::Trusted),
        _ => None,
    }
}

pub(super) fn log_format(text: &str) -> Option<LogFormat> {
    match text.to_ascii_lowercase().as_str() {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    }
}

pub(super) fn log_level(text: &str) -> Option<tracing::Level> {
    // A level may also be a number for tracing, and `trace` is hyper's business.
    let known = ["error", "warn", "info", "debug"].into_iter().any(|word| word.eq_ignore_ascii_case(text));
    known.then(|| text.parse().ok()).flatten()
}

pub(super) fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

pub(super) fn seconds(text: &str) -> Option<Duration> {
    seconds_within(0.001..=86_400.0, text)
}

pub(super) fn seconds_or_zero(text: &str) -> Option<Duration> {
    seconds_within(0.0..=86_400.0, text)
}

pub(super) fn backoff(text: &str) -> Option<Duration> {
    seconds_within(0.001..=60.0, text)
}

/// NaN is in no range.
fn seconds_within(range: RangeInclusive<f64>, text: &str) -> Option<Duration> {
    let seconds = text.parse().ok().filter(|seconds| range.contains(seconds))?;
    Duration::try_from_secs_f64(seconds).ok()
}

pub(super) fn count(text: &str) -> Option<u32> {
    whole(1..=1_000, text)
}

pub(super) fn retries(text: &str) -> Option<u32> {
    whole(0..=10, text)
}

pub(super) fn many(text: &str) -> Option<u32> {
    whole(1..=1_000_000, text)
}

fn whole(range: RangeInclusive<u32>, text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| range.contains(number))
}

pub(super) fn urls(text: &str) -> Option<Vec<Uri>> {
    text.split(',').map(|part| url(part.trim())).collect()
}

/// A backend's address. Credentials are refused, because addresses are shown in logs and on pages.
pub(super) fn url(text: &str) -> Option<Uri> {
    if text.contains(['#', '?', '@']) {
        return None;
    }
    let uri: Uri = text.trim_end_matches('/').parse().ok()?;
    let usable = uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty());
    usable.then_some(uri)
}

/// A path to forward: no character that a router or a proxy gives a meaning, and nothing of the gateway's own.
pub(super) fn prefix(text: &str) -> Option<String> {
    let prefix = text.strip_suffix('/').unwrap_or(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(plain);
    let well_formed = prefix.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment));
    (well_formed && !OWN_PATHS.contains(&prefix)).then(|| prefix.to_owned())
}

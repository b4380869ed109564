//! The response bodies, as JSON. The serializer escapes names; reasons appear only with details.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mainstay_core::Level;
use serde::{Serialize, Serializer};

use crate::snapshot::CheckSnapshot;

#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    timestamp: String,
    #[serde(serialize_with = "by_name")]
    checks: &'a [(&'a str, Check<'a>)],
}

#[derive(Serialize)]
struct Check<'a> {
    status: &'static str,
    critical: bool,
    #[serde(flatten)]
    details: Option<Details<'a>>,
}

#[derive(Serialize)]
struct Details<'a> {
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<f64>,
    consecutive_failures: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    message: &'a str,
}

/// A report in the form of draft-inadarei-api-health-check.
#[derive(Serialize)]
struct HealthJson<'a> {
    status: &'static str,
    #[serde(serialize_with = "by_name")]
    checks: &'a [(&'a str, [HealthJsonCheck<'a>; 1])],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HealthJsonCheck<'a> {
    component_type: &'static str,
    status: &'static str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observed_unit: Option<&'static str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    output: &'a str,
}

#[derive(Serialize)]
struct NotReady<'a> {
    ready: bool,
    reason: &'a str,
}

/// The body of `/healthz`.
pub(super) fn plain(level: Level, checks: &[CheckSnapshot], details: bool) -> Vec<u8> {
    let now = Timestamp::now();
    let show = |check| Check::new(check, details, now);
    let checks: Vec<_> = checks.iter().map(|check| (check.name.as_str(), show(check))).collect();
    let status = match level {
        Level::Healthy => "ok",
        level => level.as_str(),
    };
    bytes(&Report { status, timestamp: date(now), checks: &checks })
}

/// The body of `/healthz` for a client that asks for `application/health+json`.
pub(super) fn health_json(level: Level, checks: &[CheckSnapshot], details: bool) -> Vec<u8> {
    let now = Timestamp::now();
    let show = |check| [HealthJsonCheck::new(check, details, now)];
    let checks: Vec<_> = checks.iter().map(|check| (check.name.as_str(), show(check))).collect();
    bytes(&HealthJson { status: draft_status(level), checks: &checks })
}

/// The body of `/ready` while the process is not ready.
pub(super) fn not_ready(reason: &str) -> Vec<u8> {
    bytes(&NotReady { ready: false, reason })
}

impl<'a> Check<'a> {
    fn new(check: &'a CheckSnapshot, details: bool, now: Timestamp) -> Self {
        let details = details.then(|| Details {
            since: date(before(now, check.held)),
            duration_ms: check.took.map(millis),
            consecutive_failures: check.consecutive_failures,
            message: &check.reason,
        });
        Self { status: check.level.as_str(), critical: check.critical, details }
    }
}

impl<'a> HealthJsonCheck<'a> {
    fn new(check: &'a CheckSnapshot, details: bool, now: Timestamp) -> Self {
        let took = check.took.filter(|_| details).map(millis);
        Self {
            component_type: "component",
            status: draft_status(check.level),
            time: date(before(now, check.age.unwrap_or_default())),
            observed_value: took,
            observed_unit: took.map(|_| "ms"),
            output: if details { &check.reason } else { "" },
        }
    }
}

/// Returns the draft's name of a level.
fn draft_status(level: Level) -> &'static str {
    match level {
        Level::Healthy => "pass",
        Level::Degraded => "warn",
        Level::Unhealthy | Level::Unknown => "fail",
    }
}

/// Formats a time by RFC 3339, in UTC, with milliseconds.
fn date(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    SignedDuration::try_from(age).ok().and_then(|age| now.checked_sub(age).ok()).unwrap_or(now)
}

fn millis(took: Duration) -> f64 {
    // Rounded to microseconds.
    took.as_micros() as f64 / 1_000.0
}

fn by_name<S: Serializer, T: Serialize>(checks: &[(&str, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(checks.iter().map(|(name, check)| (name, check)))
}

/// Serialization of these types cannot fail: keys are strings, numbers are finite.
fn bytes(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).unwrap_or_default()
}

//! The table of settings: what `--help` prints, what errors say, and which names a file may use.

use std::fmt::Write;

/// One setting. Its name in a file is the same in lower case.
#[derive(Debug)]
pub(crate) struct Field {
    /// The environment variable.
    pub(crate) name: &'static str,
    /// As the user would write it; empty: none.
    pub(crate) default: &'static str,
    pub(crate) allowed: &'static str,
    pub(crate) meaning: &'static str,
}

const SECONDS: &str = "0.001 to 86400";
const SECONDS_OR_ZERO: &str = "0 to 86400";
const COUNT: &str = "1 to 1000";
const URL: &str = "http://host[:port][/path], without user, query or fragment";

/// Every setting, in the order in which people ask about them.
#[rustfmt::skip]
pub(crate) const FIELDS: &[Field] = &[
    field("LISTEN_ADDR", "127.0.0.1:8080", "an IP address and a port", "where to listen; port 0 takes a free one"),
    field("ENVIRONMENT", "development", "development or production",
        "in production backends must be named, and health endpoints show no details"),
    field("BACKEND_API_URL", "", URL, "the primary; without one, two demo backends are started"),
    field("BACKEND_API_FALLBACK_URL", "", "one or several of the same, separated by commas",
        "the backups, in the order in which they are tried"),
    field("API_PREFIX", "/api/v1", "a path of letters, digits and - . _ ~ that the gateway does not answer itself",
        "everything under it is forwarded"),
    field("FORWARDED_HEADERS", "drop", "drop or append",
        "what to do with X-Forwarded-* that arrive: drop what anybody can write, or append to what our own proxies wrote"),
    field("BACKEND_HEALTH_TIMEOUT_SECONDS", "1", SECONDS, "how long one probe may take"),
    field("BACKEND_HEALTH_FAILURE_THRESHOLD", "2", COUNT, "failures in a row after which a backend is left"),
    field("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "5", SECONDS, "time between two probes of a backend"),
    field("BACKEND_HEALTH_PROBE_MAX_RETRIES", "2", "0 to 10", "further attempts of a probe that failed"),
    field("BACKEND_HEALTH_PROBE_BACKOFF_BASE_SECONDS", "0.5", "0.001 to 60", "the wait before the first of them; it doubles"),
    field("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "30", SECONDS,
        "how long a backend that was left stays without traffic, however healthy"),
    field("BACKEND_HEALTH_RECOVERY_SUCCESS_THRESHOLD", "2", COUNT, "good probes in a row before traffic returns"),
    field("REQUEST_TIMEOUT_SECONDS", "30", SECONDS, "how long a client waits at most for the head of its answer"),
    field("ATTEMPT_TIMEOUT_SECONDS", "10", SECONDS, "how long one backend may take for it"),
    field("MAX_CONCURRENT_REQUESTS", "1024", "1 to 1000000", "requests in flight; beyond it, 503 with Retry-After"),
    field("DRAIN_DELAY_SECONDS", "5", SECONDS_OR_ZERO,
        "time from SIGTERM to closing the listener, for load balancers to notice"),
    field("DRAIN_TIMEOUT_SECONDS", "20", SECONDS_OR_ZERO, "time from then on for requests in flight to finish"),
    field("LOG_FORMAT", "text", "text or json", "lines for people, or one JSON object a line"),
    field("LOG_LEVEL", "info", "error, warn, info or debug", "how much is logged"),
];

/// The table as `--help` prints it.
pub(crate) fn table() -> String {
    let mut table = String::new();
    for Field { name, default, allowed, meaning } in FIELDS {
        let default = if default.is_empty() { "none" } else { default };
        // Writing to a string cannot fail.
        let _ = writeln!(table, "  {name}\n      {meaning}\n      {allowed}; default {default}");
    }
    table
}

const fn field(name: &'static str, default: &'static str, allowed: &'static str, meaning: &'static str) -> Field {
    Field { name, default, allowed, meaning }
}

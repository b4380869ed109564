//! The table of settings: each key of the file, its environment variable, and what `--help` prints about it.

use std::{fmt::Write, time::Duration};

use mainstay_settings::FlatName;

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The key in the file, the variable, and its default and range as the variable would have them.
    pub(crate) flat: FlatName,
    pub(crate) meaning: &'static str,
}

// Variables and flat keys hold numbers of seconds. The nested keys hold durations.
const SECONDS: &str = "0.001 to 86400";
const SECONDS_OR_ZERO: &str = "0 to 86400";
const COUNT: &str = "1 to 1000";
pub(super) const URL: &str = "http://host[:port][/path], port 1 to 65535, without user, query or fragment";
const URLS: &str = "URLs as for backend.url, separated by commas; in the file also a list";
pub(super) const PATH: &str =
    "a path such as /healthz, with / at its start, without . and .. segments, query and fragment";
const PREFIX: &str = "a path such as /api/v1, of letters, digits and - . _ ~, that the gateway does not answer itself";

/// Every setting, in the order in which an operator needs them.
#[rustfmt::skip]
pub(crate) static SETTINGS: &[Setting] = &[
    setting("listen_addr", "LISTEN_ADDR", "127.0.0.1:8080", "an IP address and a port, such as 0.0.0.0:8080",
        "where to listen; port 0 takes a free one"),
    setting("environment", "ENVIRONMENT", "development", "development or production",
        "in production backends must be named, and health endpoints show no details"),
    setting("backend.url", "BACKEND_API_URL", "", URL, "the primary; without one, two demo backends are started"),
    setting("backend.fallback_urls", "BACKEND_API_FALLBACK_URL", "", URLS,
        "the backups, in the order in which they are tried"),
    setting("backend.api_prefix", "API_PREFIX", "/api/v1", PREFIX, "every path below it is forwarded"),
    setting("backend.forwarded_headers", "FORWARDED_HEADERS", "drop", "drop or append",
        "X-Forwarded-* of a request: drop them, or append to them if only your own proxies can send requests"),
    setting("backend.preserve_host", "PRESERVE_HOST", "false", "true or false",
        "send the Host that the client requested to the backends, instead of their own"),
    setting("backend.pool_idle", "POOL_IDLE_SECONDS", "4", SECONDS,
        "how long an idle connection to a backend is kept; below the idle time of the backends"),
    setting("backend.max_response_fields", "MAX_RESPONSE_FIELDS", "256", "1 to 10000",
        "header fields that an answer may have; one with more gets 502 and counts against no backend"),
    setting("health.probe_path", "BACKEND_HEALTH_PROBE_PATH", "", PATH,
        "the path below the URL of each backend that a probe asks for, and that must answer 2xx; without one, healthz below backend.api_prefix: /api/v1/healthz"),
    setting("health.timeout", "BACKEND_HEALTH_TIMEOUT_SECONDS", "1", SECONDS,
        "how long one probe may take, and a request wait for a backend before it is also sent to the next one"),
    setting("health.failure_threshold", "BACKEND_HEALTH_FAILURE_THRESHOLD", "2", COUNT,
        "failed probes or connections in a row after which a backend is left; so many failed requests ask for a probe"),
    setting("health.recheck_interval", "BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", "5", SECONDS,
        "time between two probes of a backend"),
    setting("health.probe_max_retries", "BACKEND_HEALTH_PROBE_MAX_RETRIES", "2", "0 to 10",
        "further attempts of a probe that failed"),
    setting("health.probe_backoff_base", "BACKEND_HEALTH_PROBE_BACKOFF_BASE_SECONDS", "0.5", "0.001 to 60",
        "the wait before the first further attempt; it doubles with each"),
    setting("health.min_fallback_duration", "BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", "30", SECONDS,
        "how long a backend that was left gets no traffic, even if it is healthy; grows with each departure, up to ten times"),
    setting("health.recovery_success_threshold", "BACKEND_HEALTH_RECOVERY_SUCCESS_THRESHOLD", "2", COUNT,
        "good probes in a row before traffic returns"),
    setting("limits.request_timeout", "REQUEST_TIMEOUT_SECONDS", "30", SECONDS,
        "how long a client waits for the head of its answer, from the last byte of its request"),
    setting("limits.attempt_timeout", "ATTEMPT_TIMEOUT_SECONDS", "10", SECONDS,
        "how long one backend may take for the head of an answer, from the last byte of the request; raise it for long polling"),
    setting("limits.max_concurrent_requests", "MAX_CONCURRENT_REQUESTS", "1024", "1 to 1000000",
        "requests in flight; further ones get 503 with Retry-After"),
    setting("limits.max_connections", "MAX_CONNECTIONS", "10000", "1 to 1000000",
        "connections of clients; 64 further ones can only ask the gateway's own paths, the rest is closed"),
    setting("limits.header_read_timeout", "HEADER_READ_SECONDS", "10", SECONDS,
        "how long a client may take for the head of a request"),
    setting("limits.body_idle_timeout", "BODY_IDLE_SECONDS", "60", SECONDS,
        "how long a client may pause in the body of a request, and a backend in that of an answer"),
    setting("limits.client_write_timeout", "CLIENT_WRITE_SECONDS", "30", SECONDS,
        "how long a client may take no byte of an answer"),
    setting("limits.max_head_bytes", "MAX_HEAD_BYTES", "65536", "8192 to 1048576",
        "size of a head, 32 bytes more for each field; a request with a larger one gets 431, one with such an answer 502"),
    setting("drain.delay", "DRAIN_DELAY_SECONDS", "5", SECONDS_OR_ZERO,
        "time from SIGTERM to closing the listener, for load balancers to notice"),
    setting("drain.timeout", "DRAIN_TIMEOUT_SECONDS", "20", SECONDS_OR_ZERO,
        "time from then on for requests in flight to finish"),
    setting("log.format", "LOG_FORMAT", "text", "text or json", "lines for people, or one JSON object a line"),
    setting("log.level", "LOG_LEVEL", "info", "error, warn, info or debug", "how much is logged"),
];

const fn setting(
    path: &'static str,
    name: &'static str,
    default: &'static str,
    allowed: &'static str,
    meaning: &'static str,
) -> Setting {
    Setting { flat: FlatName { path, name, default, allowed }, meaning }
}

/// Returns the pairs of keys and variables, for `mainstay-settings`.
pub(super) fn flat_names() -> impl Iterator<Item = &'static FlatName> {
    SETTINGS.iter().map(|setting| &setting.flat)
}

/// Returns both names of a setting for an error message: `key (VARIABLE)`.
pub(super) fn names(key: &str) -> String {
    let variable = flat_names().find(|flat| flat.path == key).map_or("", |flat| flat.name);
    format!("{key} ({variable})")
}

/// Returns the table as `--help` prints it.
pub(crate) fn help() -> String {
    let mut help = String::new();
    for setting in SETTINGS {
        let FlatName { path, name, default, allowed } = setting.flat;
        let default = if default.is_empty() { "none" } else { default };
        // Writing to a string cannot fail.
        let _ = writeln!(help, "  {path}, {name}\n      {}", setting.meaning);
        let range = match allowed.split_once(" to ") {
            Some((from, to)) if setting.is_duration() => {
                let [from, to, in_file] = [from, to, default].map(in_file);
                format!("file: {from} to {to}, default {in_file}; variable: {allowed}, default {default}")
            }
            _ => format!("{allowed}; default {default}"),
        };
        let _ = writeln!(help, "      {range}");
    }
    help
}

/// Returns a number of seconds as the file has it.
fn in_file(seconds: &str) -> String {
    duration(Duration::from_secs_f64(seconds.parse().unwrap_or_default()))
}

/// Returns a duration as the file has it: `"500ms"`.
pub(super) fn duration(time: Duration) -> String {
    if time.is_zero() { "\"0s\"".to_owned() } else { format!("\"{time:?}\"") }
}

// === impl Setting ===

impl Setting {
    fn is_duration(&self) -> bool {
        self.flat.name.ends_with("_SECONDS")
    }

    /// Returns the default as TOML. `None` if there is no default.
    #[cfg(test)]
    pub(crate) fn default_in_file(&self) -> Option<String> {
        match self.flat.default {
            "" => None,
            seconds if self.is_duration() => Some(in_file(seconds)),
            flag @ ("true" | "false") => Some(flag.to_owned()),
            number if number.parse::<u32>().is_ok() => Some(number.to_owned()),
            text => Some(format!("\"{text}\"")),
        }
    }
}

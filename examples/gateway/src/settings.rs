//! What the operator decides, checked once at start.
//!
//! Every wrong field is reported, not the first alone, so that a deployment is corrected in one go.

use std::{net::SocketAddr, time::Duration};

use http::Uri;
use mainstay_core::InvalidSetting;
use mainstay_http::proxy::Inbound;

pub(crate) mod fields;
mod parse;
mod sources;

pub(crate) use sources::Sources;

/// The settings of the gateway; [`fields::FIELDS`] says what each means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) listen_addr: SocketAddr,
    pub(crate) environment: Environment,
    pub(crate) log_format: LogFormat,
    pub(crate) log_level: tracing::Level,
    /// Without one, the demo backends are started.
    pub(crate) primary: Option<Uri>,
    pub(crate) backups: Vec<Uri>,
    pub(crate) api_prefix: String,
    pub(crate) forwarded_headers: Inbound,
    pub(crate) health: HealthSettings,
    pub(crate) request_timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) max_concurrent_requests: u32,
    pub(crate) drain_delay: Duration,
    pub(crate) drain_timeout: Duration,
}

/// When a backend is left, and when traffic returns to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HealthSettings {
    pub(crate) timeout: Duration,
    pub(crate) failure_threshold: u32,
    pub(crate) recheck_interval: Duration,
    pub(crate) probe_max_retries: u32,
    pub(crate) probe_backoff_base: Duration,
    pub(crate) min_fallback_duration: Duration,
    pub(crate) recovery_success_threshold: u32,
}

/// Where the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Environment {
    /// Demo backends if none are named; health endpoints show details.
    Development,
    /// Backends must be named; health endpoints show no details.
    Production,
}

/// For whom the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

// === impl Settings ===

impl Settings {
    /// Reads every field that somebody set; the rest keep their defaults.
    ///
    /// # Errors
    /// All fields whose value is wrong, by itself or beside another.
    pub(crate) fn read(mut sources: Sources) -> Result<Self, Vec<InvalidSetting>> {
        let mut it = Self::default();
        let from = &mut sources;
        from.set("LISTEN_ADDR", &mut it.listen_addr, parse::address);
        from.set("ENVIRONMENT", &mut it.environment, parse::environment);
        from.set("LOG_FORMAT", &mut it.log_format, parse::log_format);
        from.set("LOG_LEVEL", &mut it.log_level, parse::log_level);
        from.set("BACKEND_API_URL", &mut it.primary, |text| parse::url(text).map(Some));
        from.set("BACKEND_API_FALLBACK_URL", &mut it.backups, parse::urls);
        from.set("API_PREFIX", &mut it.api_prefix, parse::prefix);
        from.set("FORWARDED_HEADERS", &mut it.forwarded_headers, parse::inbound);
        it.health.read(from);
        from.set("REQUEST_TIMEOUT_SECONDS", &mut it.request_timeout, parse::seconds);
        from.set("ATTEMPT_TIMEOUT_SECONDS", &mut it.attempt_timeout, parse::seconds);
        from.set("MAX_CONCURRENT_REQUESTS", &mut it.max_concurrent_requests, parse::many);
        from.set("DRAIN_DELAY_SECONDS", &mut it.drain_delay, parse::seconds_or_zero);
        from.set("DRAIN_TIMEOUT_SECONDS", &mut it.drain_timeout, parse::seconds_or_zero);

        let mut wrong = sources.into_errors();
        // A wrong field kept its default: to compare that with the others would only confuse.
        if wrong.is_empty() {
            wrong.extend(it.contradictory_times());
            wrong.extend(it.missing_primary());
            wrong.extend(it.repeated_backend());
        }
        if wrong.is_empty() { Ok(it) } else { Err(wrong) }
    }

    fn contradictory_times(&self) -> Vec<InvalidSetting> {
        let mut wrong = Vec::new();
        if self.attempt_timeout >= self.request_timeout {
            let allowed = format!("must be below REQUEST_TIMEOUT_SECONDS, {}", self.request_timeout.as_secs_f64());
            wrong.push(InvalidSetting::new("ATTEMPT_TIMEOUT_SECONDS", self.attempt_timeout.as_secs_f64(), allowed));
        }
        let HealthSettings { timeout, recheck_interval, .. } = self.health;
        if timeout >= recheck_interval {
            let allowed =
                format!("must be below BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS, {}", recheck_interval.as_secs_f64());
            wrong.push(InvalidSetting::new("BACKEND_HEALTH_TIMEOUT_SECONDS", timeout.as_secs_f64(), allowed));
        }
        wrong
    }

    fn missing_primary(&self) -> Option<InvalidSetting> {
        let reason = match self.primary {
            Some(_) => return None,
            None if !self.backups.is_empty() => "must be set where BACKEND_API_FALLBACK_URL is",
            None if self.environment == Environment::Production => "must be set where ENVIRONMENT is production",
            None => return None,
        };
        Some(InvalidSetting::new("BACKEND_API_URL", "(not set)", reason))
    }

    /// A backend that is down cannot back up itself.
    fn repeated_backend(&self) -> Option<InvalidSetting> {
        let all: Vec<&Uri> = self.primary.iter().chain(&self.backups).collect();
        let repeated = all.iter().enumerate().find(|(i, url)| all[..*i].contains(url));
        repeated.map(|(_, url)| InvalidSetting::new("BACKEND_API_FALLBACK_URL", url, "must name each backend once"))
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen_addr: SocketAddr::from(([127, 0, 0, 1], 8080)),
            environment: Environment::Development,
            log_format: LogFormat::Text,
            log_level: tracing::Level::INFO,
            primary: None,
            backups: Vec::new(),
            api_prefix: "/api/v1".to_owned(),
            forwarded_headers: Inbound::Untrusted,
            health: HealthSettings::default(),
            request_timeout: Duration::from_secs(30),
            attempt_timeout: Duration::from_secs(10),
            max_concurrent_requests: 1024,
            drain_delay: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(20),
        }
    }
}

// === impl HealthSettings ===

impl HealthSettings {
    fn read(&mut self, from: &mut Sources) {
        from.set("BACKEND_HEALTH_TIMEOUT_SECONDS", &mut self.timeout, parse::seconds);
        from.set("BACKEND_HEALTH_FAILURE_THRESHOLD", &mut self.failure_threshold, parse::count);
        from.set("BACKEND_HEALTH_RECHECK_INTERVAL_SECONDS", &mut self.recheck_interval, parse::seconds);
        from.set("BACKEND_HEALTH_PROBE_MAX_RETRIES", &mut self.probe_max_retries, parse::retries);
        from.set("BACKEND_HEALTH_PROBE_BACKOFF_BASE_SECONDS", &mut self.probe_backoff_base, parse::backoff);
        let hold = &mut self.min_fallback_duration;
        from.set("BACKEND_HEALTH_MIN_FALLBACK_DURATION_SECONDS", hold, parse::seconds);
        let gate = &mut self.recovery_success_threshold;
        from.set("BACKEND_HEALTH_RECOVERY_SUCCESS_THRESHOLD", gate, parse::count);
    }
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(1),
            failure_threshold: 2,
            recheck_interval: Duration::from_secs(5),
            probe_max_retries: 2,
            probe_backoff_base: Duration::from_millis(500),
            min_fallback_duration: Duration::from_secs(30),
            recovery_success_threshold: 2,
        }
    }
}

// === impl Environment ===

impl Environment {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;

//! The settings of the gateway: their types and ranges, and the checks that concern more than one of them.
//!
//! `mainstay-settings` reads them from a file and the environment. `table.rs` has their names and defaults.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use http::Uri;
use mainstay_core::{InvalidSetting, settings::human};
use mainstay_settings::{Error, Sources};
use serde::Deserialize;

pub(crate) mod table;
mod url;
mod values;

/// All settings. [`table::SETTINGS`] has the default and the meaning of each.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) listen_addr: SocketAddr,
    pub(crate) environment: Environment,
    pub(crate) backend: BackendSettings,
    pub(crate) health: HealthSettings,
    pub(crate) limits: LimitSettings,
    pub(crate) drain: DrainSettings,
    pub(crate) log: LogSettings,
}

/// `[backend]`: the backends, and the requests that are forwarded to them.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BackendSettings {
    /// The primary. Without one, the demo backends are started.
    #[serde(default, deserialize_with = "values::url")]
    pub(crate) url: Option<Uri>,
    /// The backups, in the order in which they are tried.
    #[serde(default, deserialize_with = "values::urls")]
    pub(crate) fallback_urls: Vec<Uri>,
    #[serde(deserialize_with = "values::prefix")]
    pub(crate) api_prefix: String,
    pub(crate) forwarded_headers: ForwardedHeaders,
    /// Whether backends get the `Host` that the client requested, instead of their own.
    pub(crate) preserve_host: bool,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) pool_idle: Duration,
    #[serde(deserialize_with = "values::count::<1, 10_000, _>")]
    pub(crate) max_response_fields: u32,
}

/// `[health]`: when a backend is left, and when traffic returns to it.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthSettings {
    /// The path of the probe, below the URL of each backend. Without one, `healthz` below the API prefix.
    #[serde(default, deserialize_with = "values::path")]
    pub(crate) probe_path: Option<String>,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) timeout: Duration,
    #[serde(deserialize_with = "values::count::<1, 1_000, _>")]
    pub(crate) failure_threshold: u32,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) recheck_interval: Duration,
    #[serde(deserialize_with = "values::count::<0, 10, _>")]
    pub(crate) probe_max_retries: u32,
    #[serde(deserialize_with = "values::time::<1, 60_000, _>")]
    pub(crate) probe_backoff_base: Duration,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) min_fallback_duration: Duration,
    #[serde(deserialize_with = "values::count::<1, 1_000, _>")]
    pub(crate) recovery_success_threshold: u32,
}

/// `[limits]`: the time for a request, the pauses in it, and the number of requests and connections.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitSettings {
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) request_timeout: Duration,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) attempt_timeout: Duration,
    #[serde(deserialize_with = "values::count::<1, 1_000_000, _>")]
    pub(crate) max_concurrent_requests: u32,
    #[serde(deserialize_with = "values::count::<1, 1_000_000, _>")]
    pub(crate) max_connections: u32,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) header_read_timeout: Duration,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) body_idle_timeout: Duration,
    #[serde(deserialize_with = "values::time::<1, 86_400_000, _>")]
    pub(crate) client_write_timeout: Duration,
    #[serde(deserialize_with = "values::count::<8_192, 1_048_576, _>")]
    pub(crate) max_head_bytes: u32,
}

/// `[drain]`: the time between SIGTERM and the end of the process.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrainSettings {
    #[serde(deserialize_with = "values::time::<0, 86_400_000, _>")]
    pub(crate) delay: Duration,
    #[serde(deserialize_with = "values::time::<0, 86_400_000, _>")]
    pub(crate) timeout: Duration,
}

/// `[log]`: what is written to stderr.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogSettings {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

/// The kind of place where the gateway runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    /// Demo backends are started if no backend is named; health endpoints show details.
    Development,
    /// Backends must be named; health endpoints show no details.
    Production,
}

/// What happens to the `X-Forwarded-*` headers of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ForwardedHeaders {
    /// They are dropped, because any client can write them.
    Drop,
    /// They are kept and extended, because our own proxies wrote them.
    Append,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The least severe events that are logged. `trace` is not offered: at that level hyper logs each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

// === impl Settings ===

impl Settings {
    /// Reads the file, if there is one, and the variables, which win over it. Returns a warning for each variable whose
    /// name is near that of a setting: there is no log yet.
    ///
    /// # Errors
    /// Every fault, so that a deployment is corrected in one go. If each setting by itself is right: the settings that
    /// contradict each other.
    pub(crate) fn read(
        file: Option<PathBuf>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(Self, Vec<String>), Vec<Error>> {
        let sources = file.map_or_else(Sources::none, Sources::file);
        let sources = sources.flat_names_among(table::flat_names(), variables);
        let settings = sources.read_all(|settings: &Self| {
            let mut faults = settings.contradictory_times();
            faults.extend(settings.missing_primary());
            faults.extend(settings.repeated_backend());
            faults
        })?;
        Ok((settings, sources.warnings::<Self>()))
    }

    /// Returns the path that probes ask for, below the URL of a backend.
    pub(crate) fn probe_path(&self) -> String {
        self.health.probe_path.clone().unwrap_or_else(|| format!("{}/healthz", self.backend.api_prefix))
    }

    fn contradictory_times(&self) -> Vec<InvalidSetting> {
        let Self { health, limits, .. } = self;
        let below = |low: &str, low_time: Duration, high: &str, high_time: Duration| {
            let allowed = || format!("must be below {}, {}", table::names(high), human(high_time));
            (low_time >= high_time).then(|| InvalidSetting::new(low, human(low_time), allowed()).bounded_by(high))
        };
        let attempt =
            below("limits.attempt_timeout", limits.attempt_timeout, "limits.request_timeout", limits.request_timeout);
        let probe = below("health.timeout", health.timeout, "health.recheck_interval", health.recheck_interval);
        attempt.into_iter().chain(probe).collect()
    }

    fn missing_primary(&self) -> Option<InvalidSetting> {
        let allowed = match self.backend.url {
            Some(_) => return None,
            None if !self.backend.fallback_urls.is_empty() => {
                format!("must be set if {} is set", table::names("backend.fallback_urls"))
            }
            None if self.environment == Environment::Production => {
                format!("must be set if {} is production", table::names("environment"))
            }
            None => return None,
        };
        Some(InvalidSetting::new("backend.url", "(not set)", allowed))
    }

    /// A backend that is down cannot be its own backup.
    fn repeated_backend(&self) -> Option<InvalidSetting> {
        let all: Vec<&Uri> = self.backend.url.iter().chain(&self.backend.fallback_urls).collect();
        let repeated = all.iter().enumerate().find(|(i, url)| all[..*i].contains(url));
        repeated.map(|(_, url)| InvalidSetting::new("backend.fallback_urls", url, "must name each backend once"))
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

//! The resilience stack between the clients and the backends, with the reason for each layer. Read this file first.

use axum::response::Response;
use mainstay_bulkhead::LimitSettings;
use mainstay_core::{BoxError, BudgetSettings, InvalidSetting};
use mainstay_failover::{
    AllDown, Endpoint, FailoverSettings, HoldSettings, ProbeSettings, SecondAttempt,
    stack::{Standard, StandardHandles, StandardSettings},
};
use mainstay_http::{Http, probe::HttpProbe, proxy::Via};
use mainstay_retry::RetrySettings;
use tower::Service;

use crate::{
    backend::{Backend, ProxyRequest},
    client::Clients,
    settings::{HealthSettings, Settings},
};

/// Builds the stack over these backends, the primary first. Returns it with its handles, which the status page and the
/// metrics read.
///
/// # Errors
/// The settings contradict each other.
pub(crate) fn stack(
    settings: &Settings,
    backends: &[Backend],
    via: &Via,
) -> Result<
    (
        impl Service<ProxyRequest, Response = Response, Error = BoxError, Future: Send> + Clone + Send + Sync + use<>,
        StandardHandles,
    ),
    InvalidSetting,
> {
    // The policy that all layers share: which answers are failures, and which requests may be repeated. `draining` reads
    // the rest of a discarded answer, so that its connection can be used again.
    let http = Http::new().draining();
    let clients = Clients::new(settings);
    let endpoints = backends.iter().map(|backend| {
        let probe = HttpProbe::new(&backend.address(&settings.probe_path()))?;
        Ok(Endpoint::new(&backend.name, backend.service(clients.client(&backend.url), via.clone()))
            .with_url(backend.address(""))
            .with_probe(probe))
    });
    let endpoints: Vec<_> = endpoints.collect::<Result<_, InvalidSetting>>()?;
    let standard = Standard::new("backends", endpoints, layers(settings))?.with_policy(http);
    let handles = standard.handles().clone();
    // A fallback of your own (the last good answer, a static page) goes around the whole stack. Inside of it, retries
    // would see the fallback's answer instead of the failure.
    Ok((standard.build(), handles))
}

/// The layers, outermost first.
fn layers(settings: &Settings) -> StandardSettings {
    StandardSettings {
        // Bounds the request as a whole, including retries and the waits between them. The client gets a 504.
        total_timeout: settings.limits.request_timeout,
        // Outside of failover, so that a retry can go to another backend. Successes fund the retry budget, so that a
        // backend that fails every request is not flooded with retries.
        retry: RetrySettings::default(),
        retry_budget: Some(BudgetSettings::default()),
        // Chooses the backend. Sends a request to the next backend if this one fails or does not answer in time.
        failover: failover(&settings.health),
        // One bulkhead for each backend. Inside of retry, so that a request holds no permit while it waits for its next
        // attempt. `app.rs` limits the gateway as a whole to the same number; use a lower one for a small backend.
        bulkhead: LimitSettings { limit: settings.limits.max_concurrent_requests, ..LimitSettings::default() },
        // Innermost. Bounds one attempt; the layers above count a timeout as a failure of the backend.
        attempt_timeout: settings.limits.attempt_timeout,
    }
}

/// Returns when a backend is left, how it is probed, and when traffic returns to it.
fn failover(health: &HealthSettings) -> FailoverSettings {
    let defaults = ProbeSettings::default();
    FailoverSettings {
        consecutive_failures: Some(health.failure_threshold),
        recovery_successes: health.recovery_success_threshold,
        hold: HoldSettings {
            base: health.min_fallback_duration,
            // The hold grows each time the primary fails again, up to this.
            max: health.min_fallback_duration * 10,
            ..HoldSettings::default()
        },
        // If an answer takes longer than a probe may take, the request is also sent to the next backend.
        second_attempt: Some(SecondAttempt {
            delay: Some(health.timeout),
            max_delay: health.timeout,
            ..SecondAttempt::default()
        }),
        // With one backend too, requests are sent rather than refused.
        all_down: Some(AllDown::PreferPrimary),
        probe: ProbeSettings {
            failures: health.failure_threshold,
            interval: health.recheck_interval,
            // While a backend has failures or good probes in a row, it is probed more often, so that the decision to
            // leave it or to return to it is quick.
            interval_counting: health.recheck_interval.min(defaults.interval_counting),
            // A healthy backup that is not in use is probed less often. Twelve is the ratio of the default intervals.
            interval_idle: health.recheck_interval * 12,
            timeout: health.timeout,
            max_retries: health.probe_max_retries,
            backoff_base: health.probe_backoff_base,
            ..defaults
        },
        ..FailoverSettings::default()
    }
}

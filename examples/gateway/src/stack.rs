//! The point of this program: what stands between a client and the backends, and why in this order.

use axum::response::Response;
use mainstay_bulkhead::LimitSettings;
use mainstay_core::{BoxError, InvalidSetting};
use mainstay_failover::{
    Endpoint, FailoverSettings, HoldSettings, ProbeSettings, SecondAttempt,
    stack::{Standard, StandardHandles, StandardSettings},
};
use mainstay_http::{Http, probe::HttpProbe};
use mainstay_retry::RetrySettings;
use tower::Service;

use crate::{
    backend::{self, Backend, ProxyRequest},
    settings::{HealthSettings, Settings},
};

/// The stack over these backends, the primary first, and its handles: what pages and metrics read.
///
/// # Errors
/// Settings that contradict each other.
pub(crate) fn stack(
    settings: &Settings,
    backends: &[Backend],
) -> Result<
    (
        impl Service<ProxyRequest, Response = Response, Error = BoxError, Future: Send> + Clone + Send + Sync + use<>,
        StandardHandles,
    ),
    InvalidSetting,
> {
    // What all layers know of HTTP: which answers are failures, which requests may be repeated, and that the rest of an
    // answer that nobody reads is read away, so that its connection can be used again.
    let http = Http::new().draining();
    let client = backend::client(settings.attempt_timeout);
    let endpoints = backends.iter().map(|backend| {
        let probe = HttpProbe::new(&backend.address(&format!("{}/healthz", settings.api_prefix)))?;
        Ok(Endpoint::new(&backend.name, backend.service(client.clone()))
            .with_url(backend.address(""))
            .with_probe(probe))
    });
    let endpoints: Vec<_> = endpoints.collect::<Result<_, InvalidSetting>>()?;
    let standard = Standard::new("backends", endpoints, layers(settings))?.with_policy(http);
    let handles = standard.handles().clone();
    // A fallback of yours (the last good answer, a static page) would go around this: outermost, or retries would repeat
    // what it answered.
    Ok((standard.build(), handles))
}

/// The layers, outermost first.
fn layers(settings: &Settings) -> StandardSettings {
    StandardSettings {
        // Bounds everything below, retries and their waits included. To the client it is a 504.
        total_timeout: settings.request_timeout,
        // Outside of failover, so that a repeat may go elsewhere; its budget is earned by successes, so that a backend
        // that is down for all gets no storm of retries.
        retry: RetrySettings::default(),
        // Picks the backend, remembers which one works, and asks the next one where this one fails or is silent.
        failover: failover(&settings.health),
        // One for each backend, inside of retry, so that a request holds no place while it waits for its next attempt.
        // The entrance is the limit that counts; lower this one to protect a small backend.
        bulkhead: LimitSettings { limit: settings.max_concurrent_requests, ..LimitSettings::default() },
        // Innermost: it bounds the wait for an answer, and is a failure to all above.
        attempt_timeout: settings.attempt_timeout,
    }
}

/// When a backend is left, how it is probed, and when traffic returns.
fn failover(health: &HealthSettings) -> FailoverSettings {
    let defaults = ProbeSettings::default();
    FailoverSettings {
        consecutive_failures: Some(health.failure_threshold),
        recovery_successes: health.recovery_success_threshold,
        hold: HoldSettings {
            base: health.min_fallback_duration,
            // A primary that keeps dying is kept out for longer each time, up to this.
            max: health.min_fallback_duration * 10,
            ..HoldSettings::default()
        },
        // If an answer takes longer than a probe may take, the request is also sent to the next backend.
        second_attempt: Some(SecondAttempt {
            delay: Some(health.timeout),
            max_delay: health.timeout,
            ..SecondAttempt::default()
        }),
        probe: ProbeSettings {
            interval: health.recheck_interval,
            // While it counts towards leaving or return a backend is asked more often.
            interval_counting: health.recheck_interval.min(defaults.interval_counting),
            // A backup that is not in use is asked less often; a dozen is the ratio of the defaults.
            interval_idle: health.recheck_interval * 12,
            timeout: health.timeout,
            max_retries: health.probe_max_retries,
            backoff_base: health.probe_backoff_base,
            ..defaults
        },
        ..FailoverSettings::default()
    }
}

//! The point of this program: what stands between a client and the backends, and why in this order.

use axum::response::Response;
use mainstay_core::{BoxError, InvalidSetting};
use mainstay_failover::{
    Endpoint, Failover, FailoverHandle, FailoverSettings, HoldSettings, ProbeSettings, SecondAttempt,
    probe::http::HttpProbe,
};
use mainstay_http::Http;
use mainstay_retry::{Retrier, RetryLayer};
use mainstay_timeout::{TimeLimit, TimeoutLayer};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    backend::{self, Backend, ProxyRequest},
    settings::{HealthSettings, Settings},
};

/// Requests in, answers out. Boxed to have a name: one allocation beside the many of a request on a socket.
pub(crate) type Stack = BoxCloneSyncService<ProxyRequest, Response, BoxError>;

/// The handles of the stack's layers: what pages and metrics read, and operators hold.
#[derive(Clone, Debug)]
pub(crate) struct StackHandles {
    pub(crate) timeouts: [TimeLimit; 2],
    pub(crate) retry: Retrier,
    pub(crate) failover: FailoverHandle,
}

/// The stack, the outermost layer first.
pub(crate) fn stack(settings: &Settings, backends: &[Backend]) -> Result<(Stack, StackHandles), InvalidSetting> {
    // What all layers know of HTTP: which answers are failures, which requests may be repeated.
    let http = Http::new().with_degraded_header().draining();
    let client = backend::client(settings.attempt_timeout);
    let attempt = TimeLimit::attempt("attempt", settings.attempt_timeout)?;
    let total = TimeLimit::total("request", settings.request_timeout)?;

    let endpoints: Vec<_> = backends
        .iter()
        .map(|backend| {
            let service = ServiceBuilder::new()
                .layer(TimeoutLayer::with(attempt.clone()))
                .service(backend.service(client.clone()));
            let probe = HttpProbe::new(&backend.address(&format!("{}/healthz", settings.api_prefix)))?;
            Ok(Endpoint::new(&backend.name, service).with_url(backend.address("")).with_probe(probe))
        })
        .collect::<Result<_, InvalidSetting>>()?;
    let failover =
        Failover::with_settings("backends", endpoints, failover_settings(&settings.health))?.with_policy(http);
    let retry = Retrier::new("backends");
    let handles =
        StackHandles { timeouts: [total.clone(), attempt], retry: retry.clone(), failover: failover.handle().clone() };

    let stack = ServiceBuilder::new()
        .layer(TimeoutLayer::with(total).with_policy(http))
        .layer(RetryLayer::with(retry).with_policy(http))
        .service(failover);
    Ok((BoxCloneSyncService::new(stack), handles))
}

/// When a backend is left, how it is probed, and when traffic returns.
fn failover_settings(health: &HealthSettings) -> FailoverSettings {
    let defaults = ProbeSettings::default();
    FailoverSettings {
        consecutive_failures: Some(health.failure_threshold),
        recovery_successes: health.recovery_success_threshold,
        hold: HoldSettings {
            base: health.min_fallback_duration,
            max: health.min_fallback_duration * 10,
            ..HoldSettings::default()
        },
        // An answer that takes longer than a probe may is a silence: the next backend is asked too.
        second_attempt: Some(SecondAttempt { silence: Some(health.timeout), ..SecondAttempt::default() }),
        probe: ProbeSettings {
            interval: health.recheck_interval,
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

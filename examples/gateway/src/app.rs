//! Everything around the stack: what is started, in which order, and which service answers each path.

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_core::{BoxError, Random};
use mainstay_drain::{Drain, DrainReport, DrainSettings};
use mainstay_health::Health;
use mainstay_http::{
    Http, RejectionLayer,
    proxy::{HostRule, Inbound, ProxyRules, Via},
};
use tokio::{net::TcpListener, time::Instant};
use tower::ServiceBuilder;

use crate::{
    backend::Backend,
    demo,
    forward::{self, Proxy},
    handles::Handles,
    introduction::introduction,
    logs::print_line,
    operations,
    settings::{BackendSettings, Environment, ForwardedHeaders, Settings},
    stack::stack,
};

/// Runs the gateway until a signal ends it.
///
/// # Errors
/// The address cannot be bound, or the stack refuses the settings.
pub(crate) async fn serve(settings: Settings) -> Result<DrainReport, BoxError> {
    // First, so that a signal during the start is not lost.
    let drain = Drain::on_signals()?;
    drain.reconfigure(DrainSettings { drain_delay: settings.drain.delay, drain_timeout: settings.drain.timeout })?;
    let listener = listen(settings.listen_addr).await?;
    let address = listener.local_addr()?;
    print_line(format_args!("gateway listens on http://{address}"));

    let backends = backends(&settings, address).await?;
    let endpoints: Vec<_> = backends.iter().map(|backend| backend.address("")).collect();
    let app = app(&settings, &backends, &drain)?;
    tracing::info!(%address, environment = settings.environment.as_str(), ?endpoints, "started");
    Ok(mainstay_drain::serve(listener, app, &drain).await)
}

/// Binds the address. The error names it, which the error of the system does not.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    TcpListener::bind(address).await.map_err(named)
}

/// Returns the backends of the settings. If there are none, starts two demo backends.
async fn backends(settings: &Settings, address: SocketAddr) -> io::Result<Vec<Backend>> {
    let prefix = &settings.backend.api_prefix;
    if let Some(primary) = &settings.backend.url {
        return Ok(Backend::list(primary.clone(), settings.backend.fallback_urls.clone()));
    }
    let (primary, backup) = (demo::start("primary", prefix).await?, demo::start("backup", prefix).await?);
    let backends = Backend::list(primary, [backup]);
    print_line(introduction(address, prefix, &backends[0], &backends[1]));
    Ok(backends)
}

/// Builds the router. The gateway's own paths are merged outside of the bulkhead: if a full bulkhead refused liveness
/// probes, Kubernetes would restart a process that is only busy.
fn app(settings: &Settings, backends: &[Backend], drain: &Drain) -> Result<Router, BoxError> {
    // Each process has another name, so that two gateways in a row are not a loop.
    let via = Via::new(&format!("gateway-{:.0}", Random::new().between(0.0, 1e9)))?;
    let (stack, handles) = stack(settings, backends, &via)?;
    let mut health = Health::builder().component("backends", handles.failover.subscribe()).drain(drain);
    if settings.environment == Environment::Development {
        health = health.show_details();
    }
    let health = health.build()?;
    let proxy = Proxy {
        prefix: settings.backend.api_prefix.as_str().into(),
        rules: rules(via, &settings.backend),
        // Shorter than an attempt, so that a slow client is not counted as a slow backend.
        upload_timeout: settings.limits.attempt_timeout.mul_f64(0.9),
    };
    let limit = Limit::new("entrance", settings.limits.max_concurrent_requests)?;
    // In an `Arc`, because axum clones the route several times for each request; the stack is cloned once, below.
    let shared = Arc::new((proxy, stack));
    // The limit has no queue: refusing a request at once is cheap. With this policy a request holds its permit until
    // the last byte of its answer. Without it, slow downloads would not count.
    let forward = ServiceBuilder::new()
        .map_response(forward::set_served_by)
        .layer(RejectionLayer::new())
        .layer(BulkheadLayer::with(limit.clone()).with_policy(Http::new()))
        .service_fn(move |request| {
            let shared = shared.clone();
            async move {
                let (proxy, stack) = &*shared;
                Ok::<_, BoxError>(proxy.forward(stack.clone(), request).await)
            }
        });
    let forward = Router::new().fallback_service(forward);
    let own = health.router();
    let handles = Handles {
        environment: settings.environment,
        started: Instant::now(),
        health,
        drain: drain.clone(),
        entrance: limit,
        stack: handles,
    };
    // `forward` has this check.
    let own = own.merge(operations::router(handles)).route_layer(axum::middleware::from_fn(forward::check_host));
    Ok(forward.merge(own))
}

/// Returns how the heads of requests are changed.
fn rules(via: Via, backend: &BackendSettings) -> ProxyRules {
    let inbound = match backend.forwarded_headers {
        ForwardedHeaders::Drop => Inbound::Untrusted,
        ForwardedHeaders::Append => Inbound::Trusted,
    };
    let host = if backend.preserve_host { HostRule::Requested } else { HostRule::Backend };
    ProxyRules::new(via).with_inbound(inbound).with_host(host)
}

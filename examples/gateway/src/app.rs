//! Everything around the stack: what is started, in which order, and where each path leads.

use std::{io, net::SocketAddr, sync::Arc};

use axum::Router;
use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_core::{BoxError, Random};
use mainstay_drain::{Drain, DrainReport, DrainSettings};
use mainstay_health::Health;
use mainstay_http::{Http, RejectionLayer, proxy::Via};
use tokio::{net::TcpListener, time::Instant};
use tower::ServiceBuilder;

use crate::{
    backend::Backend,
    demo,
    forward::{self, Proxy},
    introduction::introduction,
    logs::say,
    operations::{self, Handles},
    settings::{Environment, Settings},
    stack::stack,
};

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// It cannot listen, or the settings contradict each other in a way that only the stack sees.
pub(crate) async fn serve(settings: Settings) -> Result<DrainReport, BoxError> {
    // First of all, so that a signal during the start is not lost.
    let drain = Drain::on_signals()?;
    drain.reconfigure(DrainSettings { drain_delay: settings.drain_delay, drain_timeout: settings.drain_timeout })?;
    let listener = listen(settings.listen_addr).await?;
    let address = listener.local_addr()?;
    say(format_args!("gateway listens on http://{address}"));

    let backends = backends(&settings, address).await?;
    let endpoints: Vec<_> = backends.iter().map(|backend| backend.address("")).collect();
    let app = app(&settings, &backends, &drain)?;
    tracing::info!(%address, environment = settings.environment.as_str(), ?endpoints, "started");
    Ok(mainstay_drain::serve(listener, app, &drain).await)
}

/// Binds, or says to which address it could not.
async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let wrong = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    TcpListener::bind(address).await.map_err(wrong)
}

/// Those of the settings, or else two demo backends.
async fn backends(settings: &Settings, address: SocketAddr) -> io::Result<Vec<Backend>> {
    let prefix = &settings.api_prefix;
    if let Some(primary) = &settings.primary {
        return Ok(Backend::list(primary.clone(), settings.backups.clone()));
    }
    let (primary, backup) = (demo::start("primary", prefix).await?, demo::start("backup", prefix).await?);
    let backends = Backend::list(primary, [backup]);
    say(introduction(address, prefix, &backends[0], &backends[1]));
    Ok(backends)
}

/// All routes. What the gateway answers itself is merged last, so that nothing stands before it: a probe that a full
/// bulkhead refuses would restart a process that is merely busy.
fn app(settings: &Settings, backends: &[Backend], drain: &Drain) -> Result<Router, BoxError> {
    let (stack, handles) = stack(settings, backends)?;
    let mut health = Health::builder().component("backends", handles.failover.subscribe()).drain(drain);
    if settings.environment == Environment::Development {
        health = health.show_details();
    }
    let health = health.build()?;
    let proxy = Proxy {
        prefix: settings.api_prefix.as_str().into(),
        inbound: settings.forwarded_headers,
        via: Via::new(&format!("gateway-{:.0}", Random::new().between(0.0, 1e9)))?,
        // A little less than an attempt: a client that is too slow must not look like a backend that is.
        upload_timeout: settings.attempt_timeout.mul_f64(0.9),
    };
    let limit = Limit::new("entrance", settings.max_concurrent_requests)?;
    // Shared, for a server clones a route for every request, and the stack need be cloned only once for each.
    let shared = Arc::new((proxy, stack));
    // So many requests at once, and no queue: beyond it a client is sent away while that is still cheap. By the policy a
    // request keeps its place until its answer's last byte, or a hundred thousand slow downloads would count as nothing.
    let forward = ServiceBuilder::new()
        .map_response(forward::sign)
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
    Ok(forward.merge(own).merge(operations::router(handles)))
}

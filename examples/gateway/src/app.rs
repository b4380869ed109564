//! Everything around the stack: what is started, in which order, and which service answers each path.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    serve::{Listener, ListenerExt},
};
use mainstay_bulkhead::{BulkheadLayer, Limit};
use mainstay_core::{BoxError, Random};
use mainstay_drain::{ConnectionLimit, Drain, DrainReport, DrainSettings, Server, ServerSettings};
use mainstay_health::Health;
use mainstay_http::{
    Http, RejectionLayer,
    proxy::{HostRule, Inbound, ProxyRules, Via},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tower::ServiceBuilder;

use crate::{
    backend::Backend,
    demo,
    forward::{self, Proxy},
    handles::Handles,
    introduction::introduction,
    limits,
    logs::print_line,
    operations,
    responses::Responses,
    settings::{BackendSettings, Environment, ForwardedHeaders, Settings},
    stack::stack,
};

/// Runs the gateway until a signal ends it.
///
/// # Errors
/// The address cannot be bound, or the stack refuses the settings.
pub(crate) async fn serve(settings: Settings, drain: Drain) -> Result<DrainReport, BoxError> {
    drain.reconfigure(DrainSettings { drain_delay: settings.drain.delay, drain_timeout: settings.drain.timeout })?;
    let listener = listen(settings.listen_addr).await?;
    let address = listener.local_addr()?;
    print_line(format_args!("gateway listens on http://{address}"));

    let backends = backends(&settings, address).await?;
    let endpoints: Vec<_> = backends.iter().map(|backend| backend.address("")).collect();
    let limits = &settings.limits;
    let connections = ConnectionLimit::new(usize::try_from(limits.max_connections)?)?;
    let Routers { app, own } = routers(&settings, &backends, &drain, &connections)?;
    let server_settings = ServerSettings {
        head_timeout: limits.header_read_timeout,
        write_timeout: limits.client_write_timeout,
        max_head_bytes: usize::try_from(limits.max_head_bytes)?,
        ..ServerSettings::default()
    };
    let server = Server::with_settings(listener, app, server_settings)?.with_connections(connections).with_reserve(own);
    tracing::info!(%address, environment = settings.environment.as_str(), ?endpoints, "started");
    Ok(drain.finish(server.run(&drain).await).await)
}

/// Binds the address. The error names it, which the error of the system does not.
async fn listen(address: SocketAddr) -> io::Result<impl Listener<Io = TcpStream, Addr = SocketAddr>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(named)?;
    // An answer is several writes: Nagle's algorithm would hold back the last one.
    Ok(listener.tap_io(|stream| drop(stream.set_nodelay(true))))
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

/// What answers the requests.
struct Routers {
    app: Router,
    /// The gateway's own paths alone: what a connection above the limit can ask.
    own: Router,
}

/// Builds the routers. The gateway's own paths are merged outside of the bulkhead: if a full bulkhead refused liveness
/// probes, Kubernetes would restart a process that is only busy.
fn routers(
    settings: &Settings,
    backends: &[Backend],
    drain: &Drain,
    connections: &ConnectionLimit,
) -> Result<Routers, BoxError> {
    // Each process has another name, so that two gateways in a row are not a loop.
    let via = Via::new(&format!("gateway-{:.0}", Random::new().between(0.0, 1e9)))?;
    let (stack, handles) = stack(settings, backends, &via)?;
    let limit = Limit::new("entrance", settings.limits.max_concurrent_requests)?;
    let full = limits::watch(&limit, connections, &handles, drain);
    let mut health = Health::builder().component("backends", handles.failover.subscribe());
    health = health.component("limits", full).drain(drain);
    if settings.environment == Environment::Development {
        health = health.show_details();
    }
    let health = health.build()?;
    let proxy = Proxy {
        prefix: settings.backend.api_prefix.as_str().into(),
        rules: rules(via, &settings.backend),
        body_idle_timeout: settings.limits.body_idle_timeout,
    };
    // In an `Arc`, because axum clones the route several times for each request; the stack is cloned once, below.
    let shared = Arc::new((proxy, stack));
    let responses = Arc::new(Responses::new(backends));
    let (answered, unserved) = (responses.clone(), responses.clone());
    // The limit has no queue: refusing a request at once is cheap. With this policy a request holds its permit until
    // the last byte of its answer. Without it, slow downloads would not count.
    let forward = ServiceBuilder::new()
        .map_response(move |response| answered.record(forward::set_served_by(response)))
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
        connections: connections.clone(),
        responses,
        stack: handles,
    };
    // `forward` has this check.
    let own = own.merge(operations::router(handles)).route_layer(axum::middleware::from_fn(forward::check_host));
    let no_connection = move || async move { unserved.record(forward::no_connection()) };
    Ok(Routers { app: forward.merge(own.clone()), own: own.fallback(no_connection) })
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

//! The stack around a `Channel`.

use std::{net::SocketAddr, time::Duration};

use mainstay::{
    BoxError,
    circuit_breaker::{Breaker, BreakerSettings, CircuitBreakerLayer},
    http::{
        Grpc, Replayable,
        context::{ContextHeaders, ForwardContextLayer, ReadContextLayer},
        grpc::GrpcStatusLayer,
    },
    retry::{Retrier, RetryLayer},
    timeout::TimeoutLayer,
};
use tonic::{Status, body::Body, transport::Endpoint};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

/// A channel with its stack. Boxed to have a name.
pub type StockChannel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// How long a call may take, repeats included, where the caller sets no earlier deadline.
pub const TOTAL: Duration = Duration::from_secs(2);
/// How long one attempt may take.
pub const ATTEMPT: Duration = Duration::from_millis(800);

/// What pages, metrics and people hold.
#[derive(Clone, Debug)]
pub struct Handles {
    /// Repeats.
    pub retrier: Retrier,
    /// Whether the server is asked at all.
    pub breaker: Breaker,
}

/// A channel to this server. It connects when it is used, and again when a connection is lost.
///
/// # Errors
/// A setting out of its range.
pub fn connect(server: SocketAddr) -> Result<(StockChannel, Handles), BoxError> {
    let channel = Endpoint::from_shared(format!("http://{server}"))?.connect_timeout(ATTEMPT).connect_lazy();
    // The third failure in a row opens it, so that it can be watched; the default looks at the last 100 calls.
    let settings = BreakerSettings { consecutive_failures: Some(3), ..BreakerSettings::default() };
    let handles = Handles { retrier: Retrier::new("stock"), breaker: Breaker::with_settings("stock", settings)? };
    // Nearly all methods only read, so calls may be made twice. One that must not says so by `Retryable::No` in its
    // request's extensions; where most must not, leave this out and say `Retryable::Yes` for the others.
    let grpc = Grpc::new().repeating_any_method();
    let stack = ServiceBuilder::new()
        // Outermost: refusals of the layers below, and errors of the connection in their own words, become the status
        // that the generated client gives. It would make `UNKNOWN` of them.
        .layer(GrpcStatusLayer::new())
        // Reads what the caller said with `Request::set_timeout`.
        .layer(ReadContextLayer::new(ContextHeaders::grpc()))
        // Messages are streamed; what was sent is kept for the next attempt, up to 64 KiB.
        .map_request(|request: http::Request<Body>| request.map(Replayable::new))
        .layer(TimeoutLayer::total("stock", TOTAL)?.with_policy(grpc))
        .layer(RetryLayer::with(handles.retrier.clone()).with_policy(grpc))
        // Below retry: it sees each attempt, and an open one ends the repeats.
        .layer(CircuitBreakerLayer::with(handles.breaker.clone()).with_policy(grpc))
        .layer(TimeoutLayer::attempt("stock", ATTEMPT)?.with_policy(grpc))
        // Innermost, so that each attempt says how much time is left when it is sent.
        .layer(ForwardContextLayer::new(ContextHeaders::grpc()))
        .map_request(|request: http::Request<Replayable<Body>>| request.map(Body::new))
        .service(channel);
    Ok((BoxCloneSyncService::new(stack), handles))
}

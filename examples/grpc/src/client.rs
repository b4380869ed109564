//! The client's stack around a tonic `Channel`.

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

/// A channel with its stack. Boxed, so that its type can be named.
pub type StockChannel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// The longest time of a call, including its retries, unless the caller sets an earlier deadline.
pub const TOTAL: Duration = Duration::from_secs(2);
/// The longest time of one attempt.
pub const ATTEMPT: Duration = Duration::from_millis(800);

/// The handles of the layers, for status pages, metrics and operators.
#[derive(Clone, Debug)]
pub struct Handles {
    /// Retries of calls, and their budget.
    pub retrier: Retrier,
    /// The breaker, which refuses calls while the server fails.
    pub breaker: Breaker,
}

/// Creates a channel to a server. It connects at the first call, and again after a connection is lost.
///
/// # Errors
/// A setting is out of its range.
pub fn connect(server: SocketAddr) -> Result<(StockChannel, Handles), BoxError> {
    let channel = Endpoint::from_shared(format!("http://{server}"))?.connect_timeout(ATTEMPT).connect_lazy();
    // Opens at the third failure in a row, so that this shows quickly. The default evaluates the last 100 calls.
    let settings = BreakerSettings { consecutive_failures: Some(3), ..BreakerSettings::default() };
    let handles = Handles { retrier: Retrier::new("stock"), breaker: Breaker::with_settings("stock", settings)? };
    // Most methods only read, so calls may be repeated. A call that must not be repeated has `Retryable::No` in its
    // request's extensions. If most calls must not be repeated, omit this and use `Retryable::Yes` for the others.
    let grpc = Grpc::new().repeating_any_method();
    let stack = ServiceBuilder::new()
        // Outermost. Turns refusals of the layers below and errors of the connection into statuses with their messages.
        // Without it the generated client would return `UNKNOWN`.
        .layer(GrpcStatusLayer::new())
        // Reads the deadline that the caller sets with `Request::set_timeout`.
        .layer(ReadContextLayer::new(ContextHeaders::grpc()))
        // Streams messages, and keeps up to 64 KiB of what was sent for the next attempt.
        .map_request(|request: http::Request<Body>| request.map(Replayable::new))
        .layer(TimeoutLayer::total("stock", TOTAL)?.with_policy(grpc))
        .layer(RetryLayer::with(handles.retrier.clone()).with_policy(grpc))
        // Inside of retry, so that it counts each attempt. An open breaker ends the retries.
        .layer(CircuitBreakerLayer::with(handles.breaker.clone()).with_policy(grpc))
        .layer(TimeoutLayer::attempt("stock", ATTEMPT)?.with_policy(grpc))
        // Innermost, so that each attempt sends the time that is left at its start.
        .layer(ForwardContextLayer::new(ContextHeaders::grpc()))
        .map_request(|request: http::Request<Replayable<Body>>| request.map(Body::new))
        .service(channel);
    Ok((BoxCloneSyncService::new(stack), handles))
}

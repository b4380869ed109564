//! The version of HTTP, and hyper-util's client for it. Probes use this client, too.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use mainstay::http::client::{Connector, RepeatStale, Resolver};

/// The version of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wire {
    /// HTTP/1.1, with a connection for each call in flight.
    #[default]
    Http1,
    /// HTTP/2 with prior knowledge (it cannot be negotiated without TLS), with one connection for all calls.
    Http2,
}

/// An HTTP/2 connection that does not answer a ping within this time is closed, with all calls on it.
pub(crate) const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The client without layers. A request on an idle connection that its server has closed is sent again on a new one.
pub(crate) type PlainClient = RepeatStale<legacy::Client<Connector<HttpConnector<Resolver>>, Empty<Bytes>>>;

/// Creates the client without layers.
pub(crate) fn plain(wire: Wire) -> PlainClient {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
    if wire == Wire::Http2 {
        // All calls share one connection, so pings must detect a dead one.
        builder.http2_only(true).http2_keep_alive_interval(PING_TIMEOUT).http2_keep_alive_timeout(PING_TIMEOUT);
    }
    let connector = Connector::new(HttpConnector::new_with_resolver(Resolver::new()));
    let pooled = builder.build(connector.clone());
    RepeatStale::new(pooled, builder.pool_max_idle_per_host(0).build(connector))
}

//! hyper-util's client in the stack, with the policy `Http`.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use mainstay::{
    BoxError,
    failover::stack::{Standard, StandardHandles},
    http::{
        Http, box_body,
        context::{ContextHeaders, ForwardContextLayer},
        proxy,
    },
};
use tower::{ServiceBuilder, ServiceExt, util::BoxCloneSyncService};

use crate::stack::{self, Client, PING_TIMEOUT, Wire};

/// Creates a client of these servers, the primary first.
///
/// # Errors
/// A setting is out of its range.
pub fn client(primary: SocketAddr, backup: SocketAddr, wire: Wire) -> Result<(Client, StandardHandles), BoxError> {
    let client = plain(wire);
    let at = |address: SocketAddr| {
        let base = http::Uri::try_from(format!("http://{address}"))?;
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Request<Empty<Bytes>>| {
                if let Some(uri) = proxy::rebase(&base, request.uri()) {
                    *request.uri_mut() = uri;
                }
                request
            })
            // Sends the time to the deadline to the server, as `x-request-timeout-ms`.
            .layer(ForwardContextLayer::new(ContextHeaders::http()))
            // Boxes the body, so that it can hold a permit until it ends.
            .map_response(box_body)
            .service(client.clone());
        Ok::<_, http::uri::InvalidUri>(service)
    };
    let endpoints = [
        stack::endpoint("primary", primary, wire, at(primary)?)?,
        stack::endpoint("backup", backup, wire, at(backup)?)?,
    ];
    let standard = Standard::new("hyper", endpoints, stack::settings())?.with_policy(Http::new());
    let handles = standard.handles().clone();
    let stack = standard.build();
    let client = tower::service_fn(move |path: String| {
        let stack = stack.clone();
        async move {
            let response = stack.oneshot(Request::get(path).body(Empty::new())?).await?;
            let (head, body) = response.into_parts();
            let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
            Ok::<_, BoxError>((head.status.as_u16(), text))
        }
    });
    Ok((BoxCloneSyncService::new(client), handles))
}

/// Creates the client without layers.
pub(crate) fn plain(wire: Wire) -> legacy::Client<HttpConnector, Empty<Bytes>> {
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).timer(TokioTimer::new());
    if wire == Wire::Http2 {
        // All calls share one connection, so pings must detect a dead one.
        builder.http2_only(true).http2_keep_alive_interval(PING_TIMEOUT).http2_keep_alive_timeout(PING_TIMEOUT);
    }
    builder.build_http()
}

//! reqwest's client in the stack, with the policy `Reqwest`. It is a Tower service; each endpoint sets its host.

use std::net::SocketAddr;

use mainstay::{
    BoxError,
    failover::stack::{Standard, StandardHandles},
    http::Reqwest,
};
use reqwest::{Method, Request, Url};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::{
    stack::{self, Client},
    wire::{PING_TIMEOUT, Wire},
};

/// Creates a client of these servers, the primary first.
///
/// # Errors
/// A setting is out of its range.
pub fn client(primary: SocketAddr, backup: SocketAddr, wire: Wire) -> Result<(Client, StandardHandles), BoxError> {
    // reqwest would repeat streams that a server refuses, without counting against the retry budget.
    let builder = reqwest::Client::builder().retry(reqwest::retry::never());
    let client = match wire {
        Wire::Http1 => builder,
        Wire::Http2 => builder
            .http2_prior_knowledge()
            // All calls share one connection, so pings must detect a dead one.
            .http2_keep_alive_interval(PING_TIMEOUT)
            .http2_keep_alive_timeout(PING_TIMEOUT),
    };
    let client = client.build()?;
    let at = |address: SocketAddr| {
        client.clone().map_request(move |mut request: Request| {
            // These cannot fail for a URL with a host.
            let _ = request.url_mut().set_ip_host(address.ip());
            let _ = request.url_mut().set_port(Some(address.port()));
            request
        })
    };
    let endpoints =
        [stack::endpoint("primary", primary, wire, at(primary))?, stack::endpoint("backup", backup, wire, at(backup))?];
    let standard = Standard::new("reqwest", endpoints, stack::settings())?.with_policy(Reqwest::new().draining());
    let handles = standard.handles().clone();
    let stack = standard.build();
    let url = Url::parse("http://orders.internal")?;
    let client = tower::service_fn(move |path: String| {
        let (stack, url) = (stack.clone(), url.join(&path));
        async move {
            let response = stack.oneshot(Request::new(Method::GET, url?)).await?;
            Ok::<_, BoxError>((response.status().as_u16(), response.text().await?))
        }
    });
    Ok((BoxCloneSyncService::new(client), handles))
}

//! `reqwest::Client` is a Tower service; all it needs is to be told which host each endpoint is.

use std::net::SocketAddr;

use mainstay::{
    BoxError,
    failover::stack::{Standard, StandardHandles},
    http::Reqwest,
};
use reqwest::{Method, Request, Url};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crate::stack::{self, Client};

/// A client of these servers, the primary first.
///
/// # Errors
/// A setting out of its range.
pub fn client(primary: SocketAddr, backup: SocketAddr) -> Result<(Client, StandardHandles), BoxError> {
    let client = reqwest::Client::new();
    let at = |address: SocketAddr| {
        client.clone().map_request(move |mut request: Request| {
            // An address and a port are always accepted for a URL with a host.
            let _ = request.url_mut().set_ip_host(address.ip());
            let _ = request.url_mut().set_port(Some(address.port()));
            request
        })
    };
    let endpoints = [stack::endpoint("primary", primary, at(primary))?, stack::endpoint("backup", backup, at(backup))?];
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

//! hyper-util's client in the stack, with the policy `Http`.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
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

use crate::{
    stack::{self, Client},
    wire::{Wire, plain},
};

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

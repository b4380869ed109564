//! From a client's request to one that a backend may see, and back (RFC 9110, 7.6).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{ConnectInfo, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, StatusCode, Uri, header, uri::Scheme};
use mainstay_http::{
    PROBLEM_JSON,
    proxy::{self, Hop, Inbound},
};
use serde_json::json;
use tokio::time::Instant;
use tower::ServiceExt;

use crate::{backend::SERVED_BY, stack::Stack, upload::Upload};

/// What `forward` needs. Shared, because axum clones the state of a handler several times for each request.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// What is forwarded: everything under it.
    pub(crate) prefix: Box<str>,
    /// Whether the peers are proxies of ours.
    pub(crate) inbound: Inbound,
    /// Our name in `Via`, another one in each process, so that a gateway before a gateway is no loop.
    pub(crate) pseudonym: Box<str>,
    pub(crate) stack: Stack,
    /// How long a client may take for a request's body.
    pub(crate) upload_timeout: Duration,
}

/// The handler of everything that the gateway does not answer itself.
pub(crate) async fn forward(
    State(proxy): State<Arc<Proxy>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request<Body>,
) -> Response {
    if let Err(status) = proxy.admits(&request) {
        return refusal(status);
    }
    proxy.prepare(&mut request, peer);
    let until = Instant::now() + proxy.upload_timeout;
    let request = request.map(|body| Upload::new(body, until));
    let progress = request.body().progress();
    match proxy.stack.clone().oneshot(request).await {
        Ok(mut response) => {
            let version = response.version();
            let headers = response.headers_mut();
            proxy::strip_hop_by_hop(headers);
            proxy::add_via(headers, version, &proxy.pseudonym);
            response
        }
        Err(_) if progress.is_too_slow() => refusal(StatusCode::REQUEST_TIMEOUT),
        Err(error) => mainstay_http::into_response(&error),
    }
}

/// Says on an answer that no backend gave that it is the gateway's own.
pub(crate) fn sign(mut response: Response) -> Response {
    response.headers_mut().entry(SERVED_BY).or_insert(HeaderValue::from_static("gateway"));
    response
}

/// An answer of the form of all others that are not a backend's (RFC 9457).
fn refusal(status: StatusCode) -> Response {
    let problem = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16() });
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], problem.to_string()).into_response()
}

// === impl Proxy ===

impl Proxy {
    /// # Errors
    /// The status to answer with where there is nothing to forward.
    fn admits(&self, request: &Request<Body>) -> Result<(), StatusCode> {
        let under_prefix = |path: &str| path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.starts_with('/'));
        if !under_prefix(request.uri().path()) {
            return Err(StatusCode::NOT_FOUND);
        }
        // A path with dot segments may lead out of the prefix, and is for no backend to resolve.
        if proxy::rebase(&Uri::from_static("http://backend"), request.uri()).is_none() {
            return Err(StatusCode::BAD_REQUEST);
        }
        match proxy::is_loop(request.headers(), &self.pseudonym) {
            true => Err(StatusCode::LOOP_DETECTED),
            false => Ok(()),
        }
    }

    fn prepare(&self, request: &mut Request<Body>, peer: SocketAddr) {
        let version = request.version();
        let host = proxy::requested_host(request.uri(), request.headers()).map(str::to_owned);
        let headers = request.headers_mut();
        proxy::strip_hop_by_hop(headers);
        let hop = Hop { peer: Some(peer.ip()), scheme: &Scheme::HTTP, host: host.as_deref() };
        proxy::set_forwarded(headers, hop, self.inbound);
        proxy::add_via(headers, version, &self.pseudonym);
        // Our server has met the expectation: it asks for the body as soon as a backend takes it.
        headers.remove(header::EXPECT);
        // What our server knows of this connection is nothing to a backend, and would be copied with each attempt.
        request.extensions_mut().clear();
    }
}

//! Forwards one request: admission, headers of one hop (RFC 9110, 7.6), upload, and errors.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Request, StatusCode, header, uri::Scheme};
use mainstay_core::BoxError;
use mainstay_http::{
    proxy::{self, Inbound, Via},
    rejection::PROBLEM_JSON,
};
use serde_json::json;
use tokio::time::Instant;
use tower::{Service, ServiceExt};

use crate::{
    backend::{ProxyRequest, SERVED_BY},
    upload::Upload,
};

/// The rules by which requests are forwarded.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Every path below it is forwarded.
    pub(crate) prefix: Box<str>,
    /// Whether the peers are our own proxies, whose `X-Forwarded-*` headers are kept.
    pub(crate) inbound: Inbound,
    /// The gateway's name in `Via`. Each process has another one, so that two gateways in a row are not a loop.
    pub(crate) via: Via,
    /// How long a client may take to send the body of a request.
    pub(crate) upload_timeout: Duration,
}

/// Marks an answer as the gateway's own, unless a backend gave it.
pub(crate) fn set_served_by(mut response: Response) -> Response {
    response.headers_mut().entry(SERVED_BY).or_insert(HeaderValue::from_static("gateway"));
    response
}

/// Returns an answer of the gateway itself, as problem details (RFC 9457).
fn refusal(status: StatusCode) -> Response {
    let problem = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16() });
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], problem.to_string()).into_response()
}

// === impl Proxy ===

impl Proxy {
    /// Sends one request through the stack.
    pub(crate) async fn forward<S>(&self, stack: S, mut request: Request<Body>) -> Response
    where
        S: Service<ProxyRequest, Response = Response, Error = BoxError>,
    {
        if let Err(status) = self.admits(&request) {
            return refusal(status);
        }
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            // Without the peer's address, `X-Forwarded-For` would contain only what the client wrote there.
            tracing::error!("no address of the peer: serve the router with into_make_service_with_connect_info");
            return refusal(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let peer = peer.ip();
        proxy::prepare_request(&mut request, peer, &Scheme::HTTP, self.inbound, &self.via);
        // The server's data on this connection is of no use to a backend, and each attempt would copy it.
        request.extensions_mut().clear();
        let until = Instant::now() + self.upload_timeout;
        let request = request.map(|body| Upload::new(body, until));
        let progress = request.body().progress();
        match stack.oneshot(request).await {
            Ok(mut response) => {
                proxy::prepare_response(&mut response, &self.via);
                response
            }
            Err(_) if progress.is_too_slow() => refusal(StatusCode::REQUEST_TIMEOUT),
            Err(error) => mainstay_http::axum::error_response(&error),
        }
    }

    /// Checks whether a request may be forwarded.
    ///
    /// # Errors
    /// The status of the answer, if it may not.
    fn admits(&self, request: &Request<Body>) -> Result<(), StatusCode> {
        let under_prefix = |path: &str| path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.starts_with('/'));
        if !under_prefix(request.uri().path()) {
            return Err(StatusCode::NOT_FOUND);
        }
        // A backend could resolve dot segments to a path outside of the prefix.
        if !proxy::stays_below(request.uri()) {
            return Err(StatusCode::BAD_REQUEST);
        }
        match self.via.is_loop(request.headers()) {
            true => Err(StatusCode::LOOP_DETECTED),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tower::service_fn;

    use super::*;

    /// A copy of this program may run on another server, which does not pass on the peer's address.
    #[tokio::test]
    async fn request_without_peer_address_is_not_forwarded() {
        let proxy = Proxy {
            prefix: "/api".into(),
            inbound: Inbound::Trusted,
            via: Via::new("gateway").unwrap(),
            upload_timeout: Duration::from_secs(1),
        };
        let backend = service_fn(|_: ProxyRequest| async { Ok::<_, BoxError>(Response::default()) });
        let request = || Request::get("/api/x").body(Body::empty()).unwrap();
        assert_eq!(proxy.forward(backend, request()).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let mut known = request();
        known.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        assert_eq!(proxy.forward(backend, known).await.status(), StatusCode::OK);
    }
}

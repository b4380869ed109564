//! From a client's request to one that a backend may see, and back (RFC 9110, 7.6).

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

/// What the gateway forwards, and how.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// What is forwarded: everything under it.
    pub(crate) prefix: Box<str>,
    /// Whether the peers are proxies of ours.
    pub(crate) inbound: Inbound,
    /// Our name in `Via`, another one in each process, so that a gateway before a gateway is no loop.
    pub(crate) via: Via,
    /// How long a client may take for a request's body.
    pub(crate) upload_timeout: Duration,
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
    /// One request through the stack.
    pub(crate) async fn forward<S>(&self, stack: S, mut request: Request<Body>) -> Response
    where
        S: Service<ProxyRequest, Response = Response, Error = BoxError>,
    {
        if let Err(status) = self.admits(&request) {
            return refusal(status);
        }
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            // Not to be passed over: without it a client could say that it is anybody.
            tracing::error!("the server does not say who its peers are: into_make_service_with_connect_info");
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

    /// # Errors
    /// The status to answer with where there is nothing to forward.
    fn admits(&self, request: &Request<Body>) -> Result<(), StatusCode> {
        let under_prefix = |path: &str| path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.starts_with('/'));
        if !under_prefix(request.uri().path()) {
            return Err(StatusCode::NOT_FOUND);
        }
        // A path with dot segments may lead out of the prefix, and is for no backend to resolve.
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

    /// A copy of this program may stand on another server, and must not pass on who a client says that it is.
    #[tokio::test]
    async fn without_the_peers_address_nothing_is_forwarded() {
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

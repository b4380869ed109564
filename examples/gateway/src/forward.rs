//! Forwards one request: admission, heads and trailers (RFC 9110, 7.6), upload, and errors.

use std::{net::SocketAddr, time::Duration};

use axum::{
    body::{Body, HttpBody},
    extract::ConnectInfo,
    middleware::Next,
    response::Response,
};
use http::{
    Extensions, HeaderValue, Method, Request, StatusCode,
    header::{EXPECT, RETRY_AFTER},
    uri::Scheme,
};
use mainstay_core::BoxError;
use mainstay_http::{
    client::SharedRequest,
    proxy::{self, ProxyRules},
};
use tower::{Service, ServiceExt};

use crate::{
    backend::{ProxyRequest, SERVED_BY},
    problem::{problem, refusal},
    upload::Upload,
};

/// The rules by which requests are forwarded.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// Every path below it is forwarded.
    pub(crate) prefix: Box<str>,
    /// How heads and trailers are changed.
    pub(crate) rules: ProxyRules,
    /// How long a client may pause in the body of a request.
    pub(crate) body_idle_timeout: Duration,
}

/// Marks an answer as the gateway's own, unless a backend gave it.
pub(crate) fn set_served_by(mut response: Response) -> Response {
    response.headers_mut().entry(SERVED_BY).or_insert(HeaderValue::from_static("gateway"));
    response
}

/// Answers a request on a connection above the limit.
pub(crate) fn no_connection() -> Response {
    let mut response = set_served_by(problem(StatusCode::SERVICE_UNAVAILABLE));
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn is_continue(expectation: &HeaderValue) -> bool {
    expectation.as_bytes().eq_ignore_ascii_case(b"100-continue")
}

/// Refuses a request without one valid `Host`, on a path that the gateway answers itself (RFC 9112, 3.2).
pub(crate) async fn check_host(request: Request<Body>, next: Next) -> Response {
    match proxy::check_host(&request) {
        Ok(()) => next.run(request).await,
        Err(fault) => refusal(fault),
    }
}

// === impl Proxy ===

impl Proxy {
    /// Sends one request through the stack.
    pub(crate) async fn forward<S>(&self, stack: S, mut request: Request<Body>) -> Response
    where
        S: Service<ProxyRequest, Response = Response, Error = BoxError>,
    {
        let under_prefix = |path: &str| path.strip_prefix(&*self.prefix).is_some_and(|rest| rest.starts_with('/'));
        // The target of `CONNECT` is no path, and another fault.
        if !under_prefix(request.uri().path()) && request.method() != Method::CONNECT {
            return proxy::check_host(&request).map_or_else(refusal, |()| problem(StatusCode::NOT_FOUND));
        }
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else {
            // Without the peer's address, `X-Forwarded-For` would contain only what the client wrote there.
            tracing::error!("no address of the peer: serve the router with into_make_service_with_connect_info");
            return problem(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let peer = peer.ip();
        // The server's data on this connection is of no use to a backend, and each attempt would copy it.
        *request.extensions_mut() = Extensions::new();
        let is_expected = request.headers().get(EXPECT).is_some_and(is_continue) && !request.body().is_end_stream();
        let mut request = match proxy::prepare_request(request, peer, &Scheme::HTTP, &self.rules) {
            Ok(request) => request,
            Err(fault) => return refusal(fault),
        };
        if is_expected {
            // It is from end to end, and was removed above (RFC 9110, 10.1.1).
            request.headers_mut().insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        let mut request = request.map(|body| Upload::new(body, self.body_idle_timeout, is_expected));
        let progress = request.body().progress().clone();
        if let Some(clock) = progress.clock() {
            request.extensions_mut().insert(clock.clone());
        }
        match stack.oneshot(SharedRequest::new(request)).await {
            Ok(response) => response,
            Err(error) => {
                progress.release();
                match progress.failure() {
                    Some(failure) => {
                        let status = failure.status();
                        tracing::debug!(status = status.as_u16(), ?failure, "the client broke its request");
                        problem(status)
                    }
                    None => mainstay_http::axum::error_response(&error),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mainstay_http::proxy::Via;
    use tower::service_fn;

    use super::*;

    /// A copy of this program may run on another server, which does not pass on the peer's address.
    #[tokio::test]
    async fn request_without_peer_address_is_not_forwarded() {
        let proxy = Proxy {
            prefix: "/api".into(),
            rules: ProxyRules::new(Via::new("gateway").unwrap()),
            body_idle_timeout: Duration::from_secs(1),
        };
        let backend = service_fn(|_: ProxyRequest| async { Ok::<_, BoxError>(Response::default()) });
        let request = || Request::get("/api/x").header("host", "a").body(Body::empty()).unwrap();
        assert_eq!(proxy.forward(backend, request()).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let mut known = request();
        known.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        assert_eq!(proxy.forward(backend, known).await.status(), StatusCode::OK);
    }
}

//! One backend as a Tower service: any request, sent to the backend's own address.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, Uri, Version, header};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use mainstay_core::Name;
use mainstay_http::proxy;
use tower::{Service, ServiceBuilder};

/// Which endpoint gave the answer.
pub(crate) const SERVED_BY: HeaderName = HeaderName::from_static("x-served-by");

/// The HTTP client that all endpoints share.
pub(crate) type Client = legacy::Client<HttpConnector, Body>;

/// A client with a pool of connections. `attempt` bounds a request as a whole; connecting gets a part of it, so that
/// a host that swallows packets leaves time for another of its addresses.
pub(crate) fn client(attempt: Duration) -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(attempt / 2));
    // Finds out about a peer that vanished in the middle of a long answer.
    connector.set_keepalive(Some(Duration::from_secs(15)));
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(connector)
}

/// The backend of that name at that address.
///
/// Of the request's URI only path and query are used, and `Host` is written by the client from the new URI: nothing
/// that somebody sends can choose where this goes.
pub(crate) fn endpoint(
    name: &Name,
    address: Uri,
    client: Client,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = legacy::Error, Future: Send> + Clone + use<> {
    let sign = HeaderValue::try_from(name.as_str()).unwrap_or(HeaderValue::from_static("endpoint"));
    ServiceBuilder::new()
        .map_request(move |mut request: Request<Body>| {
            // `forward` has refused what cannot be rebased; should that ever change, it ends at the backend's root.
            *request.uri_mut() = proxy::rebase(&address, request.uri()).unwrap_or_else(|| address.clone());
            // The version is a matter of each hop.
            *request.version_mut() = Version::HTTP_11;
            request.headers_mut().remove(header::HOST);
            request
        })
        .map_response(move |response: Response<_>| {
            let mut response = response.map(Body::new);
            response.headers_mut().insert(SERVED_BY, sign.clone());
            response
        })
        .service(client)
}

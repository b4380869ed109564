//! A reverse proxy without Mainstay's layers: axum and hyper-util's pooled client, with the same settings as in the gateway.
//!
//! It changes message heads as every proxy must (RFC 9110, 7.6), with the functions that the gateway uses. The difference
//! between the two is the standard stack, the limit at the entrance, and the server that drains.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use http::{Request, StatusCode, Uri, Version, uri::Scheme};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use mainstay_http::proxy::{self, ForwardedBody, ProxyRules, Via};
use tokio::net::TcpListener;

use crate::{BoxError, process::introduce};

/// The gateway's default attempt timeout.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Of the same length as the gateway's.
const PSEUDONYM: &str = "bare-123456789";

#[derive(Clone)]
struct Bare(Arc<Inner>);

struct Inner {
    client: legacy::Client<HttpConnector, ForwardedBody<Body>>,
    origin: Uri,
    rules: ProxyRules,
}

/// Serves until it is killed.
pub(crate) async fn run(origin: &str) -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    introduce("bare", listener.local_addr()?)?;
    // As in the gateway's server. An error means that the client has disconnected.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let rules = ProxyRules::new(Via::new(PSEUDONYM)?);
    let bare = Bare(Arc::new(Inner { client: client(), origin: origin.parse()?, rules }));
    let app = Router::new().fallback(forward).with_state(bare);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn forward(
    State(Bare(bare)): State<Bare>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request<Body>,
) -> Response {
    let Some(uri) = proxy::rebase(&bare.origin, request.uri()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut request = match proxy::prepare_request(request, peer.ip(), &Scheme::HTTP, &bare.rules) {
        Ok(request) => request,
        Err(fault) => return fault.status().into_response(),
    };
    *request.version_mut() = Version::HTTP_11;
    *request.uri_mut() = uri;
    let Ok(response) = bare.client.request(request).await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    match proxy::prepare_response(response, &bare.origin, &bare.rules.via) {
        Ok(response) => response.map(Body::new),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

fn client() -> legacy::Client<HttpConnector, ForwardedBody<Body>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(ATTEMPT / 2));
    connector.set_keepalive(Some(Duration::from_secs(15)));
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(30))
        .build(connector)
}

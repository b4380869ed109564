//! A client in the standard stack, over HTTP/1.1 and HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::{client::legacy, rt::TokioExecutor};
use mainstay_core::BoxError;
use mainstay_failover::{
    Endpoint, FailoverSettings,
    stack::{Standard, StandardHandles, StandardSettings},
};
use mainstay_http::{Http, body::ReplayBody, box_body};
use tower::ServiceExt as _;

pub(crate) type StreamResponse = Response<UnsyncBoxBody<Bytes, hyper::Error>>;

pub(crate) const VERSIONS: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

pub(crate) fn in_flight(handles: &StandardHandles) -> u32 {
    handles.endpoints[0].limit.snapshot().in_flight
}

/// Sends the request through a new stack.
pub(crate) async fn send<B>(
    version: Version,
    request: Request<B>,
) -> Result<(StreamResponse, StandardHandles), BoxError>
where
    B: Body<Data: Send, Error: Into<BoxError>> + ReplayBody + Send + Unpin + 'static,
{
    let client = legacy::Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build_http();
    let endpoint = Endpoint::new("origin", client.map_response(box_body));
    // An upload is part of an attempt, and a gigabyte takes long on a busy machine.
    let (total_timeout, attempt_timeout) = (Duration::from_secs(600), Duration::from_secs(300));
    let failover = FailoverSettings { trial_lease: 2 * attempt_timeout, ..FailoverSettings::default() };
    let settings = StandardSettings { total_timeout, attempt_timeout, failover, ..StandardSettings::default() };
    let standard = Standard::new("streams", [endpoint], settings)?.with_policy(Http::new());
    let handles = standard.handles().clone();
    let response = standard.build().oneshot(request).await?;
    assert_eq!(response.version(), version);
    Ok((response, handles))
}

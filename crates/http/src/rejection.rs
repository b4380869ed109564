//! How a refusal looks from outside: the one place where it becomes a response.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use mainstay_core::{FailureKind, Outcome, Reason, Refusal, Rejected};

use crate::{
    GRPC_MESSAGE, GRPC_RETRY_PUSHBACK, GRPC_STATUS, GRPC_STATUS_DETAILS, GrpcCode, classify_error, retry_after_value,
    retry_info::{details_value, retry_info_details},
};

/// The media type of the bodies made here (RFC 9457).
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The status of a refusal: 504 for every kind of timeout, 429 for a rate limit, 503 for the rest.
#[must_use]
pub fn status(rejected: &Rejected) -> StatusCode {
    match rejected.reason() {
        Reason::AttemptTimeout | Reason::TotalTimeout | Reason::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// A refusal as an HTTP response: its [`status`], `Retry-After`, and a body of `application/problem+json`.
///
/// `Retry-After` is in whole seconds, rounded up; a 503 or 429 of a layer that does not know when says one second,
/// a 504 of such a layer says nothing. The body tells the reason and no names: those are for logs.
///
/// ```
/// use mainstay_core::{Reason, Rejected};
///
/// let response = mainstay_http::response(&Rejected::new(Reason::BulkheadFull, "orders"));
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "1");
/// assert!(response.body().contains(r#""type":"urn:mainstay:problem:bulkhead_full""#));
/// ```
#[must_use]
pub fn response(rejected: &Rejected) -> Response<String> {
    let status = status(rejected);
    let mut response = problem(status, rejected.reason().as_str(), detail(rejected.reason()));
    let unknown = (status != StatusCode::GATEWAY_TIMEOUT).then_some(Duration::from_secs(1));
    if let Some(wait) = rejected.retry_after().or(unknown) {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after_value(wait));
    }
    response
}

/// The response to an error that is not a refusal: 502, and not a word of what the error says.
#[must_use]
pub fn bad_gateway() -> Response<String> {
    problem(StatusCode::BAD_GATEWAY, "upstream_failed", "The service behind this one failed.")
}

/// The gRPC code of a refusal: `DEADLINE_EXCEEDED` for every kind of timeout, `RESOURCE_EXHAUSTED` for limits,
/// `UNAVAILABLE` for the rest.
#[must_use]
pub fn grpc_code(rejected: &Rejected) -> GrpcCode {
    match rejected.reason() {
        Reason::AttemptTimeout | Reason::TotalTimeout | Reason::DeadlineExceeded => GrpcCode::DEADLINE_EXCEEDED,
        Reason::RateLimited | Reason::BulkheadFull | Reason::QueueTimeout => GrpcCode::RESOURCE_EXHAUSTED,
        _ => GrpcCode::UNAVAILABLE,
    }
}

/// A refusal as a gRPC response without a body, the status in its head. Where the layer knows when to repeat it says so
/// twice: as `grpc-retry-pushback-ms`, which clients that retry by themselves obey, and as a `google.rpc.RetryInfo` in
/// the details, which programs read.
#[must_use]
pub fn grpc_response<B: Default>(rejected: &Rejected) -> Response<B> {
    let mut response = trailers_only(grpc_code(rejected), detail(rejected.reason()));
    if let Some(pushback) = pushback(rejected) {
        response.headers_mut().insert(GRPC_RETRY_PUSHBACK, pushback);
    }
    if let Some(details) = details(rejected).as_deref().and_then(details_value) {
        response.headers_mut().insert(GRPC_STATUS_DETAILS, details);
    }
    response
}

/// The gRPC response to an error that is not a refusal: `UNAVAILABLE`, and not a word of what the error says.
#[must_use]
pub fn grpc_unavailable<B: Default>() -> Response<B> {
    trailers_only(GrpcCode::UNAVAILABLE, "The service behind this one failed.")
}

/// The refusal that a client is shown for an error. A timeout of what is below our layers looks like one of ours: at a
/// deadline that both know, which of the two comes first is chance.
pub(crate) fn shown<E: Refusal + 'static>(error: &E) -> Option<Rejected> {
    error.rejected().cloned().or_else(|| match classify_error(error) {
        Outcome::Failure { kind: FailureKind::Timeout, .. } => Some(Rejected::new(Reason::AttemptTimeout, "upstream")),
        _ => None,
    })
}

/// Rounded up to the millisecond, and to an `i32`, which is what clients parse it as.
pub(crate) fn pushback(rejected: &Rejected) -> Option<HeaderValue> {
    let wait = rejected.retry_after()?;
    let millis = i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    Some(HeaderValue::from(millis))
}

/// A `google.rpc.Status` with the wait, where it is known.
pub(crate) fn details(rejected: &Rejected) -> Option<Vec<u8>> {
    let wait = rejected.retry_after()?;
    Some(retry_info_details(grpc_code(rejected), detail(rejected.reason()), wait))
}

/// What a client may know of a reason, in words. They need no escaping, neither in JSON nor in `grpc-message`.
pub(crate) const fn detail(reason: Reason) -> &'static str {
    match reason {
        Reason::CircuitOpen => "The service behind this one is failing and is given time to recover.",
        Reason::BulkheadFull => "Too many requests are in progress.",
        Reason::QueueTimeout => "Too many requests are in progress and this one waited too long.",
        Reason::DeadlineExceeded => "The deadline of the request had passed before its turn came.",
        Reason::RateLimited => "Too many requests were sent.",
        Reason::AttemptTimeout | Reason::TotalTimeout => "The service behind this one did not answer in time.",
        Reason::NoHealthyEndpoint => "No service that could answer is available.",
        Reason::Draining => "This server is shutting down.",
        _ => "The request was refused.",
    }
}

fn problem(status: StatusCode, kind: &str, detail: &str) -> Response<String> {
    let title = status.canonical_reason().unwrap_or_default();
    let code = status.as_u16();
    let body =
        format!(r#"{{"type":"urn:mainstay:problem:{kind}","title":"{title}","status":{code},"detail":"{detail}"}}"#);
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, PROBLEM_JSON);
    response
}

fn trailers_only<B: Default>(code: GrpcCode, message: &'static str) -> Response<B> {
    let mut response = Response::new(B::default());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(GRPC_STATUS, code.into());
    headers.insert(GRPC_MESSAGE, HeaderValue::from_static(message));
    response
}

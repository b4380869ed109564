//! The response to a rejection, over HTTP and over gRPC.

use std::time::Duration;

use http::{HeaderValue, Response, StatusCode, header};
use mainstay_core::{FailureKind, Outcome, Reason, Refusal, Rejected};

use crate::{
    grpc::{
        retry_info::{GRPC_STATUS_DETAILS, details_value, retry_info_details},
        status::{GRPC_MESSAGE, GRPC_RETRY_PUSHBACK, GRPC_STATUS, GrpcCode},
    },
    policy::{
        error::{classify_error, own_limit},
        retry_after::retry_after_value,
    },
};

/// The media type of a response's problem details (RFC 9457).
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Returns the status of a rejection: 504 for a timeout of any kind, 429 for a rate limit, 502 for a response that is too
/// large, 503 for the rest.
#[must_use]
pub fn rejection_status(rejected: &Rejected) -> StatusCode {
    match rejected.reason() {
        Reason::AttemptTimeout | Reason::TotalTimeout | Reason::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::ResponseTooLarge => StatusCode::BAD_GATEWAY,
        Reason::NoRuntime => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Returns the HTTP response to a rejection: its [`rejection_status`], `Retry-After`, and a body of
/// `application/problem+json`.
///
/// `Retry-After` is in whole seconds, rounded up. If the layer gives no wait, it is one second with 503 and 429, and
/// left out with 504 and 502. The body has the reason but not the name of the layer, which is for logs.
///
/// ```
/// use mainstay_core::{Reason, Rejected};
/// use mainstay_http::rejection::rejection_response;
///
/// let response = rejection_response(&Rejected::new(Reason::BulkheadFull, "orders"));
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "1");
/// assert!(response.body().contains(r#""type":"urn:mainstay:problem:bulkhead_full""#));
/// ```
#[must_use]
pub fn rejection_response(rejected: &Rejected) -> Response<String> {
    let status = rejection_status(rejected);
    let mut response = problem(status, rejected.reason().as_str(), detail(rejected.reason()));
    let may_repeat = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    let default = may_repeat.then_some(Duration::from_secs(1));
    if let Some(wait) = rejected.retry_after().or(default) {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after_value(wait));
    }
    response
}

/// Returns the HTTP response to an error that is not a rejection: 502, without the error's text.
#[must_use]
pub fn bad_gateway_response() -> Response<String> {
    problem(StatusCode::BAD_GATEWAY, "upstream_failed", "The service behind this one failed.")
}

/// Returns the gRPC code of a rejection: `DEADLINE_EXCEEDED` for a timeout of any kind, `RESOURCE_EXHAUSTED` for limits,
/// `UNAVAILABLE` for the rest.
#[must_use]
pub fn grpc_rejection_code(rejected: &Rejected) -> GrpcCode {
    match rejected.reason() {
        Reason::AttemptTimeout | Reason::TotalTimeout | Reason::DeadlineExceeded => GrpcCode::DEADLINE_EXCEEDED,
        Reason::RateLimited | Reason::BulkheadFull | Reason::QueueTimeout | Reason::ResponseTooLarge => {
            GrpcCode::RESOURCE_EXHAUSTED
        }
        Reason::NoRuntime => GrpcCode::INTERNAL,
        _ => GrpcCode::UNAVAILABLE,
    }
}

/// Returns the gRPC response to a rejection: the status in its head and no body. The wait, if the layer gives one, stands
/// twice: as `grpc-retry-pushback-ms` for clients that retry by themselves, and as a `google.rpc.RetryInfo` in the
/// details for programs.
#[must_use]
pub fn grpc_rejection_response<B: Default>(rejected: &Rejected) -> Response<B> {
    let mut response = trailers_only(grpc_rejection_code(rejected), detail(rejected.reason()));
    if let Some(pushback) = pushback(rejected) {
        response.headers_mut().insert(GRPC_RETRY_PUSHBACK, pushback);
    }
    if let Some(details) = details(rejected).as_deref().and_then(details_value) {
        response.headers_mut().insert(GRPC_STATUS_DETAILS, details);
    }
    response
}

/// Returns the gRPC response to an error that is not a rejection: `UNAVAILABLE`, without the error's text.
#[must_use]
pub fn grpc_unavailable_response<B: Default>() -> Response<B> {
    trailers_only(GrpcCode::UNAVAILABLE, "The service behind this one failed.")
}

/// Returns the rejection that an error is answered as. A timeout of the inner client is answered like a timeout layer's:
/// where both have the same deadline, which of the two fires first is chance. An error by a limit of this process says so.
pub(crate) fn rejection_for_response<E: Refusal + 'static>(error: &E) -> Option<Rejected> {
    let reason = || match classify_error(error) {
        Outcome::Failure { kind: FailureKind::Timeout, .. } => Some(Reason::AttemptTimeout),
        _ => own_limit(error),
    };
    error.rejected().cloned().or_else(|| Some(Rejected::new(reason()?, "upstream")))
}

/// The wait in milliseconds, rounded up, within an `i32`, as which clients parse it.
pub(crate) fn pushback(rejected: &Rejected) -> Option<HeaderValue> {
    let wait = rejected.retry_after()?;
    let millis = i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
    Some(HeaderValue::from(millis))
}

/// A `google.rpc.Status` with the wait, if the layer gives one.
pub(crate) fn details(rejected: &Rejected) -> Option<Vec<u8>> {
    let wait = rejected.retry_after()?;
    Some(retry_info_details(grpc_rejection_code(rejected).0, detail(rejected.reason()), wait))
}

/// The text of a reason for clients. It needs no escaping, neither in JSON nor in `grpc-message`.
pub(crate) const fn detail(reason: Reason) -> &'static str {
    match reason {
        Reason::CircuitOpen => "The service behind this one is failing and is given time to recover.",
        Reason::BulkheadFull => "Too many requests are in progress.",
        Reason::QueueTimeout => "Too many requests are in progress and this one waited too long.",
        Reason::DeadlineExceeded => "The deadline of the request passed while it was queued.",
        Reason::RateLimited => "Too many requests were sent.",
        Reason::AttemptTimeout | Reason::TotalTimeout => "The service behind this one did not answer in time.",
        Reason::NoHealthyEndpoint => "No service that could answer is available.",
        Reason::Draining => "This server is shutting down.",
        Reason::ResponseTooLarge => "The head of the answer is larger than this server permits.",
        Reason::NoRuntime => "This server is not set up to wait.",
        Reason::OutOfFiles => "This server has no file descriptor left for a connection to the service behind it.",
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

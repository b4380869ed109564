//! Answers of the gateway itself, as problem details (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use mainstay_http::{proxy::RequestFault, rejection::PROBLEM_JSON};
use serde_json::json;

/// Returns an answer with this status.
pub(crate) fn problem(status: StatusCode) -> Response {
    with_detail(status, None)
}

/// Returns the answer to a request that is not forwarded.
pub(crate) fn refusal(fault: RequestFault) -> Response {
    let status = fault.status();
    // The last recipient of `OPTIONS` answers it, which is no problem.
    let mut response = if status.is_success() { status.into_response() } else { with_detail(status, Some(fault)) };
    response.headers_mut().extend(fault.allow());
    response
}

fn with_detail(status: StatusCode, detail: Option<RequestFault>) -> Response {
    let mut problem = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16() });
    if let Some(detail) = detail {
        problem["detail"] = json!(detail.to_string());
    }
    (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], problem.to_string()).into_response()
}

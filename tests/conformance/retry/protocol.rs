//! Vectors of the retry rules of HTTP and gRPC.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use mainstay_core::{BoxError, Classify, Outcome, Reason, Rejected, Repeat};
use mainstay_http::Http;
use serde_json::Value;

use crate::{
    backoff::millis,
    check::Check,
    vector::{Fields, Vector},
};

/// Checks which results the HTTP policy classifies as retryable.
pub(super) fn http(vector: &Vector) -> Check {
    let mut check = Check::default();
    for (what, repeated) in vector.body["expect"].as_object().unwrap() {
        let error: BoxError = match what.as_str() {
            "connect_error" => Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)),
            "attempt_timeout" => Box::new(Rejected::new(Reason::AttemptTimeout, "vector")),
            "connection_timeout" => Box::new(std::io::Error::from(std::io::ErrorKind::TimedOut)),
            "circuit_open" => Box::new(Rejected::new(Reason::CircuitOpen, "vector")),
            // A cancelled call is a dropped future, so there is no result to classify.
            "caller_cancelled" => continue,
            status => {
                let response = Response::builder().status(status.parse::<StatusCode>().unwrap()).body(()).unwrap();
                check.expect(0, what, repeated, is_retried(Http::new().classify(Ok::<_, &BoxError>(&response))));
                continue;
            }
        };
        check.expect(0, what, repeated, is_retried(Http::new().classify(Err::<&Response<()>, _>(&error))));
    }
    check
}

fn is_retried(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::Rejected { .. }) && outcome.repeat() != Repeat::Never
}

pub(super) fn retry_after(vector: &Vector) -> Check {
    let mut check = Check::default();
    for (number, case) in vector.list("cases").iter().enumerate() {
        let (headers, policy): (HeaderMap, fn(&HeaderMap) -> Option<Outcome>) = match case.text("header") {
            None => (HeaderMap::new(), http_outcome),
            Some(header) if header.starts_with("date") || header.starts_with("delta") => (date(header), http_outcome),
            Some(pushback) => (self::pushback(pushback), mainstay_http::grpc::classify_grpc),
        };
        let repeat = policy(&headers).unwrap().repeat();
        let delay = repeat.after().map_or(Value::Null, millis);
        if let Some(expected) = case.get("delay_ms") {
            check.expect(number, "delay_ms", expected, delay);
        }
        if let Some(expected) = case.get("retry") {
            check.expect(number, "retry", expected, repeat != Repeat::Never);
        }
    }
    check
}

fn http_outcome(headers: &HeaderMap) -> Option<Outcome> {
    Some(mainstay_http::policy::classify_head(StatusCode::SERVICE_UNAVAILABLE, headers))
}

/// Dates relative to `T`, the day of the RFC's example.
fn date(header: &str) -> HeaderMap {
    let day = |day: &'static str| HeaderValue::from_static(day);
    let value = match header {
        "delta 10s" => day("10"),
        "date T+1d" => day("Mon, 07 Nov 1994 08:49:37 GMT"),
        "date T-1d" => day("Sat, 05 Nov 1994 08:49:37 GMT"),
        other => panic!("unknown header {other}"),
    };
    HeaderMap::from_iter([(header::RETRY_AFTER, value), (header::DATE, day("Sun, 06 Nov 1994 08:49:37 GMT"))])
}

/// Returns the headers of an UNAVAILABLE with this pushback.
fn pushback(value: &str) -> HeaderMap {
    let value = HeaderValue::from_str(value.trim_start_matches("grpc-retry-pushback-ms: ")).unwrap();
    let status = HeaderValue::from_static("14");
    HeaderMap::from_iter([
        (mainstay_http::grpc::GRPC_STATUS, status),
        (mainstay_http::grpc::GRPC_RETRY_PUSHBACK, value),
    ])
}

//! In tonic: rejections become statuses, and statuses are classified.
#![cfg(feature = "tonic")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{error::Error as _, io, sync::Arc, time::Duration};

use mainstay_core::{BoxError, Classify, FailureKind, Outcome, Reason, Refusal as _, Rejected, Repeat};
use mainstay_http::{
    Grpc, Http,
    grpc::{GrpcError, error_status, grpc_rejection_status},
    rejection::grpc_rejection_response,
};
use tonic::{Code, ConnectError, Response, Status, TimeoutExpired, metadata::MetadataMap};
use tonic_types::{ErrorDetails, StatusExt as _};

#[allow(clippy::needless_pass_by_value, reason = "reads better")]
fn classify<E>(error: E) -> Outcome
where
    Grpc: Classify<Response<()>, E>,
{
    Classify::<Response<()>, E>::classify(&Grpc::new(), Err(&error))
}

#[test]
fn rejection_becomes_a_status_with_pushback_and_is_still_found() {
    let rejected = Rejected::new(Reason::BulkheadFull, "secret").with_retry_after(Duration::from_micros(1_500));
    let status = grpc_rejection_status(&rejected);
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "2");
    assert!(!status.message().contains("secret"));

    assert_eq!(classify(status.clone()), rejected.outcome());
    assert_eq!(classify(BoxError::from(status.clone())), rejected.outcome());
    assert_eq!(classify(GrpcError::from(status.clone())), rejected.outcome());
    assert_eq!(GrpcError::from(rejected.clone()).rejected(), Some(&rejected));
    assert_eq!(Status::from(GrpcError::from(rejected)).code(), status.code());
}

#[test]
fn status_of_the_server_is_classified_by_code_and_pushback() {
    let status = |code, pushback: Option<&str>| {
        let mut metadata = MetadataMap::new();
        if let Some(pushback) = pushback {
            metadata.insert("grpc-retry-pushback-ms", pushback.parse().unwrap());
        }
        Status::with_metadata(code, "words", metadata)
    };
    let unavailable = Outcome::failure(FailureKind::Unavailable);
    assert_eq!(classify(status(Code::Unavailable, None)), unavailable);
    let after = Repeat::After(Duration::from_millis(7));
    assert_eq!(classify(status(Code::Unavailable, Some("7"))), unavailable.with_repeat(after));
    assert_eq!(classify(status(Code::Unavailable, Some("-1"))), unavailable.with_repeat(Repeat::Never));
    assert_eq!(classify(BoxError::from(status(Code::ResourceExhausted, None))), Outcome::rate_limited(None));
    assert_eq!(classify(GrpcError::from(status(Code::NotFound, Some("7")))), Outcome::ignored());
    for code in 0..17 {
        let code = Code::from_i32(code);
        assert_eq!(Code::from(mainstay_http::grpc::GrpcCode::from(code)), code);
    }
    let ok = Response::new(());
    assert_eq!(Grpc::new().classify(Ok::<_, &Status>(&ok)), Outcome::Success);
}

/// `tonic-types` reads it from a status and from the head of a response.
#[test]
fn wait_of_a_rejection_is_a_retry_info() {
    let wait = Duration::from_micros(1_500);
    let rejected = Rejected::new(Reason::RateLimited, "secret").with_retry_after(wait);
    let status = grpc_rejection_status(&rejected);
    let response: http::Response<()> = grpc_rejection_response(&rejected);
    let from_head = Status::from_header_map(response.headers()).unwrap();
    for status in [&status, &from_head] {
        let info = status.get_details_retry_info().unwrap();
        assert_eq!(info.retry_delay, Some(wait));
        assert!(status.check_error_details().unwrap().retry_info().is_some());
        assert!(!String::from_utf8_lossy(status.details()).contains("secret"));
    }
    assert!(grpc_rejection_status(&Rejected::new(Reason::RateLimited, "x")).details().is_empty());
}

#[test]
fn retry_info_of_the_server_is_the_wait_unless_it_sends_pushback() {
    let wait = Duration::from_millis(1_250);
    let details = ErrorDetails::with_retry_info(Some(wait)).set_debug_info(Vec::new(), "x").to_owned();
    let mut status = Status::with_error_details(Code::Unavailable, "words", details);
    let unavailable = Outcome::failure(FailureKind::Unavailable);
    assert_eq!(classify(status.clone()), unavailable.with_repeat(Repeat::After(wait)));
    let response: http::Response<()> = status.clone().into_http();
    let outcome = Grpc::new().classify(Ok::<_, &BoxError>(&response));
    assert_eq!(outcome, unavailable.with_repeat(Repeat::After(wait)));
    status.metadata_mut().insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
    assert_eq!(classify(status), unavailable.with_repeat(Repeat::Never));
}

#[test]
fn error_status_keeps_text_and_causes() {
    let rejected = Rejected::new(Reason::RateLimited, "orders").with_retry_after(Duration::from_millis(20));
    let status = error_status(rejected.clone().into());
    assert_eq!((status.code(), status.message()), (Code::ResourceExhausted, rejected.to_string().as_str()));
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, rejected.retry_after());
    assert_eq!(classify(status), rejected.outcome());

    let reset = io::Error::other("reset by orders-1:50051");
    let unreachable = error_status(ConnectError(reset.into()).into());
    assert_eq!(unreachable.code(), Code::Unavailable);
    assert!(unreachable.message().ends_with("reset by orders-1:50051"), "{unreachable}");
    assert!(unreachable.source().is_some());
    assert_eq!(classify(unreachable), Outcome::failure(FailureKind::Connect));
    assert_eq!(error_status("unknown error".into()).code(), Code::Unavailable);
    assert_eq!(error_status("unknown error".into()).message(), "unknown error");

    let timed_out = error_status(TimeoutExpired(()).into());
    assert_eq!(timed_out.code(), Code::DeadlineExceeded);
    assert_eq!(classify(timed_out), Outcome::failure(FailureKind::Timeout));
    let of_the_server = error_status(GrpcError::from(Status::not_found("no such order")).into());
    assert_eq!((of_the_server.code(), of_the_server.message()), (Code::NotFound, "no such order"));
}

/// Tonic's code for its own timeout is `CANCELLED`. The source of the status shows the timeout.
#[test]
fn source_of_a_status_overrides_its_code() {
    let timed_out = Status::from_error(TimeoutExpired(()).into());
    assert_eq!(timed_out.code(), Code::Cancelled);
    let mut with_source = Status::cancelled("timed out");
    with_source.set_source(Arc::new(io::Error::from(io::ErrorKind::TimedOut)));
    assert!(with_source.source().is_some());
    assert_eq!(classify(with_source), Outcome::failure(FailureKind::Timeout));
    assert_eq!(classify(timed_out), Outcome::failure(FailureKind::Timeout));
}

/// A generated client turns a rejection into a status that wraps it.
#[test]
fn rejection_is_found_in_the_status_of_a_generated_client() {
    let rejected = Rejected::new(Reason::CircuitOpen, "orders");
    let status = Status::from_error(rejected.clone().into());
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(classify(status), rejected.outcome());
}

#[test]
fn http_policy_classifies_tonic_status_among_errors() {
    let error: BoxError = Status::resource_exhausted("busy").into();
    assert_eq!(Classify::<http::Response<()>, _>::classify(&Http::new(), Err(&error)), Outcome::rate_limited(None));
    assert_eq!(Classify::<http::Response<()>, _>::classify(&Grpc::new(), Err(&error)), Outcome::rate_limited(None));
}

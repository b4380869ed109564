//! In tonic: refusals become statuses, statuses are classified, a channel takes the policy.
#![cfg(feature = "tonic")]
#![allow(clippy::unwrap_used, reason = "tests say what they mean")]

use std::{error::Error as _, io, sync::Arc, time::Duration};

use mainstay_core::{BoxError, Classify, FailureKind, Outcome, Reason, Refusal as _, Rejected, Repeat};
use mainstay_http::{Grpc, GrpcError, Http, grpc_status};
use tonic::{Code, Response, Status, TimeoutExpired, metadata::MetadataMap};

#[allow(clippy::needless_pass_by_value, reason = "reads better")]
fn classify<E>(error: E) -> Outcome
where
    Grpc: Classify<Response<()>, E>,
{
    Classify::<Response<()>, E>::classify(&Grpc::new(), Err(&error))
}

#[test]
fn a_refusal_is_a_status_with_pushback_and_still_a_refusal() {
    let refused = Rejected::new(Reason::BulkheadFull, "secret").with_retry_after(Duration::from_micros(1_500));
    let status = grpc_status(&refused);
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "2");
    assert!(!status.message().contains("secret"));

    assert_eq!(classify(status.clone()), refused.outcome());
    assert_eq!(classify(BoxError::from(status.clone())), refused.outcome());
    assert_eq!(classify(GrpcError::from(status.clone())), refused.outcome());
    assert_eq!(GrpcError::from(refused.clone()).rejected(), Some(&refused));
    assert_eq!(Status::from(GrpcError::from(refused)).code(), status.code());
}

#[test]
fn a_status_of_the_server_is_read_by_code_and_pushback() {
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
    assert_eq!(classify(BoxError::from(status(Code::ResourceExhausted, None))), Outcome::overloaded(None));
    assert_eq!(classify(GrpcError::from(status(Code::NotFound, Some("7")))), Outcome::Ignored);
    for code in 0..17 {
        let code = Code::from_i32(code);
        assert_eq!(Code::from(mainstay_http::GrpcCode::from(code)), code);
    }
    let ok = Response::new(());
    assert_eq!(Grpc::new().classify(Ok::<_, &Status>(&ok)), Outcome::Success);
}

/// Tonic calls its own timeout `CANCELLED`, which says nothing about the server; the reason does.
#[test]
fn what_a_status_was_made_of_says_more_than_its_code() {
    let timed_out = Status::from_error(TimeoutExpired(()).into());
    assert_eq!(timed_out.code(), Code::Cancelled);
    let mut with_source = Status::cancelled("timed out");
    with_source.set_source(Arc::new(io::Error::from(io::ErrorKind::TimedOut)));
    assert!(with_source.source().is_some());
    assert_eq!(classify(with_source), Outcome::failure(FailureKind::Timeout));
    assert_eq!(classify(timed_out), Outcome::failure(FailureKind::Timeout));
}

/// What a generated client makes of our refusal: a status that wraps it.
#[test]
fn a_refusal_is_found_under_the_status_that_a_generated_client_makes() {
    let refused = Rejected::new(Reason::CircuitOpen, "orders");
    let status = Status::from_error(refused.clone().into());
    assert_eq!(status.code(), Code::Unknown);
    assert_eq!(classify(status), refused.outcome());
}

#[test]
fn http_policies_read_statuses_among_transport_errors_too() {
    let error: BoxError = Status::resource_exhausted("busy").into();
    assert_eq!(Classify::<http::Response<()>, _>::classify(&Http::new(), Err(&error)), Outcome::overloaded(None));
    assert_eq!(Classify::<http::Response<()>, _>::classify(&Grpc::new(), Err(&error)), Outcome::overloaded(None));
}

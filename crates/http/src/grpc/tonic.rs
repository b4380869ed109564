//! Rejections and a client's errors as `tonic::Status`.

use std::sync::Arc;

use http::HeaderMap;
use mainstay_core::{BoxError, FailureKind, Outcome, Refusal as _, Rejected, causes};
use tonic::{Code, Status, metadata::MetadataMap, transport};

use crate::{
    error_text::error_text,
    grpc::{error::GrpcError, status::GRPC_RETRY_PUSHBACK},
    policy::error::classify_causes,
    rejection::response::{detail, details, grpc_rejection_code, pushback},
};

/// Returns the status of a rejection for a server's response: its code and the text of its reason. The wait, if the layer
/// gives one, is in the metadata as `grpc-retry-pushback-ms` and in the details as a `google.rpc.RetryInfo`. The
/// rejection is the status's source.
#[must_use]
pub fn grpc_rejection_status(rejected: &Rejected) -> Status {
    let mut status = status(rejected, detail(rejected.reason()));
    status.set_source(Arc::new(rejected.clone()));
    status
}

/// Returns the status of an error for the program that runs the client.
///
/// * The server's own status, if the error has one.
/// * For a rejection its code, its name and its `RetryInfo`.
/// * `DEADLINE_EXCEEDED` for a timeout.
/// * Otherwise tonic's code, or `UNAVAILABLE` if tonic has none, with the text of the error and its causes.
///
/// The error is the status's source. The text may name hosts: for a server's response, use [`grpc_rejection_status`].
#[must_use]
pub fn error_status(error: BoxError) -> Status {
    if causes(error.as_ref()).any(|cause| cause.is::<Status>()) {
        return Status::from_error(error);
    }
    if let Some(rejected) = error.rejected() {
        return with_source(status(rejected, rejected.to_string()), error);
    }
    let text = error_text(error.as_ref());
    let timed_out =
        matches!(classify_causes(error.as_ref()), Some(Outcome::Failure { kind: FailureKind::Timeout, .. }));
    let (code, source) = match Status::try_from_error(error) {
        Ok(status) => (status.code(), status.into()),
        Err(error) => (Code::Unavailable, error),
    };
    let code = match code {
        _ if timed_out => Code::DeadlineExceeded,
        // Tonic's code for a connection that closed. The caller has cancelled nothing.
        Code::Cancelled => Code::Unavailable,
        code => code,
    };
    with_source(Status::new(code, text), source)
}

fn status(rejected: &Rejected, message: impl Into<String>) -> Status {
    let fields = pushback(rejected).map(|wait| (GRPC_RETRY_PUSHBACK, wait));
    let metadata = MetadataMap::from_headers(HeaderMap::from_iter(fields));
    let details = details(rejected).unwrap_or_default();
    Status::with_details_and_metadata(grpc_rejection_code(rejected).into(), message, details.into(), metadata)
}

fn with_source(mut status: Status, source: BoxError) -> Status {
    status.set_source(Arc::from(source));
    status
}

// === impl GrpcError ===

impl From<Rejected> for GrpcError {
    fn from(rejected: Rejected) -> Self {
        grpc_rejection_status(&rejected).into()
    }
}

impl From<transport::Error> for GrpcError {
    fn from(error: transport::Error) -> Self {
        error_status(error.into()).into()
    }
}

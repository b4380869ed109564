//! gRPC results as tonic's own types: what a generated client gives.

use std::error::Error;

use ::tonic::{Response, Status, TimeoutExpired};
use mainstay_core::{BoxError, Classify, FailureKind, Follow, Outcome, Repeat};

use super::Grpc;
use crate::{GrpcCode, GrpcError, classify_error, error::classify_causes, grpc_status::with_pushback, retry_info};

impl<T> Classify<Response<T>, Status> for Grpc {
    fn classify(&self, result: Result<&Response<T>, &Status>) -> Outcome {
        result.map_or_else(classify_status, |_| Outcome::Success)
    }
}

impl<T> Classify<Response<T>, GrpcError> for Grpc {
    fn classify(&self, result: Result<&Response<T>, &GrpcError>) -> Outcome {
        result.map_or_else(classify_error, |_| Outcome::Success)
    }
}

impl<T> Classify<Response<T>, BoxError> for Grpc {
    fn classify(&self, result: Result<&Response<T>, &BoxError>) -> Outcome {
        result.map_or_else(classify_error, |_| Outcome::Success)
    }
}

/// At the level of a generated client the messages are decoded, and a stream's end is the caller's to see: put the
/// layers around the `Channel` to have streams followed.
impl<T> Follow<Response<T>> for Grpc {}

/// The verdict on one cause of an error, if it is tonic's.
pub(crate) fn classify_tonic(error: &(dyn Error + 'static)) -> Option<Outcome> {
    if error.is::<TimeoutExpired>() {
        return Some(Outcome::failure(FailureKind::Timeout));
    }
    error.downcast_ref().map(classify_status)
}

/// A status that was made on this side has its reason as its source, and that says more than the code: a refusal of
/// ours, a timeout that tonic calls `CANCELLED`.
fn classify_status(status: &Status) -> Outcome {
    let code = || {
        let outcome = GrpcCode::from(status.code()).classify();
        // Tonic takes the details out of the metadata. Pushback goes before them, as it does in headers.
        let outcome = retry_info(status.details()).map_or(outcome, |wait| outcome.with_repeat(Repeat::After(wait)));
        with_pushback(outcome, status.metadata().as_ref())
    };
    status.source().and_then(classify_causes).unwrap_or_else(code)
}

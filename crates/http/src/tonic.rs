//! Refusals as `tonic::Status`.

use std::{error::Error, fmt, sync::Arc};

use ::tonic::{Code, Status, metadata::MetadataMap};
use http::HeaderMap;
use mainstay_core::{Refusal, Rejected};

use crate::{
    GRPC_RETRY_PUSHBACK, GrpcCode, grpc_code,
    rejection::{detail, pushback},
};

/// A refusal as a status: its code, its reason in words, and `grpc-retry-pushback-ms` in the metadata where the layer
/// knows when to repeat. The refusal itself is the status's source.
#[must_use]
pub fn grpc_status(rejected: &Rejected) -> Status {
    let fields = pushback(rejected).map(|wait| (GRPC_RETRY_PUSHBACK, wait));
    let metadata = MetadataMap::from_headers(HeaderMap::from_iter(fields));
    let mut status = Status::with_metadata(grpc_code(rejected).into(), detail(rejected.reason()), metadata);
    status.set_source(Arc::new(rejected.clone()));
    status
}

/// A `tonic::Status` as the typed error of a stack: `.with_error::<GrpcError>()`. A refusal becomes its status
/// ([`grpc_status`]) and is still seen as a refusal by every layer.
#[derive(Clone, Debug)]
pub struct GrpcError(Status);

// === impl GrpcError ===

impl From<Status> for GrpcError {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl From<Rejected> for GrpcError {
    fn from(rejected: Rejected) -> Self {
        Self(grpc_status(&rejected))
    }
}

impl From<GrpcError> for Status {
    fn from(error: GrpcError) -> Self {
        error.0
    }
}

impl Refusal for GrpcError {
    fn rejected(&self) -> Option<&Rejected> {
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(rejected) = error.downcast_ref() {
                return Some(rejected);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for GrpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for GrpcError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

// === impl GrpcCode ===

impl From<Code> for GrpcCode {
    fn from(code: Code) -> Self {
        Self(u8::try_from(i32::from(code)).unwrap_or(Self::UNKNOWN.0))
    }
}

impl From<GrpcCode> for Code {
    fn from(code: GrpcCode) -> Self {
        Self::from_i32(code.0.into())
    }
}

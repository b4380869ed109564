//! Refusals as `tonic::Status`.

use std::{convert::Infallible, error::Error, fmt, sync::Arc};

use ::tonic::{Code, Status, metadata::MetadataMap, transport};
use http::HeaderMap;
use mainstay_core::{Refusal, Rejected, causes};

use crate::{
    GRPC_RETRY_PUSHBACK, GrpcCode, error_status, grpc_code,
    rejection::{detail, details, pushback},
};

/// A refusal as a status: its code and its reason in words. Where the layer knows when to repeat, that is in the metadata
/// as `grpc-retry-pushback-ms`, and in the details as a `google.rpc.RetryInfo`. The refusal itself is the status's source.
#[must_use]
pub fn grpc_status(rejected: &Rejected) -> Status {
    let mut status = refused(rejected, detail(rejected.reason()));
    status.set_source(Arc::new(rejected.clone()));
    status
}

/// The status of a refusal, in these words and without a source.
pub(crate) fn refused(rejected: &Rejected, words: impl Into<String>) -> Status {
    let fields = pushback(rejected).map(|wait| (GRPC_RETRY_PUSHBACK, wait));
    let metadata = MetadataMap::from_headers(HeaderMap::from_iter(fields));
    let details = details(rejected).unwrap_or_default();
    Status::with_details_and_metadata(grpc_code(rejected).into(), words, details.into(), metadata)
}

/// A `tonic::Status` as the typed error of a stack: `.with_error::<GrpcError>()` on each of its layers. A refusal becomes
/// its status ([`grpc_status`]) and is still seen as a refusal by every layer; an error of a `Channel` becomes the status
/// that [`error_status`] makes of it. A generated client finds the status in it, with code, words and details.
///
/// ```
/// use mainstay_core::{Reason, Rejected};
/// use mainstay_http::GrpcError;
/// use tonic::{Code, Status};
///
/// let refused = GrpcError::from(Rejected::new(Reason::CircuitOpen, "orders"));
/// assert_eq!(Status::from_error(refused.into()).code(), Code::Unavailable);
/// ```
#[derive(Clone, Debug)]
pub struct GrpcError(Status);

// === impl GrpcError ===

impl From<Status> for GrpcError {
    fn from(status: Status) -> Self {
        Self(status)
    }
}

impl From<transport::Error> for GrpcError {
    fn from(error: transport::Error) -> Self {
        Self(error_status(error.into()))
    }
}

impl From<Rejected> for GrpcError {
    fn from(rejected: Rejected) -> Self {
        Self(grpc_status(&rejected))
    }
}

impl From<Infallible> for GrpcError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<GrpcError> for Status {
    fn from(error: GrpcError) -> Self {
        error.0
    }
}

impl Refusal for GrpcError {
    fn rejected(&self) -> Option<&Rejected> {
        causes(&self.0).find_map(|cause| cause.downcast_ref())
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

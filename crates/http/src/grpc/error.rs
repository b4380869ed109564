//! `tonic::Status` as the typed error of a stack.

use std::{convert::Infallible, error::Error, fmt};

use mainstay_core::{Refusal, Rejected, causes};
use tonic::Status;

/// A `tonic::Status` as the typed error of a stack: `.with_error::<GrpcError>()` on each of its layers.
///
/// A rejection becomes its status ([`grpc_rejection_status`](crate::grpc::grpc_rejection_status)), and every layer still
/// finds the rejection in it. An error of a `Channel` becomes the status that
/// [`error_status`](crate::grpc::error_status) makes of it. A generated client finds the status with code, message and
/// details.
///
/// ```
/// use mainstay_core::{Reason, Rejected};
/// use mainstay_http::grpc::GrpcError;
/// use tonic::{Code, Status};
///
/// let rejected = GrpcError::from(Rejected::new(Reason::CircuitOpen, "orders"));
/// assert_eq!(Status::from_error(rejected.into()).code(), Code::Unavailable);
/// ```
#[derive(Clone, Debug)]
pub struct GrpcError(Status);

// === impl GrpcError ===

impl From<Status> for GrpcError {
    fn from(status: Status) -> Self {
        Self(status)
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

    fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
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

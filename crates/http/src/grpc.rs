//! gRPC: status codes and headers; with feature `tonic` rejections and a client's errors as `tonic::Status`.

#[cfg(feature = "tonic")]
mod client;
#[cfg(feature = "tonic")]
pub(crate) mod error;
pub(crate) mod retry_info;
pub(crate) mod status;
pub(crate) mod timeout;
#[cfg(feature = "tonic")]
mod tonic;
mod trailers_only;

#[cfg(feature = "tonic")]
pub use self::tonic::{error_status, grpc_rejection_status};
#[cfg(feature = "tonic")]
pub use client::{GrpcStatus, GrpcStatusFuture, GrpcStatusLayer};
#[cfg(feature = "tonic")]
pub use error::GrpcError;
pub use retry_info::{GRPC_STATUS_DETAILS, retry_info};
pub use status::{GRPC_MESSAGE, GRPC_RETRY_PUSHBACK, GRPC_STATUS, GrpcCode, classify_grpc, classify_grpc_head};
pub use timeout::{GRPC_TIMEOUT, grpc_timeout_value, parse_grpc_timeout};
pub use trailers_only::{PeekedBody, TrailersOnly, TrailersOnlyFuture, TrailersOnlyLayer};

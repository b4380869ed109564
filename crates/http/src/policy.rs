//! The policies: small values that give every layer of a stack what it needs of the protocol.
//!
//! The submodules hold what the policies use: the class of a status or an error, `Retry-After`, and which requests are
//! safe to repeat.

mod draining;
pub(crate) mod error;
mod follow;
pub(crate) mod grpc;
pub(crate) mod http;
mod idempotency;
mod kept_request;
mod packed_fields;
pub(crate) mod packed_head;
#[cfg(feature = "reqwest")]
mod reqwest;
pub(crate) mod retry_after;
pub(crate) mod status;
#[cfg(feature = "tonic")]
mod tonic;
mod transport;

pub use self::draining::Draining;
pub use self::error::{classify_error, own_limit};
pub use self::grpc::Grpc;
pub use self::http::{Http, X_DEGRADED};
pub use self::idempotency::{IDEMPOTENCY_KEY, Retryable, is_repeatable};
pub use self::kept_request::KeptRequest;
#[cfg(feature = "reqwest")]
pub use self::reqwest::Reqwest;
pub use self::retry_after::{retry_after, retry_after_value};
pub use self::status::{classify_head, classify_status};

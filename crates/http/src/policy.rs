//! The policies: small values that tell every layer of a stack what it must know of the protocol.

mod draining;
mod grpc;
mod http;
#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "tonic")]
mod tonic;

pub use self::draining::Draining;
pub use self::grpc::Grpc;
pub use self::http::{Http, X_DEGRADED};
#[cfg(feature = "reqwest")]
pub use self::reqwest::Reqwest;
#[cfg(feature = "reqwest")]
pub(crate) use self::reqwest::classify_reqwest;
#[cfg(feature = "tonic")]
pub(crate) use self::tonic::classify_tonic;

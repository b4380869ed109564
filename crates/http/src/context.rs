//! The request context in headers: a server's layer reads it, a client's layer writes it.

mod forward;
mod headers;
mod read;

pub use forward::{ForwardContext, ForwardContextFuture, ForwardContextLayer};
pub use headers::{ContextHeaders, GRPC_PREVIOUS_ATTEMPTS, X_REQUEST_ATTEMPT, X_REQUEST_TIMEOUT_MS};
pub use read::{ReadContext, ReadContextLayer};

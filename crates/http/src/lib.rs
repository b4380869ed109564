//! What HTTP and gRPC add to Mainstay's vocabulary.
//!
//! * **Policies** tell every layer of a stack what it must know of the protocol: [`Http`], [`Grpc`], and `Reqwest`
//!   (feature `reqwest`). They classify results by status, `Retry-After` and pushback, repeat what is safe to repeat,
//!   carry the context in the request's extensions, and mark degraded answers. [`Draining`] lets the connections of
//!   discarded responses be used again.
//! * **Requests**: [`Replayable`] sends a streamed body again from a bounded buffer; [`Retryable`] or an
//!   `Idempotency-Key` says of a `POST` that it may be sent twice; [`ReadContextLayer`] and [`ForwardContextLayer`] take
//!   deadline and attempt from one server to the next; [`authority`] is the key for a breaker or a limit per host.
//! * **Responses**: the policies [follow](mainstay_core::Follow) a body to its end, with its trailers, so that a permit
//!   is kept and a verdict given for the whole stream; [`guard`] does it for what you hold yourself. A body carries the
//!   guard in a box: [`box_body`] makes one of hyper's `Incoming`, and [`HeadOnly`](mainstay_core::HeadOnly) goes without.
//! * **Refusals**: [`response`] and [`grpc_response`] are the one place where a refusal becomes a response;
//!   [`RejectionLayer`] does it for a whole server.
//! * **[`proxy`]**: what a reverse proxy does to the heads of messages.
//!
//! ```
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use mainstay_core::{BoxError, Classify, FailureKind, Outcome, Replay};
//! use mainstay_http::{Http, Replayable};
//!
//! // One value for the whole stack: `.with_policy(http)` on each layer.
//! let http = Http::new().draining();
//!
//! let failed = Response::builder().status(502).body(Full::<bytes::Bytes>::default())?;
//! assert_eq!(http.classify(Ok::<_, &BoxError>(&failed)), Outcome::failure(FailureKind::Unavailable));
//!
//! // A body of any type, streamed to the first attempt and kept for the next one.
//! let request = Request::put("/orders/7").body(Full::<bytes::Bytes>::from("two of them"))?.map(Replayable::new);
//! assert!(http.replay(&request).is_some());
//! # Ok::<(), http::Error>(())
//! ```
//!
//! # Features
//!
//! None is on by default.
//!
//! * `axum`: refusals as axum's responses (`into_response`, `handle_error`), the degraded marker as an extractor.
//! * `tonic`: refusals and a client's errors as `tonic::Status` (`GrpcStatusLayer`, `GrpcError`), statuses in errors and
//!   results classified.
//! * `reqwest`: the `Reqwest` policy.
//! * `probe`: the HTTP probe of a failover's endpoint and of a health check.

mod authority;
#[cfg(feature = "axum")]
mod axum;
mod context_headers;
mod context_layers;
mod error;
#[cfg(any(feature = "probe", feature = "tonic"))]
mod error_text;
mod follow;
mod forward_future;
mod grpc_status;
mod grpc_timeout;
mod guard_body;
mod guarded;
mod idempotency;
mod policy;
#[cfg(feature = "probe")]
pub mod probe;
pub mod proxy;
mod rejection;
mod rejection_layer;
mod replay_body;
mod replayable;
mod respond;
mod retry_after;
mod retry_info;
mod status;
#[cfg(feature = "tonic")]
mod tonic;
#[cfg(feature = "tonic")]
mod tonic_client;

#[cfg(feature = "axum")]
pub use self::axum::{DegradedMark, handle_error, into_response};
#[cfg(feature = "tonic")]
pub use self::tonic::{GrpcError, grpc_status};
#[cfg(feature = "tonic")]
pub use self::tonic_client::{GrpcStatus, GrpcStatusFuture, GrpcStatusLayer, error_status};
pub use authority::authority;
pub use context_headers::{ContextHeaders, GRPC_PREVIOUS_ATTEMPTS, X_REQUEST_ATTEMPT, X_REQUEST_TIMEOUT_MS};
pub use context_layers::{ForwardContext, ForwardContextLayer, ReadContext, ReadContextLayer};
pub use error::classify_error;
pub use forward_future::ForwardContextFuture;
pub use grpc_status::{GRPC_MESSAGE, GRPC_RETRY_PUSHBACK, GRPC_STATUS, GrpcCode, classify_grpc, classify_grpc_head};
pub use grpc_timeout::{GRPC_TIMEOUT, grpc_timeout_value, parse_grpc_timeout};
pub use guard_body::{GuardBody, box_body};
pub use guarded::{BodyEnd, BodyGuard, Guarded, guard};
pub use idempotency::{IDEMPOTENCY_KEY, Retryable, is_repeatable};
#[cfg(feature = "reqwest")]
pub use policy::Reqwest;
pub use policy::{Draining, Grpc, Http, X_DEGRADED};
pub use rejection::{PROBLEM_JSON, bad_gateway, grpc_code, grpc_response, grpc_unavailable, response, status};
pub use rejection_layer::{Rejection, RejectionFuture, RejectionLayer};
pub use replay_body::ReplayBody;
pub use replayable::{Replayable, ReplayableError};
pub use respond::Respond;
pub use retry_after::{retry_after, retry_after_value};
pub use retry_info::{GRPC_STATUS_DETAILS, retry_info};
pub use status::{classify_head, classify_status};

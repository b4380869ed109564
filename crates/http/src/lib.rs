//! What HTTP and gRPC add to Mainstay.
//!
//! * [`policy`]: the policies [`Http`], [`Grpc`] and `Reqwest` (feature `reqwest`), one value for all layers of a stack.
//!   They classify results by status, `Retry-After` and pushback, repeat the requests that are safe to repeat or were not sent, carry the
//!   request context in the request's extensions, and mark degraded responses.
//! * [`body`]: [`Replayable`] sends a streamed request body again from a bounded buffer, [`ReplayableLayer`] makes all
//!   bodies of axum or tonic such for the retry layer that it is put around. A response body that is boxed
//!   ([`box_body`]) can carry a guard, by which the policies [follow](mainstay_core::Follow) it to its end: a permit is
//!   held and the outcome recorded for the whole stream. [`HeadOnly`](mainstay_core::HeadOnly) does without.
//!   [`IdleTimeoutBody`](body::IdleTimeoutBody) fails after a pause.
//! * [`client`]: a connector whose errors tell whether their connection was stale, a client that repeats such requests, a
//!   limit of interim responses (1xx).
//! * [`context`]: layers that take deadline and attempt from one server to the next in headers.
//! * [`rejection`]: the response to a rejection, and [`RejectionLayer`] for a whole server.
//! * [`grpc`]: status codes, headers, and with feature `tonic` a client's errors as `tonic::Status`.
//! * [`proxy`]: what a reverse proxy does to the heads and trailers of messages.
//! * [`authority()`]: the key of a request for a breaker or a bulkhead per host.
//!
//! The root re-exports what most programs name; everything else is in its module.
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
//! `hyper` is on by default.
//!
//! * `hyper`: the errors of hyper, hyper-util and h2 are told apart: whether a request was sent, and whose fault an error
//!   is; module `client`. `reqwest` and `tonic` imply it.
//! * `axum`: module `axum`; axum's bodies are replayed and guarded.
//! * `tonic`: rejections and a client's errors as `tonic::Status` (`grpc::GrpcStatusLayer`, `grpc::GrpcError`); statuses
//!   in errors and results are classified; tonic's bodies are replayed and guarded.
//! * `reqwest`: the `Reqwest` policy.
//! * `probe`: module `probe`, the HTTP probe of a failover's endpoint and of a health check.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod authority;
#[cfg(feature = "axum")]
pub mod axum;
pub mod body;
pub mod cache;
#[cfg(feature = "hyper")]
pub mod client;
pub mod context;
#[cfg(any(feature = "probe", feature = "tonic"))]
mod error_text;
pub mod grpc;
pub mod policy;
#[cfg(feature = "probe")]
pub mod probe;
pub mod proxy;
pub mod rejection;

pub use authority::authority;
pub use body::{Replayable, ReplayableLayer, box_body};
#[cfg(feature = "reqwest")]
pub use policy::Reqwest;
pub use policy::{Grpc, Http};
pub use rejection::RejectionLayer;

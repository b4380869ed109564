//! Timeouts for Tower services: of one attempt, or of the whole call.
//!
//! Instead of `tower::timeout`, which arms a timer for every call: here no timer is armed if the inner service answers
//! at once, the error is the refusal type that all layers share ([`Rejected`](mainstay_core::Rejected)), an operator can
//! set the time live, and a total timeout tells the layers below by the request's deadline.
//!
//! * an **attempt** timeout belongs inside retry and failover. To them it is a failure like any other: the dependency
//!   was asked.
//! * a **total** timeout belongs outside of them. Nobody retries it.
//!
//! To the caller both are a 504 or `DEADLINE_EXCEEDED`.
//!
//! ```
//! use std::time::Duration;
//! use mainstay_core::{Reason, Refusal};
//! use mainstay_timeout::TimeoutLayer;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), mainstay_core::InvalidSetting> {
//! let slow = ServiceBuilder::new()
//!     .layer(TimeoutLayer::attempt("orders", Duration::from_secs(1))?)
//!     .service(service_fn(|()| std::future::pending::<Result<(), std::io::Error>>()));
//! let error = slow.oneshot(()).await.unwrap_err();
//! assert_eq!(error.rejected().map(|refusal| refusal.reason()), Some(Reason::AttemptTimeout));
//! # Ok(()) }
//! ```

mod future;
mod handle;
mod layer;
mod service;

pub use future::TimeoutFuture;
pub use handle::{Scope, TimeLimit, TimeLimitSnapshot};
pub use layer::TimeoutLayer;
pub use service::Timeout;

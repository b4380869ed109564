//! Timeouts for Tower services: of one attempt, or of the whole call.
//!
//! `tower::timeout` arms a timer for every call. Here a call that is ready at its first poll arms none, the error is the
//! refusal type that all layers share ([`Rejected`](mainstay_core::Rejected)), an operator can set the time under load,
//! and a total timeout passes its deadline to the layers below in the request's context.
//!
//! * An **attempt** timeout belongs inside retry and failover. They treat it as a failure of the dependency.
//! * A **total** timeout belongs outside of them. No layer retries it.
//!
//! Both start anew with each piece of a request's body that the dependency takes, if the policy knows the body's
//! [`UploadClock`](mainstay_core::UploadClock): they limit the wait for the response, not the length of an upload. The
//! deadline in the context stays: after an upload that took longer than the total timeout, no layer below starts another
//! attempt.
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
#![cfg_attr(docsrs, feature(doc_cfg))]

mod event;
mod future;
mod handle;
mod layer;
mod run;
mod service;

pub use event::TimeoutEvent;
pub use future::TimeoutFuture;
pub use handle::{Scope, TimeLimit, TimeLimitSnapshot};
pub use layer::TimeoutLayer;
pub use service::Timeout;

//! Retries that help a dependency instead of finishing it off.
//!
//! [`RetryLayer`] repeats a request of a Tower service when its policy says that a repeat may help, the request can
//! be repeated, the deadline leaves room for it and a [`Budget`](mainstay_core::Budget) that *successes* fund pays
//! for it. [`Retrier`] is the same for a plain async function or a blocking one, and it is the handle that shows
//! figures and takes new settings while it runs.
//!
//! Instead of `tower::retry`, which leaves all of that to a policy you write: attempts with fresh readiness, jitter
//! that is drawn anew for each attempt, `Retry-After` as a lower bound, no clone of the request for the last attempt,
//! and refusals of our own layers that do not burn attempts.
//!
//! ```
//! use mainstay_core::BoxError;
//! use mainstay_retry::{Retrier, RetryLayer, RetrySettings};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! let retrier = Retrier::with_settings("orders", RetrySettings { max_attempts: 4, ..RetrySettings::default() })?;
//! let service = ServiceBuilder::new()
//!     .layer(RetryLayer::with(retrier.clone()))
//!     .service(service_fn(|order: u32| async move { Ok::<_, std::io::Error>(order + 1) }));
//! assert_eq!(service.oneshot(1).await?, 2);
//! assert_eq!(retrier.snapshot().succeeded, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! A request whose first attempt succeeds costs one reference count up and down, three counters that only its own
//! thread writes, and what copying the request costs; no lock, no look at the clock unless it has a deadline, and no
//! allocation of its own unless the policy carries a context (`Http` does: four, for it and the count of sends).
//! The service itself is cloned only for an actual repeat, from a template that is kept for it.
//!
//! # Features
//!
//! * `rt`: `Retrier::run_blocking` over tokio's blocking threads.
//! * `serde`: settings and snapshots implement serde's traits, durations read as `"250ms"`.

mod adaptive;
mod chooser;
mod decide;
mod delay;
mod every_error;
mod future;
mod gave_up;
mod journey;
mod layer;
mod live;
mod mean;
mod repeat;
mod retrier;
mod run;
#[cfg(feature = "rt")]
mod run_blocking;
mod service;
mod settings;
mod stats;

pub use adaptive::Adaptive;
pub use chooser::{Operation, Strategy, StrategyChooser};
pub use every_error::EveryError;
pub use future::RetryFuture;
pub use gave_up::{GaveUp, GaveUpCounts};
pub use layer::RetryLayer;
pub use retrier::Retrier;
pub use service::Retry;
pub use settings::{RetrySettings, Scaling, Timing};
pub use stats::{AttemptTimes, RetrySnapshot};

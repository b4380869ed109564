//! Retries that do not overload a failing dependency.
//!
//! [`RetryLayer`] retries a request of a Tower service if the policy classifies the result as retryable, the request
//! can be sent again, the deadline leaves time for it, and a [`Budget`](mainstay_core::Budget) funded by *successes*
//! has a token for it. [`Retrier`] does the same for a plain async function or a blocking one; it is also the handle for
//! figures and live settings.
//!
//! `tower::retry` leaves all of that to a policy that the user writes. This crate adds: fresh readiness for each
//! attempt, an independent jitter for each attempt, `Retry-After` as a lower bound, no clone of the request for the last
//! attempt, and no attempts spent on rejections by other layers.
//!
//! # Where to look
//!
//! `decision.rs` records each attempt; `schedule.rs` decides whether to retry, and holds the budget's token; `delay.rs`
//! computes the delay; `future.rs` runs the attempts.
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
//! A request whose first attempt succeeds costs one `Arc` clone, three per-thread counters, and the copy of the
//! request. It takes no lock, reads no clock unless it has a deadline, and allocates nothing unless the policy carries a
//! context (`Http` does: four allocations, for the context and the attempt quota). The service itself is cloned only
//! for an actual retry.
//!
//! # Features
//!
//! * `serde`: settings and snapshots implement serde's traits: durations as `"250ms"` in settings, as seconds in snapshots.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod adaptive;
mod chooser;
mod chosen_run;
mod context_use;
mod decision;
mod delay;
mod event;
mod ewma;
mod future;
mod layer;
mod live_settings;
mod pending_retry;
mod request_state;
mod retrier;
mod run;
mod run_blocking;
mod schedule;
mod service;
mod settings;
mod shared;
mod stats;
mod stop_reason;
mod warned;
mod warnings;

pub use adaptive::Adaptive;
pub use chooser::{Operation, Strategy, StrategyChooser};
pub use event::RetryEvent;
pub use future::RetryFuture;
pub use layer::RetryLayer;
pub use mainstay_core::EveryError;
pub use retrier::Retrier;
pub use service::Retry;
pub use settings::{RetrySettings, Scaling, Timing};
pub use stats::{AttemptTimes, RetrySnapshot};
pub use stop_reason::{StopReason, StopReasonCounts};

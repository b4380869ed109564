//! A bulkhead for Tower services: at most so many calls at once, so that one slow dependency cannot take every task,
//! connection and byte of memory of the process.
//!
//! Instead of `tower::limit::ConcurrencyLimit`, which makes callers wait without a bound in `poll_ready`, and instead
//! of that under `LoadShed`: here a call that finds no permit is refused at once, or waits in a queue that is bounded
//! in length and time, and while it waits it holds nothing of the inner service.
//!
//! * [`Limit`] is the handle: permits, live resizing, figures. It works without Tower, too.
//! * [`BulkheadLayer`] puts it in front of a service.
//! * [`KeyedLimits`] and [`KeyedBulkheadLayer`]: one limit per host, tenant or shard, bounded.
//! * [`Group`] lets limits lend each other what they do not use.
//! * [`Limits`] holds them by resource, with defaults by name.
//!
//! ```
//! use mainstay_bulkhead::{BulkheadLayer, Limit, LimitSettings};
//! use mainstay_core::{BoxError, check};
//! use std::time::Duration;
//! use tower::{ServiceBuilder, service_fn};
//!
//! # fn main() -> Result<(), mainstay_core::InvalidSetting> {
//! let settings = LimitSettings { limit: 64, queue: 32, max_wait: Some(Duration::from_millis(100)), ..Default::default() };
//! let limit = Limit::with_settings("orders", settings)?;
//! let service = ServiceBuilder::new()
//!     .layer(BulkheadLayer::with(limit.clone()))
//!     .service(service_fn(|order: u64| async move { Ok::<u64, std::io::Error>(order) }));
//! let service = check::<u64, u64, BoxError, _>(service);
//!
//! // An operator, or a controller, changes it under load.
//! limit.resize(128)?;
//! assert_eq!(limit.snapshot().limit, 128);
//! # Ok(()) }
//! ```

mod future;
mod group;
mod inner;
mod keyed;
mod keyed_service;
mod layer;
mod limit;
mod permit;
mod registry;
mod run;
mod service;
mod settings;
mod slots;
mod snapshot;
mod turn;
mod wait;
mod waiting;

pub use future::BulkheadFuture;
pub use group::{Group, GroupSnapshot};
pub use keyed::{KeyedLimits, KeyedSettings, KeyedSnapshot};
pub use keyed_service::{KeyedBulkhead, KeyedBulkheadLayer};
pub use layer::BulkheadLayer;
pub use limit::Limit;
pub use permit::Permit;
pub use registry::Limits;
pub use service::Bulkhead;
pub use settings::LimitSettings;
pub use snapshot::{LimitSnapshot, Rejections};

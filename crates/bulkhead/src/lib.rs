//! A bulkhead for Tower services: a limit on concurrent calls, so that one slow dependency cannot take every task,
//! connection and byte of memory of the process.
//!
//! Use it instead of `tower::limit::ConcurrencyLimit`, whose callers wait without a bound in `poll_ready`, alone or under
//! `LoadShed`. Here a call without a permit is refused at once, or waits in a queue that is bounded in length and time.
//! While it waits, it holds nothing of the inner service.
//!
//! * [`Limit`] is the handle: permits, live resizing, figures. It also works without Tower.
//! * [`BulkheadLayer`] puts it in front of a service.
//! * [`KeyedLimits`] and [`KeyedBulkheadLayer`] hold one limit per host, tenant or shard, in bounded number.
//! * [`Group`] makes limits lend each other slots that they do not use.
//! * [`LimitRegistry`] holds limits by resource, with defaults by name.
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
//! // An operator or a controller resizes it under load.
//! limit.resize(128)?;
//! assert_eq!(limit.snapshot().limit, 128);
//! # Ok(()) }
//! ```
#![cfg_attr(docsrs, feature(doc_cfg))]

mod count;
mod event;
mod future;
mod group;
mod idle_search;
mod in_store;
mod inner;
mod keyed;
mod keyed_service;
mod layer;
mod lending;
mod limit;
mod permit;
mod queued_call;
mod readiness;
mod registry;
mod run;
mod saturation;
mod service;
mod settings;
mod slot_word;
mod slots;
mod snapshot;
mod sync;
mod timer;
mod waiter;

pub use event::LimitEvent;
pub use future::BulkheadFuture;
pub use group::{Group, GroupSnapshot};
pub use keyed::{KeyedBulkheadSettings, KeyedLimits, KeyedSnapshot};
pub use keyed_service::{KeyedBulkhead, KeyedBulkheadLayer};
pub use layer::BulkheadLayer;
pub use limit::Limit;
pub use permit::Permit;
pub use registry::LimitRegistry;
pub use service::Bulkhead;
pub use settings::LimitSettings;
pub use snapshot::{LimitSnapshot, Rejections};

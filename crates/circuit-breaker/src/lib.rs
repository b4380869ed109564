//! A circuit breaker for Tower services.
//!
//! Tower has none. In this one:
//!
//! * the count window slides call by call, and the closed path takes no lock and allocates nothing;
//! * a trial call of a half-open breaker holds a *lease* with an epoch and a deadline, so no caller can block the
//!   recovery, and outcomes of calls that were admitted before a change of state change nothing;
//! * trial calls follow the traffic: the first one comes after the open time or after 60 refused calls, and more after its
//!   success, so that a busy dependency is back soon and a dead one gets few calls;
//! * the policy decides what a result means ([`Classify`](mainstay_core::Classify)): the caller's own mistakes and
//!   refusals by Mainstay layers count neither for nor against the dependency;
//! * one state machine recovers by *trial calls* or by *probes* ([`Recovery`]); failover uses the latter.
//!
//! ```
//! use mainstay_circuit_breaker::{Breaker, CircuitBreakerLayer};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), mainstay_core::BoxError> {
//! let breaker = Breaker::new("orders");
//! let orders = ServiceBuilder::new()
//!     .layer(CircuitBreakerLayer::with(breaker.clone()))
//!     .service(service_fn(|id: u32| async move { Ok::<_, std::io::Error>(id + 1) }));
//! assert_eq!(orders.oneshot(1).await?, 2);
//! assert_eq!(breaker.snapshot().successes, 1);
//! # Ok(()) }
//! ```
//!
//! | type | purpose |
//! |---|---|
//! | [`Breaker`] | the handle: the algorithm, usable without Tower |
//! | [`CircuitBreakerLayer`] | refuses in `call` while the breaker is open |
//! | [`GateLayer`] | is unready while the breaker is open: for balancers |
//! | [`KeyedBreakers`], [`KeyedBreakerLayer`] | one breaker per key, bounded |
//! | [`BreakerRegistry`] | breakers by name: get or create one, take all snapshots, reset all |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod announcement;
mod breaker;
mod calls;
mod counters;
mod criteria;
mod event;
mod future;
mod gate;
mod in_store;
mod keyed;
mod keyed_service;
mod layer;
mod operate;
mod pace;
mod permit;
mod probe_streak;
mod recovery;
mod recovery_state;
mod registry;
mod rules;
mod run;
mod service;
mod settings;
mod snapshot;
mod state;
mod state_machine;
mod transition;
mod trials;
mod word;

pub use announcement::Announcement;
pub use breaker::Breaker;
pub use criteria::TrialCriteria;
pub use event::BreakerEvent;
pub use future::BreakerFuture;
pub use gate::{Gate, GateLayer};
pub use keyed::{KeyedBreakerSettings, KeyedBreakerSnapshot, KeyedBreakers};
pub use keyed_service::{KeyedBreaker, KeyedBreakerLayer};
pub use layer::CircuitBreakerLayer;
pub use permit::Permit;
pub use recovery::{Recovery, RecoveryProgress};
pub use registry::BreakerRegistry;
pub use service::CircuitBreaker;
pub use settings::{BreakerSettings, Growth, OpenSettings, SlowCalls, WindowSettings};
pub use snapshot::BreakerSnapshot;
pub use state::{Mode, State};
pub use transition::{Actor, Transition};

//! A circuit breaker for Tower services.
//!
//! Tower has none. Among the peers, windows do not slide, half-open states wedge, and a call that its caller gave up
//! on is never counted. Here:
//!
//! * the count window really slides, and the closed path takes no lock and allocates nothing;
//! * a half-open breaker hands out *leases* with a generation and a deadline, so nothing a caller does wedges it, and
//!   outcomes of calls that were admitted before a change of state change nothing;
//! * what a result means is the policy's word ([`Classify`](mainstay_core::Classify)): the caller's own mistakes and our
//!   own refusals count neither for nor against the dependency;
//! * one engine recovers by *trial calls* or by *probes* ([`Recovery`]); failover uses the latter.
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
//! | piece | what it is |
//! |---|---|
//! | [`Breaker`] | the handle: the algorithm, usable without Tower |
//! | [`CircuitBreakerLayer`] | refuses in `call` while the breaker is open |
//! | [`GateLayer`] | is unready while it is open: for balancers |
//! | [`KeyedBreakers`], [`KeyedBreakerLayer`] | one breaker per key, bounded |
//! | [`BreakerRegistry`] | breakers by name: get or create, all snapshots, reset all |

mod breaker;
mod calls;
mod engine;
mod future;
mod gate;
mod keyed;
mod keyed_service;
mod layer;
mod operate;
mod permit;
mod registry;
mod rules;
mod run;
mod service;
mod settings;
mod snapshot;
mod state;
mod transition;
mod trials;

pub use breaker::Breaker;
pub use future::BreakerFuture;
pub use gate::{Gate, GateLayer};
pub use keyed::{KeyedBreakerSettings, KeyedBreakers};
pub use keyed_service::{KeyedBreaker, KeyedBreakerLayer};
pub use layer::CircuitBreakerLayer;
pub use permit::Permit;
pub use registry::BreakerRegistry;
pub use service::CircuitBreaker;
pub use settings::{BreakerSettings, Growth, OpenSettings, Recovery, SlowCalls, TrialCriteria, WindowSettings};
pub use snapshot::{BreakerSnapshot, RecoveryProgress};
pub use state::{Mode, State};
pub use transition::{Actor, Transition};

//! Failover for Tower services: an ordered list of endpoints, and a memory of which of them work.
//!
//! Tower has none: its `balance` and `steer` choose among equals, and a fallback without memory makes every request pay
//! the dead primary's timeout. Here traffic leaves an endpoint after a few failures, stays away for a minimum *hold*,
//! and returns only when the last N *probes* succeeded in a row and the newest is fresh. Until it has left, a second
//! attempt at the next endpoint hides the failure from the caller.
//!
//! ```
//! use mainstay_failover::{Endpoint, Failover};
//! use tower::{BoxError, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), BoxError> {
//! type Answer = Result<&'static str, std::io::Error>;
//! async fn serve((name, _id): (&'static str, u32)) -> Answer {
//!     if name == "primary" { Err(std::io::ErrorKind::ConnectionRefused.into()) } else { Ok(name) }
//! }
//! let at = |name: &'static str| service_fn(move |id: u32| serve((name, id)));
//!
//! let orders = Failover::new("orders", [
//!     Endpoint::new("primary", at("primary")).with_probe(|| async { false }),
//!     Endpoint::new("backup", at("backup")).with_probe(|| async { true }),
//! ])?;
//! let handle = orders.handle().clone();
//! for id in 0..3 {
//!     assert_eq!(orders.clone().oneshot(id).await?, "backup");
//! }
//! println!("{}", handle.snapshot());
//! // orders is on backup for 0s: primary: 3 failures in a row; back on primary in 31.4s at the earliest
//! // (missing: hold 31.4s, probes 0 of 3)
//! # Ok(()) }
//! ```
//!
//! | piece | what it is |
//! |---|---|
//! | [`FailoverHandle`] | the algorithm: where to go, why, and until when; usable without Tower |
//! | [`Failover`] | the service that drives it |
//! | [`Endpoint`] | one place to go: name, service, address, probe |
//! | [`Probe`] | any async function that says how an endpoint is |
//! | [`FailoverSnapshot`], [`Transition`] | why traffic is where it is, and when it will return |
//!
//! # Features
//!
//! * `stack`: `stack::Standard`, total timeout, retry, failover, bulkheads and attempt timeouts in one
//!   constructor.
//! * `http-probe`: `mainstay_http::probe::HttpProbe` as an endpoint's probe.
//! * `tcp-probe`: `probe::TcpProbe`.
//! * `tonic`: `probe::grpc::GrpcProbe`, for `grpc.health.v1`.
//! * `serde`: settings, snapshots and reports implement serde's traits.

mod active;
mod attempt;
mod calling;
mod endpoint;
mod future;
mod handle;
mod latency;
mod look;
mod operate;
mod plan;
pub mod probe;
mod prober;
mod probing;
mod report;
mod route;
mod router;
mod run;
mod second;
mod service;
mod services;
mod settings;
mod shared;
mod snapshot;
#[cfg(feature = "stack")]
pub mod stack;
mod tier;
mod transition;

pub use active::Active;
pub use endpoint::Endpoint;
pub use future::FailoverFuture;
pub use handle::FailoverHandle;
pub use probe::{Driven, Probe, ProbeFuture, ProbeOutcome, ProbeReport, ProbeSettings};
pub use report::{CheckReport, EndpointReport};
pub use route::FailoverState;
pub use service::Failover;
pub use settings::{AllDown, FailoverSettings, HoldSettings, Initial, ReturnMode, SecondAttempt};
pub use snapshot::{EndpointSnapshot, FailoverSnapshot, SecondAttempts};
pub use transition::Transition;

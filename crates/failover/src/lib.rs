//! Failover for Tower services: an ordered list of endpoints, of which the first usable one gets the traffic.
//!
//! Tower has none: its `balance` and `steer` choose among equal endpoints, and a fallback without state makes every
//! request wait for the dead primary's timeout. Here traffic leaves an endpoint after a few failures, stays away for a
//! minimum *hold*, and returns only when the last N *probes* succeeded and the newest is fresh. Until traffic has left, a
//! second attempt at the next endpoint hides the failure from the caller.
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
//! | [`FailoverHandle`] | the algorithm: which endpoint is in use, why, and until when; usable without Tower |
//! | [`Failover`] | the service that drives it |
//! | [`Endpoint`] | name, service, address and probe of one endpoint |
//! | [`Probe`] | an async function that reports whether an endpoint works |
//! | [`FailoverSnapshot`], [`Transition`] | why traffic goes where it goes, and when it can return |
//!
//! # One request, and its outcome, through the source
//!
//! 1. `service`: `poll_ready` calls `readiness`, which gets a `Selection` from the `selector` and polls its candidates.
//! 2. `call` takes an `EndpointPermit`, copies the request (`replay_copy`) and returns the `future`.
//! 3. `future` polls the `attempt`. The `second_attempt` starts on a failure or after its delay, which is computed there.
//! 4. `evidence` records each attempt's outcome with the endpoint's breaker (`endpoint_state`). The breaker's rules decide
//!    that an endpoint is left, and its recovery decides that it is usable again; the outcomes of probes come from the
//!    `prober`.
//! 5. `switchboard` sees that a breaker has changed, lets the `selector` choose the route from the endpoints' states, and
//!    is the only writer of route, ramp, log, status and watch.
//!
//! Imports go one way: `service`, `call`, `readiness`, `future`, `second_attempt`, `shared`, `handle`, `evidence` and
//! `prober`, `switchboard`, `endpoint_state`, `selector`. A change comes back to requests only through the route, which
//! the next request loads.
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
mod ask;
mod attempt;
mod call;
mod changed;
mod control;
mod counters;
mod departure;
mod endpoint;
mod endpoint_state;
mod everywhere;
mod evidence;
mod future;
mod handle;
#[cfg(test)]
mod held_locks;
mod inspect;
mod latency;
mod live;
mod operate;
mod permit;
pub mod probe;
mod prober;
mod ramp;
mod readiness;
mod reason;
mod replay_copy;
mod report;
mod route;
mod run;
mod second_attempt;
mod selector;
mod service;
mod services;
mod settings;
mod shared;
mod signals;
mod snapshot;
#[cfg(feature = "stack")]
pub mod stack;
mod status;
mod switchboard;
mod transition;
mod weight;

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

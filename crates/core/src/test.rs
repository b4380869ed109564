//! Test utilities for layers: a scripted [`Probe`] service, and a [`contract`] suite that drives any layer over it.
//!
//! Both run on tokio's paused clock and take no real time. For scripted randomness see
//! [`Random::scripted`](crate::Random::scripted).
//!
//! # Check a layer against the contract
//!
//! ```
//! use mainstay_core::test::{Expect, Probe, contract};
//! use tower_layer::layer_fn;
//!
//! // A layer that does nothing keeps all rules.
//! contract("identity", Expect::default(), || layer_fn(|inner: Probe| inner));
//! ```
//!
//! # Test a layer over a probe
//!
//! ```
//! use std::time::Duration;
//! use mainstay_core::test::{Probe, ProbeError, Reply, Request, call};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let probe = Probe::new();
//! probe.then(Reply::Fail);
//! probe.then(Reply::Answer(7).after(Duration::from_secs(1)));
//! let mut service = probe.clone(); // or `layer.layer(probe.clone())`
//! assert_eq!(call(&mut service, Request::default()).await.unwrap_err(), ProbeError::Failed);
//! assert_eq!(call(&mut service, Request::default()).await.unwrap().value, 7);
//! assert_eq!((probe.calls(), probe.live(), probe.reserved()), (2, 0, 0));
//! # }
//! ```

mod box_service;
mod contract;
mod drive;
mod expect;
mod future;
mod harness;
mod message;
mod probe;
mod rule;
mod rules;
mod state;
mod stream;
mod subject;
mod wakes;
mod warnings;

pub use contract::{BrokenRule, broken_rules, contract};
pub use drive::{Stuck, call, drive, run_until_idle};
pub use expect::Expect;
pub use future::ProbeFuture;
pub use message::{Answer, ProbeError, ProbePolicy, Request};
pub use probe::Probe;
pub use rule::Rule;
pub use state::{Readiness, Reply};
pub use stream::{Stream, Streaming};
pub use subject::Subject;
pub use wakes::Wakes;
pub use warnings::Warnings;

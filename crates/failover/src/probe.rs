//! Probes: async functions that report whether an endpoint works.

mod function;
#[cfg(feature = "tonic")]
pub mod grpc;
#[cfg(feature = "http-probe")]
mod http;
mod outcome;
mod round;
mod settings;
#[cfg(feature = "tcp-probe")]
mod tcp;

pub(crate) use function::SharedProbe;
pub use function::{Probe, ProbeFuture};
pub use outcome::ProbeOutcome;
pub use round::ProbeReport;
pub(crate) use round::run_round;
pub use settings::{Driven, ProbeSettings};
#[cfg(feature = "tcp-probe")]
pub use tcp::TcpProbe;

//! Measures the cost of each layer above the bare service, and that of Tower's own layers, in one process and one run.
//!
//! `cargo xtask bench` runs it together with the peers of `benches/peers`: a separate package with its own lock file, so that
//! dependencies of the bench are neither built nor audited with the workspace.
//!
//! Time is thread CPU time: the first quartile of interleaved rounds, minus that of the bare service. Every service is built
//! once, outside the loop, and driven as a caller drives it: ready, call, poll. A check before and after the run shows that
//! it is in the state that its row names. The ratio refers to Tower's `ConcurrencyLimit` in the same run, because machines
//! differ more than layers do. The columns of two threads give the throughput of two threads that share one service, as a
//! multiple of one thread, without and with work between two calls.

mod args;
mod clock;
mod count;
mod drive;
mod figures;
mod measure;
mod progress;
mod report;
mod row;
mod rows;
mod run;
mod work;

pub mod pattern;

pub use drive::{Drive, Function, Served, Tower};
pub use report::run as main;
pub use row::{Bare, Row};
pub use rows::FULL;
pub use work::{Boxed, Content, Later, NoBody, Page, Site, received, request, unavailable};

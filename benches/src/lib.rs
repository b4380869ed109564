//! What each layer costs over the bare service, beside Tower's own, in one process and one run.
//!
//! `cargo xtask bench` runs it, together with the peers of `benches/peers`: a package of its own with a lock file of its own,
//! so that what only the bench needs is neither built nor audited with the workspace.
//!
//! Time is thread CPU time, the first quartile of interleaved rounds, less the bare service's. Every service is built once,
//! outside the loop, and driven as a caller would: ready, call, poll; and is asked before and after whether it is in the state
//! that its row names. The ratio is against Tower's `ConcurrencyLimit` of the same run, since machines differ more than
//! layers do. Two threads share one service: how much more (or less) they get through than one, with nothing or with
//! some work between two calls.

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

pub use drive::{Drive, Function, Tower};
pub use report::run as main;
pub use row::{Bare, Row};
pub use rows::FULL;
pub use work::{Later, NoBody, Site, request};

//! Simulations of stacks under failure, and the bars that they must meet.
//!
//! A real stack of Mainstay's layers runs against a model server on tokio's paused clock, beside a naive stack, Tower's
//! own layers, and a policy that knows the fault script. A run depends on its seed alone; 200 virtual seconds take about
//! 0.1 s. `docs/scenarios` has the tables, and says how to run one cell.
//!
//! | part | content |
//! |---|---|
//! | [`arrivals`] | the load: an open loop, drawn before the run |
//! | [`server`] | the model server and its fault script |
//! | [`contestant`] | the stacks |
//! | [`run`], [`measure`], [`watched`] | one run, and what is measured |
//! | [`cell`], [`scenarios`] | the experiments and their bars |
//! | [`not_yet`] | the bars that are not met yet |
//!
//! # Why no existing engine
//!
//! * DesCartes (`descartes-core`) brings its own scheduler and stand-ins for tokio and tower: the layers would have to be
//!   compiled against those, and the simulation would no longer run the code that users run.
//! * turmoil simulates hosts and their sockets. The layers are below the protocol here, so each request would pay for a
//!   simulated connection, and queues, workers and service times would have to be written all the same.
//! * A model of the layers in a general engine (`simu-des`, SimPy) would show what the design does, not what the code
//!   does.
//!
//! Tokio's paused clock is already a discrete event engine: it jumps to the next timer when every task waits. What it
//! lacks is in a few files here: arrivals, a queue, a fault script. Its limit is a resolution of 1 ms.

pub mod arrivals;
pub mod cell;
pub mod contestant;
pub mod measure;
pub mod not_yet;
mod random;
pub mod report;
pub mod run;
pub mod scenarios;
pub mod server;
pub mod watched;

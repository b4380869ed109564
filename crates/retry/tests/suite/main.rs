//! The public behaviour of retries, on a paused clock.

mod attempts;
mod budget;
mod chooser;
mod context;
mod contract;
mod deadline;
mod delays;
mod handle;
mod kit;
mod refusals;
mod run;
mod stack;
mod vectors;

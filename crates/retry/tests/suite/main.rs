//! The public behaviour of retries, on a paused clock.

mod attempts;
mod budget;
mod chooser;
mod context;
mod contract;
mod deadline;
mod delays;
mod fairness;
mod handle;
mod harness;
mod rejections;
mod run;
mod stack;
mod warnings;

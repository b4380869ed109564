//! Two HTTP clients in the standard stack over a primary and its backup.
//!
//! Start reading at [`stack`]. [`with_reqwest`] and [`with_hyper`] apply it to one client each.

pub mod demo;
pub mod stack;
mod wire;
pub mod with_hyper;
pub mod with_reqwest;

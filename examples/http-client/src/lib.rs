//! Two HTTP clients in the standard stack over a primary and its backup.
//!
//! Start reading at [`stack`]; [`with_reqwest`] and [`with_hyper`] differ in what an address is, and in nothing else.

pub mod demo;
pub mod stack;
pub mod with_hyper;
pub mod with_reqwest;

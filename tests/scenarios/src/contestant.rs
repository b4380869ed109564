//! The stacks that take part.

pub mod failover;

//! A protocol of one's own as a Tower client in the standard stack.
//!
//! Start reading at [`protocol`]; `main.rs` tells a story with all of it.

pub mod client;
pub mod protocol;
pub mod server;

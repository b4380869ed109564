//! A custom protocol as a Tower client in the standard stack.
//!
//! Start reading at [`protocol`]; `main.rs` demonstrates them.

pub mod client;
pub mod protocol;
pub mod server;

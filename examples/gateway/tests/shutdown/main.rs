//! How long the gateway takes to end, measured at its process: never less than the settings say, and at most half a
//! second more.
//!
//! A target of its own, because its tests measure: the load of the other tests must not be in the way.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

#[path = "../end_to_end/client.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod client;
#[path = "../end_to_end/gateway.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod gateway;
#[path = "../end_to_end/namespace.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod namespace;
#[path = "../end_to_end/process.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod process;

mod connection;
mod counts;
mod names;
mod phases;
mod stalls;
mod stopwatch;

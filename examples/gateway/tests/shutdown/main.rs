//! How long the gateway's process takes to end: not less than the settings, and at most half a second more.
//!
//! These tests measure time. They have their own target, so that other tests do not run at the same time.

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

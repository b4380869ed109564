//! The gateway where it meets strangers: rows of raw messages, in both directions.
//!
//! A row is what a client sends, byte for byte or frame by frame, what must arrive at the backend, what the backend
//! answers, and what the client must get. No HTTP library is on the side that tests. The files in `rows` are the
//! tables, by subject; each row names the section of its RFC.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

#[path = "../end_to_end/client.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod client;
#[path = "../end_to_end/gateway.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod gateway;
#[path = "../end_to_end/process.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod process;

mod backend;
mod chain;
mod fails_today;
mod floods;
mod h2;
mod message;
mod old_backend;
mod row;
mod rows;
mod runner;
mod see;
#[cfg(target_os = "linux")]
mod smuggling;
mod wire;

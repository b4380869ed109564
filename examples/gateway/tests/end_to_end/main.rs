//! The gateway end to end: real processes, real sockets, real signals.
//!
//! Nothing here sleeps for a guess: a test acts, then polls what the gateway says of itself until it is so. The
//! settings are quick ones, so that holds and intervals pass within a test.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

mod client;
mod gateway;
mod load;
mod namespace;
mod process;

mod black_hole;
mod demo;
mod draining;
mod dropped_packets;
mod entrance;
mod failover;
mod operations;
mod proxying;
mod settings;
mod streams;
mod uploads;

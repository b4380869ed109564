//! The gateway end to end: real processes, real sockets, real signals.
//!
//! Nothing here sleeps for a guess: a test acts, then polls what the gateway says of itself until it is so. The
//! settings are quick ones, so that holds and intervals pass within a test.

#![cfg(unix)]

mod client;
mod gateway;
mod process;

mod proxying;
mod settings;
mod streams;

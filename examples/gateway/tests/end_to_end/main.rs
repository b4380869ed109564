//! The gateway end to end, with real processes, sockets and signals.
//!
//! Tests do not sleep for guessed times: a test acts, then polls the gateway's status until the effect shows. Holds and
//! intervals are short, so that they pass within a test.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic fails the test")]

mod client;
mod gateway;
mod load;
mod namespace;
mod process;
mod scripted;

mod black_hole;
mod connections;
mod demo;
mod draining;
mod dropped_packets;
mod entrance;
mod failover;
mod judgement;
mod operations;
mod places;
mod proxying;
mod settings;
mod streams;
mod uploads;

//! Streams through the layers, over real sockets: their memory, how long a permit is held, and the outcome at their end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod client;
mod gigabyte;
mod grpc;
mod origin;
mod permits;

//! Long answers and long requests through the layers, over real sockets: how much memory they take, how long a permit is
//! kept, and what their ends mean.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

mod client;
mod gigabyte;
mod grpc;
mod kept;
mod origin;

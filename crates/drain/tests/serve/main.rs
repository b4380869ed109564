//! The server under a drain, over loopback sockets. Durations are short and no test asserts a tight time.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

mod connections;
mod handlers;
mod head;
mod http1;
mod http2;
mod large_heads;
mod linger;
mod pauses;
mod pipes;
mod running;

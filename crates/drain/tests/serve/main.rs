//! The server under a drain, over loopback sockets, or over pipes under a paused clock. No test asserts a tight time.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

mod connections;
mod frames;
mod handlers;
mod head;
mod http1;
mod http2;
mod large_heads;
mod linger;
mod pauses;
mod pipes;
mod running;
mod slow_http2;

//! The forms of a storage for requests: a short time limit, and writes in the background.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod logged;
mod request_path;
mod scripted;
mod write_behind;

//! The storages over one conformance suite, and Redis under failures: real servers, on free ports, which the tests stop.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod concurrent;
mod conformance;
mod forwarder;
mod garbage;
mod hostile;
mod outages;
mod secrets;
mod server;

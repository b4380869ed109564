//! Races between two threads, in many rounds: no wake-up is lost, and no status stays stale.
//!
//! Each round has one interleaving, which the processor chooses. The suite runs a short form;
//! `cargo xtask races` runs 10^6 rounds of each race in release. `tests/models` checks every interleaving of the same
//! primitives, in a model of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod evictions;
mod round;
mod settings;
mod status;
mod wakeups;

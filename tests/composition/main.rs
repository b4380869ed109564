//! Layers over layers, in the standard order and in other orders.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

mod contract;
mod deadlines;
mod order;
mod order_warnings;
mod server;
mod stacks;
mod storm;
mod tower_layers;

//! Layers over layers: what each must not do to the others, in the standard order and in other ones.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they mean")]

mod contract;
mod deadlines;
mod order;
mod server;
mod stacks;
mod storm;
mod tower_layers;

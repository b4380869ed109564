//! A tonic server behind Mainstay's layers, and a client that outlives its outage.
//!
//! Start reading at [`client`] and [`server`]; `main.rs` tells a story with both.

pub mod api;
pub mod client;
pub mod server;
pub mod stock;

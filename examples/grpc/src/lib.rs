//! A tonic server behind Mainstay's layers, and a client that handles its outage.
//!
//! Start reading at [`client`] and [`server`]; `main.rs` demonstrates both.

pub mod api;
pub mod client;
pub mod messages;
pub mod server;
pub mod stock;

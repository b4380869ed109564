//! The peers, set up for the same work as Mainstay's layers.

mod answer;
pub mod functions;
pub mod seatbelt;
pub mod tower_resilience;

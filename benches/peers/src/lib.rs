//! The peers, doing the same work as our layers: for the two programs of this package.

mod answer;
pub mod functions;
pub mod seatbelt;
pub mod tower_resilience;

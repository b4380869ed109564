//! Whole programs, as short as they get. Each module is one story, with the lines that a user writes.

pub mod axum_service;
pub mod functions;
#[cfg(unix)]
pub mod protocol;
pub mod tonic_pair;

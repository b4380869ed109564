//! The HTTP probe: a `GET` that finds out whether a service works.
//!
//! An endpoint of a failover (`with_probe`) and a health check (`Check::http`) take the same [`HttpProbe`]. Where the
//! two differ, [`HttpProbeSettings`] names both defaults.

mod client;
mod error;
mod redirect;
mod settings;

pub use client::{HttpClient, HttpProbe};
pub use error::HttpProbeError;
pub use settings::HttpProbeSettings;

//! The error of this program.

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

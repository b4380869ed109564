//! Ready-made checks, one feature each.

#[cfg(all(feature = "disk", unix))]
pub(crate) mod disk;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "redis")]
mod redis;

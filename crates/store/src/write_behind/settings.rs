//! The settings of writes in the background.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of a [`WriteBehind`](crate::WriteBehind).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct WriteBehindSettings {
    /// The most keys that wait. Default 1,000.
    pub max_waiting: u64,
    /// The most bytes of the keys and values that wait. Default 16 MiB.
    pub max_waiting_bytes: u64,
    /// The time after a write for which the store did not work until it is tried again. Default 1 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub retry_interval: Duration,
}

// === impl WriteBehindSettings ===

impl WriteBehindSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// `max_waiting` of zero or above 1,000,000; `max_waiting_bytes` of zero or above 2⁴⁰; `retry_interval` below a
    /// millisecond or above a year.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("max_waiting", self.max_waiting, 1..=1_000_000)?;
        settings::count("max_waiting_bytes", self.max_waiting_bytes, 1..=1 << 40)?;
        settings::duration("retry_interval", self.retry_interval, SHORTEST..=LONGEST)
    }
}

impl Default for WriteBehindSettings {
    fn default() -> Self {
        Self { max_waiting: 1_000, max_waiting_bytes: 16 << 20, retry_interval: Duration::from_secs(1) }
    }
}

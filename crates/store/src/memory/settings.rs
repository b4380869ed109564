//! The settings of a storage in memory.

use mainstay_core::{InvalidSetting, settings};

/// Settings of a [`MemoryStorage`](crate::MemoryStorage).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct MemorySettings {
    /// The most keys. Default 10,000.
    pub max_entries: u64,
    /// The most bytes of all keys with their values and logs. Default 64 MiB. Each key and each entry of a log counts
    /// with 64 bytes more than its text, for the structures around it.
    pub max_bytes: u64,
    /// The most bytes of one value or of one entry of a log; a longer one is not stored. Default 1 MiB, as for Redis.
    pub max_value_bytes: u64,
}

// === impl MemorySettings ===

impl MemorySettings {
    /// Checks every field.
    ///
    /// # Errors
    /// `max_entries` of zero or above 1,000,000,000; `max_bytes` of zero or above 2⁴⁰; `max_value_bytes` of zero or above
    /// `max_bytes`.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("max_entries", self.max_entries, 1..=1_000_000_000)?;
        settings::count("max_bytes", self.max_bytes, 1..=1 << 40)?;
        settings::count("max_value_bytes", self.max_value_bytes, 1..=self.max_bytes)
    }
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self { max_entries: 10_000, max_bytes: 64 << 20, max_value_bytes: 1 << 20 }
    }
}

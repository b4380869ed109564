//! What keyed limits can be told.

use mainstay_core::{InvalidSetting, settings};

use crate::LimitSettings;

/// Settings of [`KeyedLimits`](crate::KeyedLimits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct KeyedSettings {
    /// Of the limit of each key that has no settings of its own.
    pub limit: LimitSettings,
    /// How many keys are kept at most: 1 to a million, by default 1,024, at some 600 bytes each. Only keys that are busy at the
    /// same time need room; with more of them than this, calls with new keys are refused.
    pub capacity: u32,
}

// === impl KeyedSettings ===

impl KeyedSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("capacity", self.capacity.into(), 1..=1_000_000)?;
        self.limit.validate().map_err(|error| error.within("limit"))
    }
}

impl Default for KeyedSettings {
    fn default() -> Self {
        Self { limit: LimitSettings::default(), capacity: 1_024 }
    }
}

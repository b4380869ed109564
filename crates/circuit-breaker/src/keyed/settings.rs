//! The settings of keyed breakers.

use mainstay_core::{InvalidSetting, settings};

use crate::BreakerSettings;

/// Settings of [`KeyedBreakers`](crate::KeyedBreakers).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct KeyedBreakerSettings {
    /// The settings of each breaker. Default: those of a single breaker, but five consecutive failures open it: a key is
    /// one host or shard, which is either up or down, and has few calls.
    pub breaker: BreakerSettings,
    /// The maximum number of breakers, 1 to ten million. Default 1,024.
    pub capacity: u32,
}

// === impl KeyedBreakerSettings ===

impl KeyedBreakerSettings {
    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::count("capacity", self.capacity.into(), 1..=10_000_000)?;
        self.breaker.validate().map_err(|error| error.within("breaker"))
    }
}

impl Default for KeyedBreakerSettings {
    fn default() -> Self {
        let breaker = BreakerSettings { consecutive_failures: Some(5), ..BreakerSettings::default() };
        Self { breaker, capacity: 1_024 }
    }
}

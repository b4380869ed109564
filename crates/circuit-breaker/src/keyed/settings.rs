//! The settings of keyed breakers.

use mainstay_core::{InvalidSetting, settings};

use crate::BreakerSettings;
#[cfg(feature = "serde")]
use crate::{OpenSettings, Recovery, SlowCalls, WindowSettings};

/// Settings of [`KeyedBreakers`](crate::KeyedBreakers).
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct KeyedBreakerSettings {
    /// The settings of the breaker of each key that has no settings of its own. Default: those of a single breaker, but
    /// five consecutive failures open it: a key is one host or shard, which is either up or down, and has few calls.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "GivenBreaker::deserialize"))]
    pub breaker: BreakerSettings,
    /// The maximum number of breakers, 1 to ten million. Default 1,024.
    pub capacity: u32,
}

/// The breaker as a file has it: what is not given is the default of a key, not that of a breaker alone.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(remote = "BreakerSettings", default = "default_breaker", deny_unknown_fields)]
struct GivenBreaker {
    #[serde(with = "mainstay_core::settings::or_off")]
    consecutive_failures: Option<u32>,
    #[serde(with = "mainstay_core::settings::or_off")]
    failure_rate: Option<f64>,
    #[serde(with = "mainstay_core::settings::or_off")]
    slow_calls: Option<SlowCalls>,
    window: WindowSettings,
    minimum_calls: u32,
    #[serde(with = "mainstay_core::settings::or_off::duration")]
    abandoned_after: Option<std::time::Duration>,
    open: OpenSettings,
    recovery: Recovery,
    #[serde(with = "mainstay_core::settings::or_off::duration")]
    ramp: Option<std::time::Duration>,
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
        Self { breaker: default_breaker(), capacity: 1_024 }
    }
}

fn default_breaker() -> BreakerSettings {
    BreakerSettings { consecutive_failures: Some(5), ..BreakerSettings::default() }
}

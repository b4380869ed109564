//! The settings of a step that answers with the last good answer.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of a [`LastGood`](crate::LastGood).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct LastGoodSettings {
    /// The age at which an answer expires. Default 300 s; [`long_lived`](LastGoodSettings::long_lived) 3,600 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub ttl: Duration,
    /// The most answers that are cached. Default 1,000.
    pub capacity: u64,
    /// The most bytes of all answers together. Default 64 MiB. The bytes of an HTTP response are those of its head and
    /// body; a clone counts with the size of its type, without what it points to.
    pub max_bytes: u64,
    /// The most bytes of one answer; a longer one is passed to the caller and not cached. Default 1 MiB: pages and JSON
    /// documents fit, downloads do not. While a response body is streamed, up to this much of it is in memory besides
    /// `max_bytes`.
    pub max_answer_bytes: u64,
}

// === impl LastGoodSettings ===

impl LastGoodSettings {
    /// Settings for answers that rarely change (a catalogue, a configuration): 3,600 s.
    #[must_use]
    pub fn long_lived() -> Self {
        Self { ttl: Duration::from_secs(3_600), ..Self::default() }
    }

    /// Returns the settings of this name: `default` or `long_lived`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "default" => Some(Self::default()),
            "long_lived" => Some(Self::long_lived()),
            _ => None,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A TTL below a millisecond or above a year; a capacity of zero or above 1,000,000,000; `max_bytes` of zero or above
    /// 2⁴⁰; `max_answer_bytes` of zero or above `max_bytes`.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        settings::duration("ttl", self.ttl, SHORTEST..=LONGEST)?;
        settings::count("capacity", self.capacity, 1..=1_000_000_000)?;
        settings::count("max_bytes", self.max_bytes, 1..=1 << 40)?;
        settings::count("max_answer_bytes", self.max_answer_bytes, 1..=1 << 40)?;
        if self.max_answer_bytes > self.max_bytes {
            let allowed = format!("must be at most max_bytes, {}", self.max_bytes);
            return Err(InvalidSetting::new("max_answer_bytes", self.max_answer_bytes, allowed).bounded_by("max_bytes"));
        }
        Ok(())
    }
}

impl Default for LastGoodSettings {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(300), capacity: 1_000, max_bytes: 64 << 20, max_answer_bytes: 1 << 20 }
    }
}

//! The settings of a store: which storage it has, and its limits.

use std::{path::PathBuf, time::Duration};

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

use crate::{MemorySettings, RedisUrl, limits::LONGEST_KEY};

/// Settings of a [`Store`](crate::Store): with a `redis_url` it is in Redis and shared by all processes with that URL,
/// without one it is in the memory of this process.
///
/// ```
/// use mainstay_store::{Store, StoreSettings};
///
/// let settings = StoreSettings { max_entries: 1_000, ..StoreSettings::default() };
/// let store = Store::from_config(&settings)?;
///
/// let wrong = StoreSettings { max_retries: 1_000, ..settings };
/// assert_eq!(Store::from_config(&wrong).unwrap_err().to_string(), "max_retries = 1000: must be 0 to 100");
/// # drop(store);
/// # Ok::<(), mainstay_core::InvalidSetting>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct StoreSettings {
    /// The URL of a Redis server. Default none: the store is in memory.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub redis_url: Option<RedisUrl>,
    /// Redis with TLS: a file of certificates in PEM that sign the server's. Default none: the public authorities of
    /// Mozilla's list, which are compiled in. With a file only its certificates count.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub ca_file: Option<PathBuf>,
    /// Redis: the text before all keys, so that several applications share a server. Default `mainstay:`.
    pub prefix: String,
    /// Redis: the time limit of one attempt, the connection included. Default 5 s. A [`RequestPath`](crate::RequestPath)
    /// has a shorter one of its own.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub timeout: Duration,
    /// Redis: how often a call is repeated after the storage was not available. Default 3. Only calls are repeated that
    /// have the same effect if they are executed twice, or that were certainly not executed.
    pub max_retries: u32,
    /// Redis: the delay before a call is repeated, plus or minus half of it. Default 0.5 s.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub retry_delay: Duration,
    /// Memory: the most keys. Default 10,000.
    pub max_entries: u64,
    /// Memory: the most bytes of all keys with their values. Default 64 MiB.
    pub max_bytes: u64,
    /// The most bytes of one value; a longer one is neither stored nor read. Default 1 MiB: Redis answers in order, and a
    /// long value delays all answers behind it.
    pub max_value_bytes: u64,
}

// === impl StoreSettings ===

impl StoreSettings {
    /// Checks every field. The URL and the file are checked where a store is created.
    ///
    /// # Errors
    /// A prefix above 512 bytes; a timeout or a delay below a millisecond or above a year; above 100 retries; a limit of
    /// the memory out of its range ([`MemorySettings::validate`]).
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        if self.prefix.len() > LONGEST_KEY / 2 {
            let allowed = format!("must have at most {} bytes", LONGEST_KEY / 2);
            return Err(InvalidSetting::new("prefix", format!("{} bytes", self.prefix.len()), allowed));
        }
        settings::duration("timeout", self.timeout, SHORTEST..=LONGEST)?;
        settings::count("max_retries", self.max_retries.into(), 0..=100)?;
        settings::duration("retry_delay", self.retry_delay, SHORTEST..=LONGEST)?;
        // Redis has a limit of its own, 512 MiB.
        settings::count("max_value_bytes", self.max_value_bytes, 1..=512 << 20)?;
        self.memory().validate()
    }

    pub(crate) fn memory(&self) -> MemorySettings {
        let Self { max_entries, max_bytes, max_value_bytes, .. } = *self;
        MemorySettings { max_entries, max_bytes, max_value_bytes }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        let MemorySettings { max_entries, max_bytes, max_value_bytes } = MemorySettings::default();
        Self {
            redis_url: None,
            ca_file: None,
            prefix: "mainstay:".into(),
            timeout: Duration::from_secs(5),
            max_retries: 3,
            retry_delay: Duration::from_millis(500),
            max_entries,
            max_bytes,
            max_value_bytes,
        }
    }
}

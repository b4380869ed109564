//! The settings of a limit.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of a [`Limit`](crate::Limit).
///
/// Presets: [`database`](Self::database), [`agent_communication`](Self::agent_communication),
/// [`external_api`](Self::external_api), [`file_operations`](Self::file_operations), and [`resource`](Self::resource) for
/// any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct LimitSettings {
    /// Calls that may run at once: 1 to a million. Default 10.
    pub limit: u32,
    /// Calls that may wait for a permit: 0 to a million. Default 0: calls beyond the limit are refused at once, because
    /// a queue that was not chosen turns an overload into late responses.
    pub queue: u32,
    /// The longest wait for the permit and then for the inner service to be ready: 1 ms to a year. It does not bound a
    /// call that gets a free permit. Default 1 s; with `None` a call waits as long as its caller does.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub max_wait: Option<Duration>,
    /// The longest time from the permit to the response: 1 ms to a year. For a request whose policy knows the
    /// [`UploadClock`](mainstay_core::UploadClock) of its body, from the body's last byte. A longer call ends with
    /// [`Reason::AttemptTimeout`](mainstay_core::Reason::AttemptTimeout), and its future is dropped with its permit. What
    /// goes on after that, as work on another thread or in another task does, is counted only if it holds the permit: see
    /// [`Limit::run_with_permit`](crate::Limit::run_with_permit). Default `None`: unlimited.
    #[cfg_attr(feature = "serde", serde(with = "mainstay_core::settings::or_off::duration"))]
    pub execution_timeout: Option<Duration>,
}

/// The largest limit and the longest queue.
const MAX: u64 = 1_000_000;

// === impl LimitSettings ===

impl LimitSettings {
    /// Any resource: 10 calls at once, of at most 30 s each; 100 may wait.
    ///
    /// The seconds of this preset and of the others bound the execution, not the wait: a call that waits for a permit does
    /// so for at most `max_wait`, 1 s unless it is set. The presets are examples for a
    /// [table of settings by name](mainstay_core::SettingsByName); no name selects one by itself.
    #[must_use]
    pub fn resource() -> Self {
        Self::preset(10, 30)
    }

    /// A database: 20 calls at once, of at most 10 s each; 100 may wait.
    #[must_use]
    pub fn database() -> Self {
        Self::preset(20, 10)
    }

    /// Communication between agents and other services: 50 calls at once, of at most 30 s each; 100 may wait.
    #[must_use]
    pub fn agent_communication() -> Self {
        Self::preset(50, 30)
    }

    /// A third party's API: 10 calls at once, of at most 60 s each; 100 may wait.
    #[must_use]
    pub fn external_api() -> Self {
        Self::preset(10, 60)
    }

    /// Operations on files: 5 calls at once, of at most 120 s each; 100 may wait.
    #[must_use]
    pub fn file_operations() -> Self {
        Self::preset(5, 120)
    }

    fn preset(limit: u32, seconds: u64) -> Self {
        Self { limit, queue: 100, execution_timeout: Some(Duration::from_secs(seconds)), ..Self::default() }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        limit("limit", self.limit)?;
        settings::count("queue", self.queue.into(), 0..=MAX)?;
        for (field, time) in [("max_wait", self.max_wait), ("execution_timeout", self.execution_timeout)] {
            if let Some(time) = time {
                settings::duration(field, time, SHORTEST..=LONGEST)?;
            }
        }
        Ok(())
    }
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self { limit: 10, queue: 0, max_wait: Some(Duration::from_secs(1)), execution_timeout: None }
    }
}

/// Checks that a limit is within its range.
pub(crate) fn limit(field: &str, value: u32) -> Result<(), InvalidSetting> {
    settings::count(field, value.into(), 1..=MAX)
}

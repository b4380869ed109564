//! What a limit can be told.

use std::time::Duration;

use mainstay_core::{
    InvalidSetting,
    settings::{self, LONGEST, SHORTEST},
};

/// Settings of a [`Limit`](crate::Limit).
///
/// Presets by name of the resource: [`database`](Self::database), [`communication`](Self::communication),
/// [`external_api`](Self::external_api), [`files`](Self::files), and [`resource`](Self::resource) for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct LimitSettings {
    /// How many calls may run at once: 1 to a million. Default 10.
    pub limit: u32,
    /// How many calls may wait for a permit: 0 to a million. Default 0: beyond the limit calls are refused at once,
    /// because a queue that nobody chose turns an overload into late answers.
    pub queue: u32,
    /// How long a call may wait for its permit, and then for the inner service to be ready: 1 ms to a year. A call that
    /// finds a permit free does not wait and is not bounded. Default 1 s; `None` waits as long as the caller does.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub max_wait: Option<Duration>,
    /// How long a call may run until its answer is there, 1 ms to a year; it then ends with
    /// [`Reason::AttemptTimeout`](mainstay_core::Reason::AttemptTimeout). Default: any time.
    #[cfg_attr(feature = "serde", serde(with = "humantime_serde"))]
    pub execution_timeout: Option<Duration>,
}

/// The most that a limit or a queue can be set to.
const MOST: u64 = 1_000_000;

// === impl LimitSettings ===

impl LimitSettings {
    /// Any resource: 10 at once, 100 queued, for at most 30 s.
    #[must_use]
    pub fn resource() -> Self {
        Self::queueing(10, 30)
    }

    /// A database: 20 at once, 100 queued, for at most 10 s.
    #[must_use]
    pub fn database() -> Self {
        Self::queueing(20, 10)
    }

    /// Messages, mails, notifications: 50 at once, 100 queued, for at most 30 s.
    #[must_use]
    pub fn communication() -> Self {
        Self::queueing(50, 30)
    }

    /// Somebody else's API: 10 at once, 100 queued, for at most 60 s.
    #[must_use]
    pub fn external_api() -> Self {
        Self::queueing(10, 60)
    }

    /// Work on files: 5 at once, 100 queued, for at most 120 s.
    #[must_use]
    pub fn files() -> Self {
        Self::queueing(5, 120)
    }

    fn queueing(limit: u32, seconds: u64) -> Self {
        Self { limit, queue: 100, max_wait: Some(Duration::from_secs(seconds)), execution_timeout: None }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// A field out of its range.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        limit("limit", self.limit)?;
        settings::count("queue", self.queue.into(), 0..=MOST)?;
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

/// A limit within its range.
pub(crate) fn limit(field: &str, value: u32) -> Result<(), InvalidSetting> {
    settings::count(field, value.into(), 1..=MOST)
}

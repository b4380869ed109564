//! How snapshots write times, for serde's `serialize_with`: durations as numbers of seconds, times as RFC 3339.
//!
//! Snapshots are read by programs, which compute with numbers. Settings are written by people, and have durations as text
//! (`"250ms"`).
//!
//! ```
//! use std::time::Duration;
//!
//! #[derive(serde::Serialize)]
//! struct Figures {
//!     #[serde(serialize_with = "mainstay_core::times::seconds")]
//!     age: Duration,
//!     #[serde(serialize_with = "mainstay_core::times::seconds")]
//!     wait: Option<Duration>,
//! }
//!
//! let figures = Figures { age: Duration::from_millis(1_500), wait: None };
//! assert_eq!(serde_json::to_string(&figures)?, r#"{"age":1.5,"wait":null}"#);
//! # Ok::<_, serde_json::Error>(())
//! ```

use std::time::{Duration, SystemTime};

use humantime_serde::re::humantime::format_rfc3339_millis;
use serde::{Serialize, Serializer};
use tokio::time::Instant;

/// Writes a duration, or an optional one, as a number of seconds.
///
/// # Errors
/// The serializer fails.
pub fn seconds<T, S>(time: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: Copy + Into<Option<Duration>>,
    S: Serializer,
{
    let time: Option<Duration> = (*time).into();
    match time {
        Some(time) => serializer.serialize_f64(time.as_secs_f64()),
        None => serializer.serialize_none(),
    }
}

/// Writes a time as RFC 3339 in UTC, with milliseconds: `2026-03-01T07:30:00.250Z`. It is computed from the time that has
/// passed since and from the clock of the system.
///
/// # Errors
/// The serializer fails.
pub fn timestamp<S: Serializer>(at: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
    date(now(), at.elapsed()).serialize(serializer)
}

#[expect(clippy::disallowed_methods, reason = "a person reads the time")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Returns the date of `age` ago, within the years that RFC 3339 has.
fn date(now: SystemTime, age: Duration) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format_rfc3339_millis(SystemTime::UNIX_EPOCH + since.saturating_sub(age).min(LAST)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_is_that_of_the_age() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(86_400_250);
        assert_eq!(date(now, Duration::ZERO), "1970-01-02T00:00:00.250Z");
        assert_eq!(date(now, Duration::from_secs(60)), "1970-01-01T23:59:00.250Z");
        assert_eq!(date(now, Duration::MAX), "1970-01-01T00:00:00.000Z");
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 39);
        assert_eq!(date(late, Duration::ZERO), "9999-12-31T23:59:59.000Z");
    }
}

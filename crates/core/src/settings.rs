//! Validation of settings, with errors that name the field, the value and the allowed range.

use std::time::Duration;

mod human;
mod invalid;
#[cfg(feature = "serde")]
pub mod or_off;

pub use human::human;
pub use invalid::InvalidSetting;

/// Validates a rate: above 0, at most 1.
///
/// # Errors
/// Zero, negative, above one, or not a number.
pub fn rate(field: &str, value: f64) -> Result<(), InvalidSetting> {
    match value > 0.0 && value <= 1.0 {
        true => Ok(()),
        false => Err(InvalidSetting::new(field, value, "must be above 0 and at most 1")),
    }
}

/// Validates a count: within the range, both ends included.
///
/// # Errors
/// Below or above the range.
pub fn count(field: &str, value: u64, range: std::ops::RangeInclusive<u64>) -> Result<(), InvalidSetting> {
    if range.contains(&value) {
        return Ok(());
    }
    let allowed = match *range.end() {
        u64::MAX => format!("must be at least {}", range.start()),
        end => format!("must be {} to {end}", range.start()),
    };
    Err(InvalidSetting::new(field, value, allowed))
}

/// Validates a duration: within the range, both ends included.
///
/// # Errors
/// Below or above the range.
pub fn duration(field: &str, value: Duration, range: std::ops::RangeInclusive<Duration>) -> Result<(), InvalidSetting> {
    if range.contains(&value) {
        return Ok(());
    }
    let allowed = match *range.end() {
        Duration::MAX => format!("must be at least {}", human(*range.start())),
        end => format!("must be {} to {}", human(*range.start()), human(end)),
    };
    Err(InvalidSetting::new(field, human(value), allowed))
}

/// Validates a duration that must be below that of another setting. Both settings are paths.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::settings;
///
/// let second = Duration::from_secs(1);
/// let error = settings::below("attempt_timeout", 2 * second, "total_timeout", second).unwrap_err();
/// assert_eq!(error.to_string(), "attempt_timeout = 2s: must be below total_timeout, 1s");
/// ```
///
/// # Errors
/// Not below.
pub fn below(field: &str, value: Duration, setting: &str, bound: Duration) -> Result<(), InvalidSetting> {
    compared(value < bound, field, value, "below", setting, bound)
}

/// Validates a duration that must be at most that of another setting. Both settings are paths.
///
/// # Errors
/// Above it.
pub fn at_most(field: &str, value: Duration, setting: &str, bound: Duration) -> Result<(), InvalidSetting> {
    compared(value <= bound, field, value, "at most", setting, bound)
}

/// Validates a duration that must be at least that of another setting. Both settings are paths.
///
/// # Errors
/// Below it.
pub fn at_least(field: &str, value: Duration, setting: &str, bound: Duration) -> Result<(), InvalidSetting> {
    compared(value >= bound, field, value, "at least", setting, bound)
}

fn compared(
    is_valid: bool,
    field: &str,
    value: Duration,
    relation: &str,
    setting: &str,
    bound: Duration,
) -> Result<(), InvalidSetting> {
    match is_valid {
        true => Ok(()),
        false => {
            let allowed = format!("must be {relation} {setting}, {}", human(bound));
            Err(InvalidSetting::new(field, human(value), allowed).bounded_by(setting))
        }
    }
}

/// The longest duration that settings accept, a year, so that deadlines do not overflow.
pub const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The shortest duration that a timer distinguishes from zero: tokio's timer has a resolution of one millisecond.
pub const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_rate_names_field_value_and_range() {
        for wrong in [0.0, -0.5, 1.01, f64::NAN, f64::INFINITY] {
            let error = rate("slow_rate", wrong).unwrap_err();
            assert_eq!(error.field(), "slow_rate");
            assert_eq!(error.value(), wrong.to_string());
            assert!(error.allowed().contains("at most 1"));
        }
        assert!(rate("slow_rate", 1.0).is_ok());
    }

    #[test]
    fn invalid_url_is_shown_without_its_password() {
        let error = InvalidSetting::new("url", "http://admin:hunter2@orders:99999", "must be a URL");
        assert_eq!(error.to_string(), "url = http://***@orders:99999: must be a URL");
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn nested_field_has_its_path() {
        let error = count("n", 0, 1..=u64::MAX).unwrap_err().within("window").within("breaker");
        assert_eq!(error.to_string(), "breaker.window.n = 0: must be at least 1");
    }

    #[test]
    fn owner_is_named_once_and_text_is_escaped() {
        let error = InvalidSetting::new("limit", "0\n1", "must be 1 to 9").of("orders").of("others");
        assert_eq!((error.owner(), error.field()), (Some("orders"), "limit"));
        assert_eq!(error.to_string(), r"orders: limit = 0\n1: must be 1 to 9");
    }

    #[test]
    fn duration_outside_the_range_is_invalid() {
        assert!(duration("base", Duration::ZERO, SHORTEST..=LONGEST).is_err());
        assert!(duration("base", Duration::MAX, SHORTEST..=LONGEST).is_err());
        assert!(duration("base", LONGEST, SHORTEST..=LONGEST).is_ok());
        let error = duration("base", Duration::ZERO, SHORTEST..=LONGEST).unwrap_err();
        assert_eq!(error.to_string(), "base = 0s: must be 1ms to 365d");
    }

    #[test]
    fn contradiction_names_both_settings_and_values() {
        let second = Duration::from_secs(1);
        let error = at_least("max", second, "base", 90 * second).unwrap_err().within("hold").within("failover");
        assert_eq!(error.to_string(), "failover.hold.max = 1s: must be at least base, 1m 30s");
        assert_eq!(error.bound(), Some("failover.hold.base"));
        assert!(below("a", second, "b", second).is_err() && at_most("a", second, "b", second).is_ok());
        assert!(at_most("a", 2 * second, "b", second).is_err() && at_least("a", second, "b", second).is_ok());
    }
}

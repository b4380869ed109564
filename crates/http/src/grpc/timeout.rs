//! `grpc-timeout`: the time that the caller still waits.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mainstay_core::settings::LONGEST;

use crate::policy::retry_after::is_number;

/// `grpc-timeout`: at most eight digits and a unit.
pub const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The units, finest first.
const UNITS: [(char, Duration); 6] = [
    ('n', Duration::from_nanos(1)),
    ('u', Duration::from_micros(1)),
    ('m', Duration::from_millis(1)),
    ('S', Duration::from_secs(1)),
    ('M', Duration::from_secs(60)),
    ('H', Duration::from_secs(3600)),
];

/// The largest number of eight digits.
const MAX_AMOUNT: u128 = 99_999_999;

/// Reads a `grpc-timeout`: at most a year, or `None` if it does not have the form that gRPC defines.
#[must_use]
pub fn parse_grpc_timeout(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let (_, unit) = UNITS.iter().find(|(name, _)| unit.starts_with(*name))?;
    if digits.len() > 8 || !is_number(digits) {
        return None;
    }
    Some(unit.saturating_mul(digits.parse().ok()?).min(LONGEST))
}

/// Writes a duration as `grpc-timeout`, in the finest unit that fits in eight digits. Rounded down, so that a callee never
/// gets more time than is left, but never to zero, which gRPC does not allow.
#[must_use]
pub fn grpc_timeout_value(left: Duration) -> HeaderValue {
    let nanos = left.as_nanos().max(1);
    let fits =
        UNITS.iter().map(|(name, unit)| (name, nanos / unit.as_nanos())).find(|(_, amount)| *amount <= MAX_AMOUNT);
    let value = fits.and_then(|(name, amount)| HeaderValue::try_from(format!("{amount}{name}")).ok());
    value.unwrap_or(HeaderValue::from_static("99999999H"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Option<Duration> {
        parse_grpc_timeout(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn each_unit_is_parsed_and_other_text_is_not() {
        assert_eq!(parse("1n"), Some(Duration::from_nanos(1)));
        assert_eq!(parse("20u"), Some(Duration::from_micros(20)));
        assert_eq!(parse("300m"), Some(Duration::from_millis(300)));
        assert_eq!(parse("4S"), Some(Duration::from_secs(4)));
        assert_eq!(parse("5M"), Some(Duration::from_secs(300)));
        assert_eq!(parse("6H"), Some(Duration::from_secs(21_600)));
        assert_eq!(parse("99999999H"), Some(LONGEST));
        for wrong in ["", "S", "5", "5s", "-5S", "+5S", "5.0S", "123456789n", "5 S", "5SS"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn finest_unit_that_fits_is_written() {
        let written = |left| grpc_timeout_value(left).to_str().unwrap().to_owned();
        assert_eq!(written(Duration::ZERO), "1n");
        assert_eq!(written(Duration::from_nanos(99_999_999)), "99999999n");
        assert_eq!(written(Duration::from_nanos(100_000_999)), "100000u");
        assert_eq!(written(Duration::from_secs(30)), "30000000u");
        assert_eq!(written(Duration::from_secs(3600)), "3600000m");
        assert_eq!(written(Duration::MAX), "99999999H");
    }

    proptest! {
        #[test]
        fn any_bytes_parse_without_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                prop_assert!(parse_grpc_timeout(&value).unwrap_or_default() <= LONGEST);
            }
        }

        #[test]
        fn written_timeout_is_read_back_no_longer_and_hardly_shorter(nanos in 1_u64..30_000_000_000_000_000) {
            let left = Duration::from_nanos(nanos);
            let read = parse_grpc_timeout(&grpc_timeout_value(left)).unwrap();
            prop_assert!(read <= left && left - read <= left / 10_000, "{read:?}");
        }
    }
}

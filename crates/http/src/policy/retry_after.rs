//! `Retry-After` (RFC 9110, 10.2.3): seconds or a date.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderValue,
    header::{DATE, RETRY_AFTER},
};
use mainstay_core::settings::LONGEST;

/// Returns the wait in `Retry-After`, at most a year, or `None` without a value that can be read.
///
/// A date is read relative to the response's own `Date`, so that a server's wrong clock does no harm; without one,
/// relative to this machine's clock. A date that has passed is a wait of zero.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    #[allow(clippy::disallowed_methods, reason = "a protocol's date is wall-clock time")]
    retry_after_at(headers, SystemTime::now)
}

/// Writes a wait as `Retry-After` in whole seconds: rounded up and never zero, so that clients do not retry too early.
#[must_use]
pub fn retry_after_value(wait: Duration) -> HeaderValue {
    HeaderValue::from(whole_seconds(wait))
}

pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn retry_after_at(headers: &HeaderMap, now: impl FnOnce() -> SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match is_number(value) {
        // More digits than fit are a wait that is cut to the limit.
        true => Duration::from_secs(value.parse().unwrap_or(u64::MAX)),
        false => {
            let until = httpdate::parse_http_date(value).ok()?;
            until.duration_since(date(headers).unwrap_or_else(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST))
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?.trim()).ok()
}

/// Whether the text is digits only. Rust's own parser accepts a sign.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1994-11-06 08:49:37 GMT, the RFC's example.
    const NOW: Duration = Duration::from_secs(784_111_777);

    fn read(retry_after: &str, date: Option<&str>) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap());
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_str(date).unwrap());
        }
        retry_after_at(&headers, || SystemTime::UNIX_EPOCH + NOW)
    }

    #[test]
    fn seconds_are_read() {
        assert_eq!(read("120", None), Some(Duration::from_secs(120)));
        assert_eq!(read(" 0 ", None), Some(Duration::ZERO));
        assert_eq!(read("007", None), Some(Duration::from_secs(7)));
        assert_eq!(read("99999999999999999999999999", None), Some(LONGEST));
    }

    #[test]
    fn date_is_relative_to_the_response_date_or_the_local_clock() {
        let until = "Sun, 06 Nov 1994 08:49:47 GMT";
        assert_eq!(read(until, None), Some(Duration::from_secs(10)));
        assert_eq!(read(until, Some("Sun, 06 Nov 1994 08:49:44 GMT")), Some(Duration::from_secs(3)));
        assert_eq!(read(until, Some("garbage")), Some(Duration::from_secs(10)));
        assert_eq!(read("Sunday, 06-Nov-94 08:49:47 GMT", None), Some(Duration::from_secs(10)));
        assert_eq!(read("Sun Nov  6 08:49:47 1994", None), Some(Duration::from_secs(10)));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT", None), Some(LONGEST));
    }

    #[test]
    fn past_date_is_a_wait_of_zero() {
        assert_eq!(read("Sun, 06 Nov 1994 08:49:36 GMT", None), Some(Duration::ZERO));
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT", None), Some(Duration::ZERO));
    }

    #[test]
    fn unreadable_value_is_none() {
        for garbage in ["", "-1", "+5", "1.5", "1e3", "soon", "5 seconds", "5, 6", "0x10", "١"] {
            assert_eq!(read(garbage, None), None, "{garbage}");
        }
    }

    #[test]
    fn wait_is_written_in_whole_seconds_rounded_up_and_never_zero() {
        let written = |wait| retry_after_value(wait).to_str().unwrap().to_owned();
        assert_eq!(written(Duration::ZERO), "1");
        assert_eq!(written(Duration::from_nanos(1)), "1");
        assert_eq!(written(Duration::from_secs(2)), "2");
        assert_eq!(written(Duration::from_millis(2001)), "3");
        assert_eq!(written(Duration::MAX), u64::MAX.to_string());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(value in proptest::collection::vec(any::<u8>(), 0..40), date: Vec<u8>) {
            let mut headers = HeaderMap::new();
            for (name, bytes) in [(RETRY_AFTER, value), (DATE, date)] {
                if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                    headers.insert(name, value);
                }
            }
            prop_assert!(retry_after(&headers).unwrap_or_default() <= LONGEST);
        }

        #[test]
        fn written_wait_is_read_back_no_shorter(millis in 0_u64..100_000_000) {
            let wait = Duration::from_millis(millis);
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry_after_value(wait));
            let read = retry_after(&headers).unwrap();
            prop_assert!(read >= wait && read <= wait + Duration::from_secs(1));
        }
    }
}

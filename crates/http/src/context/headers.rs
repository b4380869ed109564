//! The header fields of a request context: the time that is left, and the number of the attempt.
//!
//! The time is a duration and not a date: the clocks of two machines differ by more than a message is under way.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use mainstay_core::{RequestContext, settings::LONGEST};
use tokio::time::Instant;

use crate::{
    grpc::timeout::{GRPC_TIMEOUT, grpc_timeout_value, parse_grpc_timeout},
    policy::retry_after::is_number,
};

/// `x-request-timeout-ms`: the milliseconds that the caller still waits. There is no standard field;
/// [`ContextHeaders::with_timeout`] sets another name.
pub const X_REQUEST_TIMEOUT_MS: HeaderName = HeaderName::from_static("x-request-timeout-ms");
/// `x-request-attempt`: the number of the attempt, 1 for the first.
pub const X_REQUEST_ATTEMPT: HeaderName = HeaderName::from_static("x-request-attempt");
/// `grpc-previous-rpc-attempts`: the number of attempts before this one; not sent with the first.
pub const GRPC_PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

/// The header fields that carry a request's context: deadline and attempt.
///
/// ```
/// use std::time::Duration;
/// use mainstay_core::RequestContext;
/// use mainstay_http::context::ContextHeaders;
/// use tokio::time::Instant;
///
/// let now = Instant::now();
/// let context = RequestContext::new().with_deadline(now + Duration::from_secs(2)).with_attempt(3);
/// let mut headers = http::HeaderMap::new();
/// ContextHeaders::grpc().write(&mut headers, &context, now);
/// assert_eq!(headers["grpc-timeout"], "2000000u");
/// assert_eq!(headers["grpc-previous-rpc-attempts"], "2");
/// ```
#[derive(Clone, Debug)]
pub struct ContextHeaders(Fields);

#[derive(Clone, Debug)]
enum Fields {
    Http { timeout: HeaderName, attempt: HeaderName },
    Grpc,
}

// === impl ContextHeaders ===

impl ContextHeaders {
    /// The fields of HTTP: `x-request-timeout-ms` and `x-request-attempt`.
    #[must_use]
    pub const fn http() -> Self {
        Self(Fields::Http { timeout: X_REQUEST_TIMEOUT_MS, attempt: X_REQUEST_ATTEMPT })
    }

    /// The fields of gRPC: `grpc-timeout` and `grpc-previous-rpc-attempts`.
    #[must_use]
    pub const fn grpc() -> Self {
        Self(Fields::Grpc)
    }

    /// Sets the name of the HTTP field with the time that is left, in milliseconds (Envoy's is
    /// `x-envoy-expected-rq-timeout-ms`).
    #[must_use]
    pub fn with_timeout(self, timeout: HeaderName) -> Self {
        let attempt = match self.0 {
            Fields::Http { attempt, .. } => attempt,
            Fields::Grpc => X_REQUEST_ATTEMPT,
        };
        Self(Fields::Http { timeout, attempt })
    }

    /// Sets the name of the HTTP field with the number of the attempt (Envoy's is `x-envoy-attempt-count`).
    #[must_use]
    pub fn with_attempt(self, attempt: HeaderName) -> Self {
        let timeout = match self.0 {
            Fields::Http { timeout, .. } => timeout,
            Fields::Grpc => X_REQUEST_TIMEOUT_MS,
        };
        Self(Fields::Http { timeout, attempt })
    }

    /// Returns the time that the caller still waits, at most a year; `None` without a value that can be read.
    #[must_use]
    pub fn read_timeout(&self, headers: &HeaderMap) -> Option<Duration> {
        match &self.0 {
            Fields::Grpc => parse_grpc_timeout(headers.get(GRPC_TIMEOUT)?),
            Fields::Http { timeout, .. } => {
                let value = headers.get(timeout)?.to_str().ok()?.trim();
                let millis = is_number(value).then(|| value.parse().unwrap_or(u64::MAX))?;
                Some(Duration::from_millis(millis).min(LONGEST))
            }
        }
    }

    /// Returns the number of the attempt, 1 for the first; `None` without a value that can be read. gRPC has no field in a
    /// first attempt, so its absence is `None` too.
    #[must_use]
    pub fn read_attempt(&self, headers: &HeaderMap) -> Option<u32> {
        let number = |name: &HeaderName| {
            let value = headers.get(name)?.to_str().ok()?.trim();
            is_number(value).then(|| value.parse().unwrap_or(u32::MAX))
        };
        match &self.0 {
            Fields::Grpc => Some(number(&GRPC_PREVIOUS_ATTEMPTS)?.saturating_add(1)),
            Fields::Http { attempt, .. } => number(attempt).filter(|attempt| *attempt > 0),
        }
    }

    /// Writes the time that is left and the number of the attempt. The time is the shortest of three: until the context's
    /// deadline, the time of one attempt, and what the caller wrote into the field itself. What the context does not have
    /// stays as it is.
    pub fn write(&self, headers: &mut HeaderMap, context: &RequestContext, now: Instant) {
        let own = context.attempt_time_left(now);
        let left = own.filter(|own| self.read_timeout(headers).is_none_or(|callers| *own < callers));
        match &self.0 {
            Fields::Grpc => {
                if let Some(left) = left {
                    headers.insert(GRPC_TIMEOUT, grpc_timeout_value(left));
                }
                match context.attempt {
                    0 => {}
                    // The field of an earlier attempt must not stay.
                    1 => drop(headers.remove(GRPC_PREVIOUS_ATTEMPTS)),
                    n => drop(headers.insert(GRPC_PREVIOUS_ATTEMPTS, HeaderValue::from(n - 1))),
                }
            }
            Fields::Http { timeout, attempt } => {
                if let Some(left) = left {
                    let millis = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
                    headers.insert(timeout, HeaderValue::from(millis));
                }
                if context.attempt > 0 {
                    headers.insert(attempt, HeaderValue::from(context.attempt));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn milliseconds_are_read_and_other_text_is_not() {
        let read = |text: &str| ContextHeaders::http().read_timeout(&field(X_REQUEST_TIMEOUT_MS, text));
        assert_eq!(read("250"), Some(Duration::from_millis(250)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("99999999999999999999999"), Some(LONGEST));
        for wrong in ["", "-1", "+1", "1.5", "250ms", "soon"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn field_names_can_be_set() {
        let name = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");
        let count = HeaderName::from_static("x-envoy-attempt-count");
        let envoy = ContextHeaders::http().with_timeout(name.clone()).with_attempt(count.clone());
        assert_eq!(envoy.read_timeout(&field(name, "9")), Some(Duration::from_millis(9)));
        let mut headers = HeaderMap::new();
        envoy.write(&mut headers, &RequestContext::new().with_attempt(2), Instant::now());
        assert_eq!(headers, field(count, "2"));
    }

    #[test]
    fn empty_context_leaves_fields_unchanged() {
        for fields in [ContextHeaders::http(), ContextHeaders::grpc()] {
            let before = field(GRPC_TIMEOUT, "1S");
            let mut headers = before.clone();
            fields.write(&mut headers, &RequestContext::new(), Instant::now());
            assert_eq!(headers, before);
        }
    }

    #[test]
    fn first_attempt_removes_previous_attempts() {
        let mut headers = field(GRPC_PREVIOUS_ATTEMPTS, "7");
        ContextHeaders::grpc().write(&mut headers, &RequestContext::new().with_attempt(1), Instant::now());
        assert!(headers.is_empty());
    }

    #[test]
    fn passed_deadline_leaves_no_time() {
        let now = Instant::now();
        let context = RequestContext::new().with_deadline(now);
        let mut headers = HeaderMap::new();
        ContextHeaders::http().write(&mut headers, &context, now + Duration::from_secs(1));
        assert_eq!(headers, field(X_REQUEST_TIMEOUT_MS, "0"));
        ContextHeaders::grpc().write(&mut headers, &context, now + Duration::from_secs(1));
        assert_eq!(headers[GRPC_TIMEOUT], "1n");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let headers = HeaderMap::from_iter([(X_REQUEST_TIMEOUT_MS, value)]);
                prop_assert!(ContextHeaders::http().read_timeout(&headers).unwrap_or_default() <= LONGEST);
            }
        }
    }
}

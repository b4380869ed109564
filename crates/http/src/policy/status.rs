//! The outcome of an HTTP status. This file decides which status is an overload, for policies, gRPC and probes.

use http::{HeaderMap, StatusCode};
use mainstay_core::{FailureKind, Outcome, Repeat};

use crate::policy::retry_after::retry_after;

/// Returns the outcome of a status alone.
///
/// | status | outcome |
/// |---|---|
/// | 1xx, 2xx, 3xx | success |
/// | 504 | failure (timeout) |
/// | 500, 502 and 5xx that are not listed here | failure (unavailable) |
/// | 503 | overloaded (server) |
/// | 429 | overloaded (caller) |
/// | 408, 425 | ignored, but may be repeated: they concern the request or its connection, not the server |
/// | other 4xx, 501, 505, 511 | ignored |
/// | 508 | ignored: a client causes it by naming the server in `Via`; a real loop is found by probes |
/// | outside 100..=599 | failure (unknown) |
#[must_use]
pub fn classify_status(status: StatusCode) -> Outcome {
    match status.as_u16() {
        100..=399 => Outcome::Success,
        504 => Outcome::failure(FailureKind::Timeout),
        503 => Outcome::overloaded(None),
        429 => Outcome::rate_limited(None),
        408 | 425 => Outcome::ignored().with_repeat(Repeat::Backoff),
        400..=499 | 501 | 505 | 508 | 511 => Outcome::ignored(),
        500..=599 => Outcome::failure(FailureKind::Unavailable),
        _ => Outcome::failure(FailureKind::Unknown),
    }
}

/// Whether a probe's response reports an overload: 429 only, because a health route reports "not ready" by 503.
#[cfg(feature = "probe")]
pub(crate) fn is_probe_overloaded(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
}

/// Returns the outcome of a response's head: [`classify_status`], with the wait in `Retry-After`.
///
/// The field is defined for 429 and 503. It is read with every other outcome that may be repeated too.
#[must_use]
pub fn classify_head(status: StatusCode, headers: &HeaderMap) -> Outcome {
    let outcome = classify_status(status);
    match outcome.repeat() {
        Repeat::Never => outcome,
        _ => outcome.with_repeat(Repeat::from_retry_after(retry_after(headers))),
    }
}

#[cfg(test)]
mod tests {
    use mainstay_core::Class;

    use super::*;

    #[test]
    fn each_status_has_its_class() {
        for code in 100..=999 {
            let class = match code {
                100..=399 => Class::Success,
                500 | 502 | 504 => Class::Failure,
                429 | 503 => Class::Overloaded,
                400..=499 | 501 | 505 | 508 | 511 => Class::Ignored,
                _ => Class::Failure,
            };
            assert_eq!(classify_status(StatusCode::from_u16(code).unwrap()).class(), class, "{code}");
        }
    }

    #[test]
    fn only_408_and_425_are_ignored_and_repeated() {
        let ignored = |code| match classify_status(StatusCode::from_u16(code).unwrap()) {
            Outcome::Ignored { repeat } => Some(repeat),
            _ => None,
        };
        let repeated: Vec<_> = (100..=999).filter(|code| ignored(*code) == Some(Repeat::Backoff)).collect();
        assert_eq!(repeated, [408, 425]);
    }

    #[test]
    fn overload_is_the_server_s_for_503_and_the_caller_s_for_429() {
        assert_eq!(classify_status(StatusCode::SERVICE_UNAVAILABLE), Outcome::overloaded(None));
        assert_eq!(classify_status(StatusCode::TOO_MANY_REQUESTS), Outcome::rate_limited(None));
    }
}

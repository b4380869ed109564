//! How long a response is fresh.

use std::time::Duration;

use super::*;
use crate::cache::{control::ResponseDirectives, lifetime};

/// RFC 9111, 4.2.1 and 5.3.
#[test]
fn first_statement_of_freshness_counts() {
    let (date, later) = (("date", "Tue, 15 Nov 1994 08:12:31 GMT"), ("expires", "Tue, 15 Nov 1994 08:13:31 GMT"));
    let cases: [(Fields<'_>, Option<u64>, Option<u64>); 9] = [
        (&[], None, None),
        (&[("cache-control", "max-age=10, s-maxage=20"), date, later], Some(20), Some(10)),
        (&[("cache-control", "max-age=10"), date, later], Some(10), Some(10)),
        (&[date, later], Some(60), Some(60)),
        (&[date, ("expires", "0")], Some(0), Some(0)),
        (&[date, later, ("expires", "0")], Some(0), Some(0)),
        (&[later], Some(0), Some(0)),
        (&[("date", "Tue, 15 Nov 1994 09:00:00 GMT"), later], Some(0), Some(0)),
        (&[("last-modified", "Tue, 15 Nov 1994 08:12:31 GMT"), date], None, None),
    ];
    for (fields, shared, private) in cases {
        let fields = headers(fields);
        let control = ResponseDirectives::of(&fields);
        let fresh = [Scope::Shared, Scope::Caller].map(|scope| lifetime::freshness(&control, &fields, scope));
        assert_eq!(fresh, [shared, private].map(|seconds| seconds.map(Duration::from_secs)), "{fields:?}");
    }
}

/// RFC 9111, 5.1.
#[test]
fn age_is_the_first_valid_number() {
    for (value, seconds) in [("7", 7), ("7, 9", 7), ("x", 0), ("-1", 0), ("", 0), ("99999999999", 1 << 31)] {
        assert_eq!(lifetime::initial_age(&headers(&[("age", value)])), Duration::from_secs(seconds), "{value}");
    }
}

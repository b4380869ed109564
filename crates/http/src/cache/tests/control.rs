//! The directives of `Cache-Control`.

use proptest::prelude::*;

use super::*;
use crate::cache::control::{RequestDirectives, ResponseDirectives};

#[test]
fn directives_are_read_over_all_lines() {
    let fields = [
        ("cache-control", " Max-Age = 10 ,,PRIVATE=\"a, b\\\", c\", x=\"no-store\""),
        ("cache-control", "stale-if-error=\"20\", max-age=30"),
    ];
    let expected =
        ResponseDirectives { private: true, max_age: Some(10), stale_if_error: Some(20), ..Default::default() };
    assert_eq!(ResponseDirectives::of(&headers(&fields)), expected);
    let fields = [("cache-control", "max-stale, min-fresh=5, max-age=99999999999999999999")];
    let expected = RequestDirectives {
        max_stale: Some(u64::MAX),
        min_fresh: Some(5),
        max_age: Some(1 << 31),
        ..Default::default()
    };
    assert_eq!(RequestDirectives::of(&headers(&fields)), expected);
}

/// RFC 9111, 4.2.1.
#[test]
fn invalid_seconds_are_none() {
    for value in ["max-age", "max-age=", "max-age=x", "max-age=-1", "max-age=1.5", "max-age=\"1"] {
        assert_eq!(ResponseDirectives::of(&headers(&[("cache-control", value)])).max_age.unwrap_or(0), 0, "{value}");
    }
}

/// Defect: `max-age=60; no-store` was read as a lifetime that is no number, and the response was kept for all.
#[test]
fn malformed_directive_is_taken_for_no_store() {
    for value in ["max-age=60; no-store", "max-age=60 no-store", "public; private", "max-age=60, private max-age"] {
        assert!(ResponseDirectives::of(&headers(&[("cache-control", value)])).no_store, "{value}");
        assert!(RequestDirectives::of(&headers(&[("cache-control", value)])).no_store, "{value}");
    }
}

proptest! {
    /// A directive that forbids is found wherever it is in a list without quotation marks.
    #[test]
    fn forbidding_directive_is_found(before in "[ -!#-~]{0,20}", after in "[ -!#-~]{0,20}") {
        let line = format!("{before}, no-store ,{after}");
        prop_assert!(ResponseDirectives::of(&headers(&[("cache-control", &line)])).no_store);
    }

    #[test]
    fn any_value_is_read(value in "[ -~]{0,40}") {
        let fields = headers(&[("cache-control", &value)]);
        let (_, _) = (ResponseDirectives::of(&fields), RequestDirectives::of(&fields));
    }
}

//! Equal values of the fields that `Vary` names.

use super::*;
use crate::cache::vary::Vary;

/// RFC 9111, 4.1.
#[test]
fn values_are_equal_if_the_members_are() {
    let vary = Vary::of(&headers(&[("vary", "b, A"), ("vary", "a")])).unwrap();
    let equal: [(Fields<'_>, Fields<'_>, bool); 7] = [
        (&[], &[("c", "1")], true),
        (&[("a", "1, 2")], &[("a", "1"), ("a", " 2")], true),
        (&[("a", "1,2")], &[("a", "1, 2")], true),
        (&[("a", "")], &[], false),
        (&[("a", "1")], &[("b", "1")], false),
        (&[("a", "1, 2")], &[("a", "2, 1")], false),
        (&[("a", "1"), ("b", "2")], &[("a", "1,2")], false),
    ];
    for (one, other, expected) in equal {
        assert_eq!(vary.values(&headers(one)) == vary.values(&headers(other)), expected, "{one:?} {other:?}");
    }
    assert_eq!(Vary::of(&headers(&[("vary", "a, b")])), Some(vary), "in any order");
}

#[test]
fn coded_response_varies_by_the_accepted_codings() {
    let vary = Vary::of(&headers(&[("content-encoding", "gzip")]));
    assert_eq!(vary, Vary::of(&headers(&[("vary", "accept-encoding")])));
}

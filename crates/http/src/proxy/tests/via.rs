//! `Via` (RFC 9110, 7.6.3).

use http::Version;

use super::headers;
use crate::proxy::Via;

#[test]
fn via_is_extended_and_detects_loops() {
    let via = Via::new("mainstay").unwrap();
    let mut fields = headers(&[("via", "1.0 fred, HTTP/1.1 p.example.net (cache)")]);
    assert!(!via.is_loop(&fields));
    via.add(&mut fields, Version::HTTP_2);
    assert_eq!(fields["via"], "1.0 fred, HTTP/1.1 p.example.net (cache), 2.0 mainstay");
    assert!(via.is_loop(&fields));
    assert!(Via::new("Mainstay").unwrap().is_loop(&fields));
    assert!(!Via::new("main").unwrap().is_loop(&fields));
}

#[test]
fn pseudonym_must_be_a_token() {
    for wrong in ["", "two words", "a,b", "n\u{e4}me"] {
        let error = Via::new(wrong).unwrap_err().to_string();
        assert!(error.contains("pseudonym") && error.contains("letters"), "{error}");
    }
}

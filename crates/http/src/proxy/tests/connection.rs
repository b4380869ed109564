//! Fields that concern one connection (RFC 9110, 7.6.1).

use super::headers;
use crate::proxy::strip_hop_by_hop;

#[test]
fn hop_by_hop_fields_are_removed() {
    let mut fields = headers(&[
        ("connection", "close, X-Once"),
        ("connection", "keep-alive,x-twice , ,not a token"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic eA=="),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("x-once", "1"),
        ("x-twice", "2"),
        ("x-stays", "3"),
        ("trailer", "x-checksum"),
    ]);
    strip_hop_by_hop(&mut fields);
    assert_eq!(fields, headers(&[("x-stays", "3"), ("trailer", "x-checksum")]));
}

#[test]
fn te_keeps_only_trailers() {
    let mut fields = headers(&[("te", "gzip;q=0.5, Trailers"), ("connection", "TE")]);
    strip_hop_by_hop(&mut fields);
    assert_eq!(fields, headers(&[("te", "trailers")]));
    let mut fields = headers(&[("te", "gzip"), ("connection", "te")]);
    strip_hop_by_hop(&mut fields);
    assert!(fields.is_empty());
}

#[test]
fn connection_cannot_remove_end_to_end_fields() {
    let named = "host, content-length, X-Forwarded-For, x-forwarded-anything, via, forwarded, authorization, cookie";
    let mut fields =
        headers(&[("connection", named), ("host", "a"), ("x-forwarded-for", "192.0.2.1"), ("via", "1.1 x")]);
    strip_hop_by_hop(&mut fields);
    assert_eq!(fields, headers(&[("host", "a"), ("x-forwarded-for", "192.0.2.1"), ("via", "1.1 x")]));
}

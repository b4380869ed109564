//! The head of a request to a backend.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Version, header};
use http_body_util::{Empty, Full};

use super::{Fields, chunked, get, headers, prepared, rules, uri};
use crate::proxy::*;

#[test]
fn http10_request_without_host_is_forwarded_without_one() {
    let mut request = get("/x");
    *request.version_mut() = Version::HTTP_10;
    let fields = prepared(request, HeaderMap::new(), &rules()).unwrap();
    let expected = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "http"), ("via", "1.0 edge")];
    assert_eq!(fields, headers(&expected));
}

#[test]
fn requested_host_prefers_uri_and_omits_credentials() {
    let fields = headers(&[("host", "from-header:8080")]);
    assert_eq!(requested_host(&uri("/x"), &fields), Some("from-header:8080"));
    assert_eq!(requested_host(&uri("http://user:secret@from-uri:1/x"), &fields), Some("from-uri:1"));
    assert_eq!(requested_host(&uri("/x"), &HeaderMap::new()), None);
}

#[test]
fn http2_host_is_read_from_uri() {
    let mut request = get("https://api.example:8443/x");
    *request.version_mut() = Version::HTTP_2;
    let fields = prepared(request, HeaderMap::new(), &rules()).unwrap();
    assert_eq!(fields[X_FORWARDED_HOST], "api.example:8443");
    assert!(!fields.contains_key(header::HOST));
}

#[test]
fn host_is_preserved_by_rule() {
    let rules = rules().with_host(HostRule::Requested);
    for (target, expected) in [("/x", "from-header"), ("http://user@from-uri:1/x", "from-uri:1")] {
        let fields = prepared(get(target), headers(&[("host", "from-header")]), &rules).unwrap();
        assert_eq!(fields.get_all(header::HOST).iter().collect::<Vec<_>>(), [expected]);
        assert_eq!(fields[X_FORWARDED_HOST], expected);
    }
}

#[test]
fn prepared_request_has_no_host_and_no_expect() {
    let received = [
        ("host", "api.example"),
        ("expect", "100-continue"),
        ("connection", "x-once, via"),
        ("x-once", "1"),
        ("accept", "*/*"),
    ];
    let expected = [
        ("accept", "*/*"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "api.example"),
        ("via", "1.1 edge"),
    ];
    assert_eq!(prepared(get("/x"), headers(&received), &rules()), Ok(headers(&expected)));
}

#[test]
fn faulty_requests_are_refused() {
    let host = ("host", "a");
    let cases: [(Method, &str, Fields<'_>, RequestFault, u16); 14] = [
        // RFC 9110, 9.3.6
        (Method::CONNECT, "/api/x", &[host], RequestFault::ConnectTarget, 400),
        (Method::CONNECT, "http://a:1/x", &[host], RequestFault::ConnectTarget, 400),
        (Method::CONNECT, "a", &[host], RequestFault::ConnectTarget, 400),
        (Method::CONNECT, "a:1", &[host], RequestFault::Connect, 405),
        // RFC 9112, 3.2
        (Method::GET, "/x", &[], RequestFault::Host, 400),
        (Method::GET, "*", &[host], RequestFault::Path, 400),
        (Method::GET, "/x/..", &[host], RequestFault::Path, 400),
        // RFC 9112, 6
        (Method::POST, "/x", &[host, ("content-length", "4, 5")], RequestFault::ContentLength, 400),
        (Method::POST, "/x", &[host, ("transfer-encoding", "chunked, chunked")], RequestFault::Chunked, 400),
        (Method::POST, "/x", &[host, ("transfer-encoding", "gzip, chunked")], RequestFault::TransferCoding, 501),
        // RFC 9110, 7.6.2
        (Method::OPTIONS, "/x", &[host, ("max-forwards", "0")], RequestFault::LastOptions, 200),
        // RFC 9110, 9.3.8
        (Method::TRACE, "/x", &[host], RequestFault::Trace, 405),
        (Method::TRACE, "/x", &[host, ("max-forwards", "5")], RequestFault::Trace, 405),
        // RFC 9110, 7.6.3
        (Method::GET, "/x", &[host, ("via", "1.1 edge")], RequestFault::Loop, 508),
    ];
    for (method, target, fields, fault, status) in cases {
        let request = Request::builder().method(&method).uri(target).body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(prepared(request, headers(fields), &rules()), Err(fault), "{method} {target} {fields:?}");
        assert_eq!(fault.status(), status);
        let needs_allow = status == 405 || fault == RequestFault::LastOptions;
        assert_eq!(fault.allow().is_some(), needs_allow, "RFC 9110, 15.5.6");
    }
}

/// RFC 9113, 8.2.1.
#[test]
fn http2_values_have_no_white_space_around_them() {
    for (value, expected) in
        [("a b", Ok(())), (" a", Err(RequestFault::FieldValue)), ("a\t", Err(RequestFault::FieldValue))]
    {
        let mut request = get("http://a/x");
        *request.version_mut() = Version::HTTP_2;
        assert_eq!(prepared(request, headers(&[("x-kept", value)]), &rules()).map(drop), expected, "{value:?}");
    }
}

/// RFC 9110, 5.1: hyper reads names of HTTP/2 like this.
#[test]
fn http2_names_have_no_quotation_marks() {
    let mut request = get("http://a/x");
    *request.version_mut() = Version::HTTP_2;
    let name = HeaderName::from_lowercase(b"x-\"a").unwrap();
    let prepared = prepared(request, HeaderMap::from_iter([(name, "1".parse().unwrap())]), &rules());
    assert_eq!(prepared.map(drop), Err(RequestFault::FieldName));
}

/// RFC 9110, 8.6; RFC 9112, 6.
#[test]
fn request_states_its_length() {
    const CL: HeaderName = header::CONTENT_LENGTH;
    const TE: HeaderName = header::TRANSFER_ENCODING;
    let lengths = |headers: Result<HeaderMap, RequestFault>| {
        let headers = headers.unwrap();
        [CL, TE].map(|name| headers.get(name).map(|value| value.to_str().unwrap().to_owned()))
    };
    let cases = [
        (Method::GET, [None, None], [None, Some("chunked")]),
        (Method::HEAD, [None, None], [None, Some("chunked")]),
        (Method::DELETE, [None, None], [None, None]),
        (Method::OPTIONS, [None, None], [None, None]),
        (Method::POST, [Some("0"), None], [None, None]),
        (Method::PUT, [Some("0"), None], [None, None]),
        (Method::PATCH, [Some("0"), None], [None, None]),
    ];
    for (method, empty, streamed) in cases {
        let host = || headers(&[("host", "a")]);
        let request = Request::builder().method(&method).uri("/x");
        let seen = lengths(prepared(request.body(Empty::<Bytes>::new()).unwrap(), host(), &rules()));
        assert_eq!(seen.each_ref().map(Option::as_deref), empty, "{method} without a body");
        let request = Request::builder().method(&method).uri("/x");
        let seen = lengths(prepared(request.body(chunked()).unwrap(), host(), &rules()));
        assert_eq!(seen.each_ref().map(Option::as_deref), streamed, "{method} with a body");
        let request = Request::builder().method(&method).uri("/x").body(Full::<Bytes>::from("hello")).unwrap();
        let seen = lengths(prepared(request, headers(&[("host", "a"), ("content-length", "5")]), &rules()));
        assert_eq!(seen.each_ref().map(Option::as_deref), [Some("5"), None], "{method} with a length");
    }
}

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, header, uri::Scheme,
};
use http_body::Body;
use http_body_util::{Empty, Full, StreamBody};
use proptest::prelude::*;

use super::*;

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    headers
}

fn uri(text: &str) -> Uri {
    text.parse().unwrap()
}

fn rules() -> ProxyRules {
    ProxyRules::new(Via::new("edge").unwrap())
}

/// Prepares a request with this head, from 192.0.2.7.
fn prepared<B: Body>(request: Request<B>, fields: HeaderMap, rules: &ProxyRules) -> Result<HeaderMap, RequestFault> {
    let mut request = request;
    *request.headers_mut() = fields;
    let peer = [192, 0, 2, 7].into();
    prepare_request(request, peer, &Scheme::HTTP, rules).map(|request| request.into_parts().0.headers)
}

fn get(uri: &str) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

/// A body whose length is not known.
fn chunked() -> impl Body<Data = Bytes, Error = std::convert::Infallible> {
    StreamBody::new(futures_util::stream::iter([Ok(http_body::Frame::data(Bytes::from("hello")))]))
}

/// Returns what is forwarded of the fields of this peer.
fn forwarded(fields: HeaderMap, peer: &str, inbound: Inbound) -> HeaderMap {
    let mut request = get("/x");
    *request.headers_mut() = fields;
    let rules = rules().with_inbound(inbound);
    let request = prepare_request(request, peer.parse().unwrap(), &Scheme::HTTP, &rules).unwrap();
    let mut fields = request.into_parts().0.headers;
    fields.remove(header::VIA);
    fields
}

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

#[test]
fn claims_of_untrusted_peer_are_replaced() {
    let fields = headers(&[
        ("host", "api.example"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
        ("x-real-ip", "127.0.0.1"),
        ("x_forwarded_for", "127.0.0.1"),
        ("x-forwarded_user", "admin"),
        ("content_length", "3"),
        ("forwarded", "for=127.0.0.1"),
        ("accept", "*/*"),
    ]);
    let expected = [
        ("accept", "*/*"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "api.example"),
    ];
    assert_eq!(forwarded(fields, "::ffff:192.0.2.7", Inbound::Untrusted), headers(&expected));
}

#[test]
fn claims_of_trusted_proxy_are_kept_and_extended() {
    let fields = headers(&[
        ("x-forwarded-for", "198.51.100.1"),
        ("x-forwarded-for", "198.51.100.2, 198.51.100.3"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-user", "7"),
        ("host", "inner"),
        ("x-forwarded-port", "443"),
        ("x-forwarded-server", "admin"),
        ("x-real-ip", "127.0.0.1"),
        ("x_real_ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
    ]);
    let expected = [
        ("x-forwarded-for", "198.51.100.1, 198.51.100.2, 198.51.100.3, 2001:db8::1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        ("x-forwarded-user", "7"),
    ];
    assert_eq!(forwarded(fields, "2001:db8::1", Inbound::Trusted), headers(&expected));
}

/// The proxy in front appends the address of the client to the line that the client began.
#[test]
fn client_cannot_hide_its_address_behind_bytes_that_are_not_text() {
    let cases: [(&[&[u8]], &str); 5] = [
        (&[b"\xff, 198.51.100.1"], "198.51.100.1, 192.0.2.7"),
        (&[b"203.0.113.1, \xc3\xa9 , 198.51.100.1"], "203.0.113.1, 198.51.100.1, 192.0.2.7"),
        (&[b"\xff", b"198.51.100.1"], "198.51.100.1, 192.0.2.7"),
        (&[b",, ,198.51.100.1,"], "198.51.100.1, 192.0.2.7"),
        (&[b"\xff"], "192.0.2.7"),
    ];
    for (lines, expected) in cases {
        let mut fields = headers(&[("host", "a")]);
        for line in lines {
            fields.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        }
        fields.insert(X_FORWARDED_PROTO, HeaderValue::from_bytes(b"\xff, https").unwrap());
        fields.insert(X_FORWARDED_HOST, HeaderValue::from_bytes(b"\xff").unwrap());
        let fields = forwarded(fields, "192.0.2.7", Inbound::Trusted);
        assert_eq!(fields.get_all(X_FORWARDED_FOR).iter().collect::<Vec<_>>(), [expected]);
        assert_eq!(
            (&fields[X_FORWARDED_PROTO], &fields[X_FORWARDED_HOST]),
            (&"https".parse().unwrap(), &"a".parse().unwrap())
        );
    }
}

/// The same for the other lists: an option that is not text hides no field, and no loop.
#[test]
fn bytes_that_are_not_text_hide_no_member_of_a_list() {
    let mut fields = headers(&[("host", "a"), ("x-secret", "1")]);
    fields.insert(header::CONNECTION, HeaderValue::from_bytes(b"\xff, x-secret").unwrap());
    fields.insert(header::TE, HeaderValue::from_bytes(b"\xff, trailers").unwrap());
    let fields = forwarded(fields, "192.0.2.7", Inbound::Untrusted);
    assert!(!fields.contains_key("x-secret"));
    assert_eq!(fields["te"], "trailers");
    let mut fields = headers(&[("host", "a")]);
    fields.insert(header::VIA, HeaderValue::from_bytes(b"1.1 \xff, 1.1 edge").unwrap());
    assert_eq!(prepared(get("/x"), fields, &rules()), Err(RequestFault::Loop));
}

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
    let cases: [(Method, &str, &[(&str, &str)], RequestFault, u16); 12] = [
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

#[test]
fn response_keeps_one_length_and_no_marks() {
    let cases: [(u16, &[(&str, &str)], &[(&str, &str)]); 6] = [
        // RFC 9112, 6.3
        (200, &[("content-length", "3"), ("transfer-encoding", "chunked")], &[]),
        (200, &[("content-length", "0"), ("transfer-encoding", "chunked")], &[]),
        // RFC 9110, 8.6
        (200, &[("content-length", "4, 4")], &[("content-length", "4")]),
        (204, &[("content-length", "3")], &[]),
        // The marks of another proxy, and fields of its connection.
        (200, &[("x-served-by", "b"), ("x-degraded", "b"), ("keep-alive", "timeout=5"), ("te", "trailers")], &[]),
        (302, &[("location", "http://b:81/base/x")], &[("location", "/x")]),
    ];
    for (status, received, expected) in cases {
        let mut response = Response::builder().status(status).version(Version::HTTP_10).body(chunked()).unwrap();
        *response.headers_mut() = headers(received);
        let response = prepare_response(response, &uri("http://b:81/base"), &Via::new("edge").unwrap()).unwrap();
        let mut expected = headers(expected);
        expected.insert(header::VIA, HeaderValue::from_static("1.0 edge"));
        assert_eq!(*response.headers(), expected, "{status} {received:?}");
        assert_eq!(response.version(), Version::HTTP_11, "RFC 9112, 2.3");
    }
}

#[test]
fn faulty_responses_are_refused() {
    let cases: [(u16, &[(&str, &str)], ResponseFault); 4] = [
        // RFC 9110, 7.8
        (101, &[("upgrade", "x"), ("connection", "upgrade")], ResponseFault::Upgrade),
        // RFC 9112, 6.3
        (200, &[("content-length", "4, 5")], ResponseFault::ContentLength),
        // RFC 9112, 6.1
        (200, &[("transfer-encoding", "gzip, chunked")], ResponseFault::TransferCoding),
        (200, &[("transfer-encoding", "gzip")], ResponseFault::TransferCoding),
    ];
    for (status, received, fault) in cases {
        let mut response = Response::builder().status(status).body(chunked()).unwrap();
        *response.headers_mut() = headers(received);
        let prepared = prepare_response(response, &uri("http://b"), &Via::new("edge").unwrap());
        assert_eq!(prepared.map(drop), Err(fault), "{status} {received:?}");
    }
}

/// A response to `HEAD` has the fields of one to `GET`, and no content to decode.
#[test]
fn coding_of_a_response_without_content_is_removed() {
    let response = Response::builder().status(StatusCode::OK).header("transfer-encoding", "gzip, chunked");
    let response = response.header("content-length", "3").body(Empty::<Bytes>::new()).unwrap();
    let response = prepare_response(response, &uri("http://b"), &Via::new("edge").unwrap()).unwrap();
    assert_eq!(*response.headers(), headers(&[("via", "1.1 edge")]));
}

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

#[test]
fn rebase_puts_backend_host_and_path_first() {
    let at = |backend: &str, requested: &str| rebase(&uri(backend), &uri(requested)).map(|uri| uri.to_string());
    assert_eq!(at("http://b:1", "/api/x?y=/../z").as_deref(), Some("http://b:1/api/x?y=/../z"));
    assert_eq!(at("http://b:1/base/", "/x").as_deref(), Some("http://b:1/base/x"));
    assert_eq!(at("https://b/base", "http://evil/x").as_deref(), Some("https://b/base/x"));
    assert_eq!(at("http://b", "//evil/x").as_deref(), Some("http://b//evil/x"));
    assert_eq!(at("/only-a-path", "/x"), None);
}

#[test]
fn rebase_rejects_dot_segments() {
    for path in [
        "/a/../b",
        "/./b",
        "/a/%2e%2E/b",
        "/a/.%2e",
        "/a/..%2fb",
        "/a/%2e%2e%5cb",
        "/..",
        "*",
        "/a/..%5Cb",
        "/a/..;/b",
        "/a/.;x=y",
        "/a/%2e%2e%3Bx/b",
        // Cut off or trimmed by some servers.
        "/a/..%00",
        "/a/..%00/b",
        "/a/..%00x",
        "/a/..%09",
        "/a/..%20/b",
        "/a/%0d%0a../b",
        "/a/.%0a./b",
        "/a/..%3fx",
        "/a/..%23",
        "/a%00b",
        // Decoded twice.
        "/a/%252e%252e/b",
        "/a/..%252fb",
        "/a/..%25252fb",
        // Taken for dots and slashes.
        "/a/%EF%BC%8E%EF%BC%8E/b",
        "/a/%EF%BC%8E./b",
        "/a/..%EF%BC%8Fb",
        "/a/%E2%80%A5/b",
        "/a/%c0%ae%c0%ae/b",
        "/a/..%c0%afb",
        // Not of a URI.
        "/a/\u{e9}",
        "/a/\u{ff0e}\u{ff0e}/b",
    ] {
        assert_eq!(rebase(&uri("http://b/base"), &uri(path)), None, "{path}");
    }
    for path in [
        "/a..b",
        "/...",
        "/.well-known/x",
        "/a/..b",
        "/%2e%2e%2e",
        "/a;..",
        "/a/..b;x",
        "/%E2%82%AC",
        "/100%",
        "/a%20b",
        "/%C3%A9",
    ] {
        assert!(rebase(&uri("http://b/base"), &uri(path)).is_some(), "{path}");
    }
}

proptest! {
    #[test]
    fn any_header_value_is_accepted_and_own_member_is_last(value in proptest::collection::vec(any::<u8>(), 0..64)) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut fields = HeaderMap::new();
        for name in [header::CONNECTION, header::TE, header::VIA, X_FORWARDED_FOR, header::TRAILER, header::COOKIE] {
            fields.insert(name, value.clone());
        }
        fields.insert(header::HOST, HeaderValue::from_static("a"));
        strip_hop_by_hop(&mut fields);
        prop_assert!(!fields.contains_key(header::CONNECTION));
        let fields = prepared(get("/x"), fields, &rules().with_inbound(Inbound::Trusted)).unwrap();
        prop_assert!(fields[X_FORWARDED_FOR].to_str().unwrap().ends_with("192.0.2.7"));
        prop_assert!(fields["via"].to_str().unwrap().ends_with("1.1 edge"));
        prop_assert!(rules().via.is_loop(&fields));
    }

    #[test]
    fn any_path_keeps_the_backend_host(path in "/[ -~]{0,40}") {
        let Ok(requested) = path.parse::<Uri>() else { return Ok(()) };
        if let Some(rebased) = rebase(&uri("http://backend:81/base"), &requested) {
            prop_assert_eq!(rebased.authority().unwrap().as_str(), "backend:81");
            prop_assert!(rebased.path().starts_with("/base/"));
        }
    }
}

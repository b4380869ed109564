use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version, header, uri::Scheme};
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

/// Returns what `set_forwarded` makes of the fields of this peer.
fn forwarded(fields: HeaderMap, peer: &str, inbound: Inbound) -> HeaderMap {
    let mut request = Request::new(());
    *request.headers_mut() = fields;
    set_forwarded(&mut request, peer.parse().ok(), &Scheme::HTTP, inbound);
    request.into_parts().0.headers
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
        ("forwarded", "for=127.0.0.1"),
        ("accept", "*/*"),
    ]);
    let expected = [
        ("host", "api.example"),
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
        ("host", "inner"),
    ]);
    let expected = [
        ("x-forwarded-for", "198.51.100.1, 198.51.100.2, 198.51.100.3, 2001:db8::1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "shop.example"),
        ("host", "inner"),
    ];
    assert_eq!(forwarded(fields, "2001:db8::1", Inbound::Trusted), headers(&expected));
}

#[test]
fn unknown_peer_and_unreadable_host_are_omitted() {
    let mut fields = HeaderMap::new();
    fields.insert(header::HOST, HeaderValue::from_bytes(b"\xff").unwrap());
    let fields = forwarded(fields, "", Inbound::Untrusted);
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["host", "x-forwarded-proto"]);
    assert_eq!(fields[X_FORWARDED_PROTO], "http");
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
    let mut request = Request::get("https://user:secret@api.example:8443/x").body(()).unwrap();
    set_forwarded(&mut request, None, &Scheme::HTTPS, Inbound::Untrusted);
    let expected = [("x-forwarded-proto", "https"), ("x-forwarded-host", "api.example:8443")];
    assert_eq!(*request.headers(), headers(&expected));
}

#[test]
fn prepared_request_has_no_host_and_no_expect() {
    let via = Via::new("edge").unwrap();
    let mut request = Request::get("/x").body(()).unwrap();
    *request.headers_mut() = headers(&[
        ("host", "api.example"),
        ("expect", "100-continue"),
        ("connection", "x-once, via"),
        ("x-once", "1"),
        ("accept", "*/*"),
    ]);
    prepare_request(&mut request, [192, 0, 2, 7].into(), &Scheme::HTTP, Inbound::Untrusted, &via);
    let expected = [
        ("accept", "*/*"),
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "api.example"),
        ("via", "1.1 edge"),
    ];
    assert_eq!(*request.headers(), headers(&expected));
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
    ] {
        assert_eq!(rebase(&uri("http://b/base"), &uri(path)), None, "{path}");
    }
    for path in ["/a..b", "/...", "/.well-known/x", "/a/..b", "/%2e%2e%2e", "/a;..", "/a/..b;x"] {
        assert!(rebase(&uri("http://b/base"), &uri(path)).is_some(), "{path}");
    }
}

proptest! {
    #[test]
    fn any_header_value_is_accepted_and_own_member_is_last(value in proptest::collection::vec(any::<u8>(), 0..64)) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let via = Via::new("us").unwrap();
        let mut fields = HeaderMap::new();
        for name in [header::CONNECTION, header::TE, header::VIA, X_FORWARDED_FOR, header::HOST] {
            fields.insert(name, value.clone());
        }
        strip_hop_by_hop(&mut fields);
        prop_assert!(!fields.contains_key(header::CONNECTION));
        let mut fields = forwarded(fields, "192.0.2.1", Inbound::Trusted);
        via.add(&mut fields, Version::HTTP_11);
        prop_assert!(fields[X_FORWARDED_FOR].to_str().unwrap().ends_with("192.0.2.1"));
        prop_assert!(fields["via"].to_str().unwrap().ends_with("1.1 us"));
        prop_assert!(via.is_loop(&fields));
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

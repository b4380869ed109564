//! `X-Forwarded-*` and other claims of a peer.

use http::{HeaderMap, HeaderValue, header};
use proptest::{prelude::*, sample::select};

use super::{forwarded, get, headers, prepared, rules};
use crate::proxy::{field_kind::FieldKind, *};

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
    fn any_head_is_prepared_without_claims(
        fields in proptest::collection::vec((select(NAMES), select(VALUES)), 0..24),
        is_trusted in any::<bool>(),
    ) {
        let inbound = if is_trusted { Inbound::Trusted } else { Inbound::Untrusted };
        let mut fields = headers(&fields);
        fields.insert(header::HOST, HeaderValue::from_static("a"));
        let fields = prepared(get("/x"), fields, &rules().with_inbound(inbound)).unwrap();
        for name in fields.keys() {
            let kind = FieldKind::of(name.as_str());
            let is_own = [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST].contains(name);
            let is_kept = kind == FieldKind::Forwarded && (is_trusted || is_own);
            prop_assert!(kind == FieldKind::EndToEnd || is_kept || *name == header::TE, "{}", name);
        }
        let addresses: Vec<_> = fields.get_all(X_FORWARDED_FOR).iter().collect();
        prop_assert!(addresses.len() == 1 && addresses[0].to_str().unwrap().ends_with("192.0.2.7"), "{:?}", addresses);
        prop_assert!(fields.get_all(header::COOKIE).iter().count() <= 1);
    }
}

const NAMES: &[&str] = &[
    "accept",
    "connection",
    "cookie",
    "forwarded",
    "keep-alive",
    "proxy",
    "proxy_authorization",
    "te",
    "trailer",
    "x-a",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-user",
    "x-forwarded_for",
    "x-real-ip",
    "x_forwarded_for",
];

const VALUES: &[&str] = &["", ",", "close", "trailers", "x-a", "x-forwarded-for, te", "192.0.2.1, 198.51.100.1", "a b"];

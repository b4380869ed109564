//! Fields of one connection (RFC 9110, 7.6.1), in both directions, and `Via` (7.6.3).

use crate::{
    row::{Row, each_version, row},
    see::See::{self, Field, FieldEnd, FieldStart, No, Status},
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, lines, arrives) in REQUESTS {
        let request = format!("GET {{path}} HTTP/1.1\r\nHost: a\r\n{lines}X-Kept: 1\r\nConnection: close\r\n\r\n");
        let arrives = [*arrives, &[Field("x-kept", "1"), No("connection")]].concat();
        rows.push(row(name, "RFC 9110, 7.6.1").sends(&request).arrives(&arrives).gets(&[Status(200)]));
    }
    for (name, lines, gets) in RESPONSES {
        let request = "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{lines}X-Kept: 1\r\n\r\nok");
        let gets = [*gets, &[Status(200), Field("x-kept", "1"), See::Body("ok")]].concat();
        rows.push(row(name, "RFC 9110, 7.6.1").sends(request).answers(&answer).arrives(&[]).gets(&gets));
        let name = format!("{name}_h2");
        let [_, over_http2] = each_version("", "RFC 9110, 7.6.1", &[], &[]);
        let mut over_http2 = over_http2.answers(&answer);
        over_http2.name = name;
        // HTTP/2 has no field of a connection at all.
        over_http2.gets = vec![[&gets[..], &[No("connection")]].concat()];
        rows.push(over_http2);
    }
    rows.extend(each_version(
        "via_is_appended",
        "RFC 9110, 7.6.3",
        &[("via", "1.0 fred")],
        &[FieldStart("via", "1.0 fred, ")],
    ));
    rows.extend(each_version("te_trailers", "RFC 9110, 10.1.4", &[("te", "trailers")], &[Field("te", "trailers")]));
    rows.extend(each_version("priority", "RFC 9218, 5", &[("priority", "u=1")], &[Field("priority", "u=1")]));
    rows
}

#[rustfmt::skip]
const REQUESTS: &[(&str, &str, &[See])] = &[
    ("named_field", "Connection: x-secret\r\nX-Secret: 1\r\n", &[No("x-secret")]),
    ("named_in_other_case", "Connection: X-SECRET\r\nx-secret: 1\r\n", &[No("x-secret")]),
    ("named_in_list", "Connection: a,x-secret ,, b\r\nX-Secret: 1\r\n", &[No("x-secret")]),
    ("named_before_field", "X-Secret: 1\r\nConnection: x-secret\r\n", &[No("x-secret")]),
    ("named_beside_high_byte", "Connection: \u{ff}, x-secret\r\nX-Secret: 1\r\n", &[No("x-secret")]),
    ("named_beside_wrong_token", "Connection: a b, x-secret\r\nX-Secret: 1\r\n", &[No("x-secret")]),
    ("field_twice", "Connection: x-secret\r\nX-Secret: 1\r\nX-Secret: 2\r\n", &[No("x-secret")]),
    ("keep_alive", "Keep-Alive: timeout=5\r\n", &[No("keep-alive")]),
    ("proxy_connection", "Proxy-Connection: keep-alive\r\n", &[No("proxy-connection")]),
    ("proxy_authorization", "Proxy-Authorization: Basic eA==\r\n", &[No("proxy-authorization")]),
    ("te", "TE: gzip;q=0.5\r\n", &[No("te")]),
    ("te_of_which_trailers_stays", "Connection: te\r\nTE: gzip;q=0.5, trailers\r\n", &[Field("te", "trailers")]),
    ("upgrade_without_agreement", "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n", &[No("upgrade"), FieldEnd("via", "")]),
    ("host_cannot_be_named", "Connection: host\r\n", &[Field("host", "{backend}"), Field("x-forwarded-host", "a")]),
    ("credentials_cannot_be_named", "Connection: authorization\r\nAuthorization: Basic eA==\r\n", &[Field("authorization", "Basic eA==")]),
    ("cookie_cannot_be_named", "Connection: cookie\r\nCookie: a=b\r\n", &[Field("cookie", "a=b")]),
    ("forwarded_fields_cannot_be_named", "Connection: x-forwarded-for, x-forwarded-host, x-forwarded-proto\r\n",
        &[Field("x-forwarded-for", "127.0.0.1"), Field("x-forwarded-host", "a"), Field("x-forwarded-proto", "http")]),
    ("via_cannot_be_named", "Connection: via\r\nVia: 1.0 fred\r\n", &[FieldStart("via", "1.0 fred, ")]),
    ("other_fields_stay", "Accept: */*\r\nX-Any: a\u{ff}b\r\n", &[Field("accept", "*/*"), Field("x-any", "a\u{ff}b")]),
];

#[rustfmt::skip]
const RESPONSES: &[(&str, &str, &[See])] = &[
    ("answer_named_field", "Connection: x-secret\r\nX-Secret: 1\r\n", &[No("x-secret")]),
    ("answer_named_beside_high_byte", "Connection: \u{ff}, x-secret\r\nX-Secret: 1\r\n", &[No("x-secret")]),
    ("answer_keep_alive", "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", &[No("keep-alive")]),
    ("answer_proxy_connection", "Proxy-Connection: keep-alive\r\n", &[No("proxy-connection")]),
    ("answer_upgrade", "Upgrade: h2c\r\nConnection: upgrade\r\n", &[No("upgrade")]),
    ("answer_credentials", "WWW-Authenticate: Basic\r\n", &[Field("www-authenticate", "Basic")]),
    ("answer_length_cannot_be_named", "Connection: content-length\r\n", &[Field("content-length", "2")]),
    ("answer_via", "Via: 1.0 fred\r\n", &[FieldStart("via", "1.0 fred, 1.1 gateway-")]),
];

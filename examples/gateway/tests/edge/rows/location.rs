//! `Location` and `Content-Location` that name the backend (RFC 9110, 10.2.2). They become a path, which the client resolves
//! against the scheme and the host that it used: the gateway may not know them.

use crate::{
    row::{Mode, Row, http2, row},
    see::See::{self, Field, Status},
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, location, expected) in LOCATIONS {
        let expected: &[See] = &[Status(302), Field("location", expected)];
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
        let request = "GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n";
        rows.push(row(name, "RFC 9110, 10.2.2").sends(request).answers(&answer).arrives(&[]).gets(expected));
        let row = row(&format!("{name}_h2"), "RFC 9110, 10.2.2").sends_http2(http2("GET", "{path}"));
        rows.push(row.answers(&answer).arrives(&[]).gets(expected));
    }
    let answer = "HTTP/1.1 201 Created\r\nContent-Location: http://{backend}/api/v1/x\r\nContent-Length: 0\r\n\r\n";
    rows.push(
        row("content_location", "RFC 9110, 8.7")
            .sends("POST {path} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .answers(answer)
            .arrives(&[])
            .gets(&[Status(201), Field("content-location", "/api/v1/x")]),
    );
    rows.push(
        row("own_host_if_it_is_preserved", "RFC 9110, 10.2.2")
            .mode(Mode::PreserveHost)
            .sends("GET {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            .answers("HTTP/1.1 302 Found\r\nLocation: http://shop.example/api/v1/x\r\nContent-Length: 0\r\n\r\n")
            .arrives(&[])
            .gets(&[Status(302), Field("location", "http://shop.example/api/v1/x")]),
    );
    rows
}

#[rustfmt::skip]
const LOCATIONS: &[(&str, &str, &str)] = &[
    ("backend_address", "http://{backend}/api/v1/x?y=1", "/api/v1/x?y=1"),
    ("backend_address_with_https", "https://{backend}/api/v1/x", "/api/v1/x"),
    ("backend_address_without_scheme", "//{backend}/api/v1/x", "/api/v1/x"),
    ("backend_address_with_user", "http://user:secret@{backend}/api/v1/x", "/api/v1/x"),
    ("backend_address_alone", "http://{backend}", "/"),
    // Without the dot, `evil` would be the host.
    ("backend_address_before_double_slash", "http://{backend}//evil.example/x", "/.//evil.example/x"),
    ("backend_address_and_backslash", "http://{backend}\\evil.example/x", "/./\\evil.example/x"),
    ("backend_address_before_backslash", "http://{backend}/\\evil.example/x", "/./\\evil.example/x"),
    ("relative_path", "/api/v1/x", "/api/v1/x"),
    ("relative_reference", "../x", "../x"),
    ("other_host", "https://other.example/x", "https://other.example/x"),
    ("backend_address_as_name", "http://{backend}.example/x", "http://{backend}.example/x"),
    ("backend_address_in_query", "http://other.example/?to=http://{backend}/x", "http://other.example/?to=http://{backend}/x"),
    ("high_byte", "/api/v1/\u{e4}", "/api/v1/\u{e4}"),
];

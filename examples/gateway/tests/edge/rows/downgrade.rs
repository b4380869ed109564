//! From HTTP/2 to HTTP/1.1 (RFC 9113, 8): the duties of an intermediary, and what would split a request.

use crate::{
    row::{Request, Row, http2, row},
    see::{
        MALFORMED,
        See::{self, AnyOf, Body, Broken, Field, FieldStart, No, NoTrailer, Optional, Status},
    },
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = forwarded();
    rows.extend(MALFORMED_FIELDS.iter().map(|(name, field, value)| {
        row(name, "RFC 9113, 8.2.1").sends_http2(http2("GET", "{path}").field(field, value)).malformed()
    }));
    rows.extend(pseudo_fields());
    rows.extend(trailers());
    rows
}

fn forwarded() -> Vec<Row> {
    let get = || http2("GET", "{path}");
    let forwards = |name: &str, request: Request, arrives: &[See]| {
        row(name, "RFC 9113, 8.2").sends_http2(request).arrives(arrives).gets(&[Status(200)])
    };
    let crumbs = get().field("cookie", "a=1").field("cookie", "b=2").field("cookie", "c=3");
    let apart = get().field("cookie", "a=1").field("x-between", "1").field("cookie", "b=2");
    let large = "x".repeat(9_000);
    vec![
        forwards("one_cookie", get().field("cookie", "a=1; b=2"), &[Field("cookie", "a=1; b=2")]),
        forwards("cookies_are_joined", crumbs, &[Field("cookie", "a=1; b=2; c=3")]),
        forwards("cookies_apart_are_joined", apart, &[Field("cookie", "a=1; b=2")]),
        forwards("other_lines_stay", get().field("x-a", "1").field("x-a", "2"), &[See::Lines("x-a", &["1", "2"])]),
        forwards("version_in_via", get(), &[FieldStart("via", "2.0 gateway-"), Field("host", "{backend}")]),
        forwards("high_bytes_stay", get().field("x-a", "a\u{ff}b"), &[Field("x-a", "a\u{ff}b")]),
        forwards("empty_value", get().field("x-a", ""), &[Field("x-a", "")]),
        forwards(
            "continuation",
            get().field("x-a", &large).field("x-b", &large).field("x-c", "1"),
            &[Field("x-c", "1")],
        ),
        forwards("te_trailers", get().field("te", "trailers"), &[Field("te", "trailers")]),
        forwards("no_connection_of_http1", get(), &[No("connection"), No("keep-alive"), No("transfer-encoding")]),
    ]
}

fn pseudo_fields() -> Vec<Row> {
    let get = || http2("GET", "{path}");
    let ordered = |fields: &[(&str, &str)]| Request {
        fields: fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        ..get()
    };
    let regular_first =
        ordered(&[("x-a", "1"), (":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "{path}")]);
    let path_twice = ordered(&[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", "{path}"),
        (":path", "{path}/second"),
    ]);
    let cases = [
        ("pseudo_field_after_regular", regular_first),
        ("path_twice", path_twice),
        ("unknown_pseudo_field", get().field(":x", "1")),
        ("pseudo_field_of_answers", get().field(":status", "200")),
        ("no_method", get().without(":method")),
        ("no_scheme", get().without(":scheme")),
        ("no_path", get().without(":path")),
        ("second_request_in_authority", get().field(":authority", "a\r\n\r\nGET /x HTTP/1.1\r\n")),
        ("scheme_with_url", get().field(":scheme", "http://evil.example/?")),
    ];
    cases.map(|(name, request)| row(name, "RFC 9113, 8.3").sends_http2(request).malformed()).into()
}

/// A part of the body may have left before the trailers show the fault.
fn trailers() -> Vec<Row> {
    let post = || http2("POST", "{path}").data("abc");
    let cases = [
        ("capitals_in_trailers", post().trailer("X-A", "1")),
        ("line_end_in_trailers", post().trailer("x-a", "1\r\n\r\nGET /x HTTP/1.1\r\n\r\n")),
        ("high_byte_in_name_of_trailers", post().trailer("x-\u{e4}", "1")),
        ("connection_in_trailers", post().trailer("connection", "close")),
    ];
    let refused = |(name, request)| {
        row(name, "RFC 9113, 8.1").sends_http2(request).arrives(&[Optional, Broken]).gets(&[MALFORMED])
    };
    let mut rows: Vec<_> = cases.map(refused).into();
    rows.push(
        row("quote_in_name_of_trailers", "RFC 9110, 5.1")
            .sends_http2(post().field("trailer", "x-b").trailer("x-\"a", "1").trailer("x-b", "1"))
            .arrives(&[Body("abc"), NoTrailer("x-\"a"), See::Trailer("x-b", "1")])
            .gets(&[Status(200)]),
    );
    // The h2 crate removes pseudo-fields from trailers instead of refusing them.
    rows.push(
        row("pseudo_field_in_trailers", "RFC 9113, 8.1")
            .sends_http2(post().trailer(":path", "/x"))
            .arrives(&[Optional, AnyOf(&[&[Broken], &[Body("abc"), NoTrailer(":path")]])])
            .gets(&[AnyOf(&[&[MALFORMED], &[Status(200)]])]),
    );
    rows
}

#[rustfmt::skip]
const MALFORMED_FIELDS: &[(&str, &str, &str)] = &[
    ("capitals_in_name", "X-A", "1"),
    ("space_in_name", "x a", "1"),
    ("colon_in_name", "x-a: 1", "1"),
    ("line_end_in_name", "x-a: 1\r\nx-b", "1"),
    ("second_request_in_name", "x-a: 1\r\n\r\nGET /x HTTP/1.1\r\nx-b", "1"),
    ("high_byte_in_name", "x-\u{e4}", "1"),
    ("quote_in_name", "x-\"a", "1"),
    ("empty_name", "", "1"),
    ("line_end_in_value", "x-a", "1\r\nx-b: 2"),
    ("bare_lf_in_value", "x-a", "1\nx-b: 2"),
    ("bare_cr_in_value", "x-a", "1\rx-b: 2"),
    ("nul_in_value", "x-a", "1\u{0}"),
    ("second_request_in_value", "x-a", "1\r\n\r\nGET {path}/second HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("space_before_value", "x-a", " 1"),
    ("space_after_value", "x-a", "1 "),
    ("tab_after_value", "x-a", "1\t"),
    ("connection", "connection", "close"),
    ("keep_alive", "keep-alive", "timeout=5"),
    ("proxy_connection", "proxy-connection", "keep-alive"),
    ("transfer_encoding", "transfer-encoding", "chunked"),
    ("transfer_encoding_identity", "transfer-encoding", "identity"),
    ("upgrade", "upgrade", "h2c"),
    ("te_other_than_trailers", "te", "gzip"),
    ("te_trailers_and_more", "te", "trailers, gzip"),
];

//! The target of a request (RFC 9112, 3.2), its method, and `Max-Forwards`.

use crate::{
    row::{Row, http2, row},
    see::See::{self, AnyOf, Broken, Field, Line, Status, StatusIn},
};

const REFUSED_BY_HTTP2: See = AnyOf(&[&[Broken], &[StatusIn(&[400, 404, 405, 501])]]);

fn request(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
}

pub(crate) fn rows() -> Vec<Row> {
    [forwarded(), refused(), connect(), trace(), max_forwards(), over_http2()].into_iter().flatten().collect()
}

fn forwarded() -> Vec<Row> {
    #[rustfmt::skip]
    const TARGETS: &[(&str, &str, &str)] = &[
        ("origin_form", "GET {path}/a", "GET {path}/a HTTP/1.1"),
        ("query", "GET {path}?q=a%20b+c&q=%26&empty=", "GET {path}?q=a%20b+c&q=%26&empty= HTTP/1.1"),
        ("empty_query", "GET {path}?", "GET {path}? HTTP/1.1"),
        ("question_mark_in_query", "GET {path}?a?b=/../c", "GET {path}?a?b=/../c HTTP/1.1"),
        ("absolute_form", "GET http://shop.example{path}/a", "GET {path}/a HTTP/1.1"),
        ("absolute_form_of_other_host", "GET http://evil.example{path}/a", "GET {path}/a HTTP/1.1"),
        ("url_in_path", "GET {path}/http://evil.example/", "GET {path}/http://evil.example/ HTTP/1.1"),
        ("at_sign_in_path", "GET {path}/@evil.example", "GET {path}/@evil.example HTTP/1.1"),
        ("own_method", "PURGE {path}", "PURGE {path} HTTP/1.1"),
        ("method_in_small_letters", "get {path}", "get {path} HTTP/1.1"),
        ("method_of_token_characters", "M!#$%&'*+-.^_`| {path}", "M!#$%&'*+-.^_`| {path} HTTP/1.1"),
    ];
    let row = |(name, line, arrives): &(&str, &str, &'static str)| {
        let arrives = [Line(arrives), Field("host", "{backend}")];
        row(name, "RFC 9112, 3.2").sends(&request(line)).arrives(&arrives).gets(&[Status(200)])
    };
    TARGETS.iter().map(row).collect()
}

fn refused() -> Vec<Row> {
    #[rustfmt::skip]
    const LINES: &[(&str, &str)] = &[
        ("authority_form_of_get", "GET shop.example:80"),
        ("asterisk_of_get", "GET *"),
        ("asterisk_of_options", "OPTIONS *"),
        ("no_slash", "GET api/v1/x"),
        ("no_target", "GET"),
        ("empty_target", "GET "),
        ("space_in_target", "GET {path} /a"),
        ("tab_in_target", "GET {path}\t/a"),
        ("two_spaces_before_target", "GET  {path}"),
        ("nul_in_target", "GET {path}\u{0}"),
        ("control_character_in_target", "GET {path}\u{1}"),
        ("delete_character_in_target", "GET {path}\u{7f}"),
        ("high_byte_in_path", "GET {path}/\u{e4}"),
        ("utf_8_in_path", "GET {path}/\u{c3}\u{a4}"),
        ("angle_bracket_in_path", "GET {path}/<x>"),
        ("other_path", "GET /other"),
        ("other_path_in_absolute_form", "GET http://shop.example/other"),
        ("double_slash_before_prefix", "GET //api/v1/x"),
        ("method_with_high_byte", "G\u{cb}T {path}"),
        ("method_with_colon", "GET: {path}"),
        ("method_with_parenthesis", "GET( {path}"),
        ("no_method", " {path}"),
        ("tab_after_method", "GET\t{path}"),
    ];
    let mut rows: Vec<_> = LINES
        .iter()
        .map(|(name, line)| row(name, "RFC 9112, 3").sends(&request(line)).refused(&[400, 404, 405, 501]))
        .collect();
    let long = request(&format!("GET {{path}}/{}", "a".repeat(70_000)));
    rows.push(row("long_target", "RFC 9112, 3").sends(&long).refused(&[414, 431]));
    rows
}

/// A gateway is no tunnel, and CONNECT has the authority form only.
fn connect() -> Vec<Row> {
    #[rustfmt::skip]
    const LINES: &[(&str, &str, &[u16])] = &[
        ("connect_path", "CONNECT {path}", &[400]),
        ("connect_path_with_dot_segments", "CONNECT {path}/../../x", &[400]),
        ("connect_authority", "CONNECT shop.example:443", &[405]),
        ("connect_url", "CONNECT http://shop.example{path}", &[400]),
        ("connect_backend", "CONNECT {backend}", &[405]),
    ];
    let row = |(name, line, status): &(&str, &str, &'static [u16])| {
        row(name, "RFC 9110, 9.3.6").sends(&request(line)).refused(status)
    };
    LINES.iter().map(row).collect()
}

/// The answer would show what the gateway adds to a request: addresses, `Host` of the backend, `Via`.
fn trace() -> Vec<Row> {
    let refused: &[See] = &[Status(405), Field("allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")];
    let line = request("TRACE {path}");
    let counted = line.replace("Connection", "Max-Forwards: 5\r\nConnection");
    let last = line.replace("Connection", "Max-Forwards: 0\r\nConnection");
    let mut rows: Vec<_> = [("trace", line), ("trace_with_max_forwards", counted), ("last_forward_of_trace", last)]
        .into_iter()
        .map(|(name, text)| row(name, "RFC 9110, 9.3.8").sends(&text).gets(refused))
        .collect();
    rows.push(row("h2_trace", "RFC 9110, 9.3.8").sends_http2(http2("TRACE", "{path}")).gets(&[Status(405)]));
    rows
}

fn max_forwards() -> Vec<Row> {
    let with = |method: &str, value: &str| {
        format!("{method} {{path}} HTTP/1.1\r\nHost: a\r\nMax-Forwards: {value}\r\nConnection: close\r\n\r\n")
    };
    let counted = row("max_forwards_of_options", "RFC 9110, 7.6.2").sends(&with("OPTIONS", "5"));
    // The gateway is the final recipient.
    let last = row("last_forward_of_options", "RFC 9110, 7.6.2").sends(&with("OPTIONS", "0"));
    let get = row("max_forwards_of_get", "RFC 9110, 7.6.2").sends(&with("GET", "0"));
    vec![
        counted.arrives(&[Field("max-forwards", "4")]).gets(&[Status(200)]),
        last.gets(&[Status(200)]),
        get.arrives(&[Line("GET {path} HTTP/1.1")]).gets(&[Status(200)]),
    ]
}

fn over_http2() -> Vec<Row> {
    let mut rows = vec![
        row("h2_path_and_query", "RFC 9113, 8.3.1")
            .sends_http2(http2("GET", "{path}/a%20b?c=%26"))
            .arrives(&[Line("GET {path}/a%20b?c=%26 HTTP/1.1"), Field("host", "{backend}")])
            .gets(&[Status(200)]),
        row("h2_scheme_https", "RFC 9113, 8.3.1")
            .sends_http2(http2("GET", "{path}").field(":scheme", "https"))
            .arrives(&[Field("x-forwarded-proto", "http")])
            .gets(&[Status(200)]),
        row("h2_max_forwards", "RFC 9110, 7.6.2")
            .sends_http2(http2("OPTIONS", "{path}").field("max-forwards", "1"))
            .arrives(&[Field("max-forwards", "0")])
            .gets(&[Status(200)]),
        row("h2_last_forward", "RFC 9110, 7.6.2")
            .sends_http2(http2("OPTIONS", "{path}").field("max-forwards", "0"))
            .gets(&[Status(200)]),
    ];
    const REFUSED: &[(&str, &str)] = &[
        ("h2_empty_path", ""),
        ("h2_asterisk", "*"),
        ("h2_path_without_slash", "api/v1/x"),
        ("h2_url_as_path", "http://shop.example{path}"),
        ("h2_space_in_path", "{path} HTTP/1.1"),
        ("h2_second_request_in_path", "{path} HTTP/1.1\r\nHost: a\r\n\r\nGET {path}/second"),
        ("h2_nul_in_path", "{path}\u{0}"),
        ("h2_high_byte_in_path", "{path}/\u{e4}"),
        ("h2_other_path", "/other"),
    ];
    for (name, path) in REFUSED {
        rows.push(row(name, "RFC 9113, 8.3.1").sends_http2(http2("GET", path)).gets(&[REFUSED_BY_HTTP2]));
    }
    const METHODS: &[(&str, &str)] = &[
        ("h2_space_in_method", "GET /x"),
        ("h2_second_request_in_method", "GET {path} HTTP/1.1\r\n\r\nGET"),
        ("h2_empty_method", ""),
        ("h2_high_byte_in_method", "G\u{cb}T"),
    ];
    for (name, method) in METHODS {
        rows.push(row(name, "RFC 9113, 8.3.1").sends_http2(http2(method, "{path}")).malformed());
    }
    let connect = http2("CONNECT", "{path}").field(":authority", "shop.example:443");
    rows.push(row("h2_connect_with_path", "RFC 9113, 8.5").sends_http2(connect.clone()).gets(&[REFUSED_BY_HTTP2]));
    let connect = connect.without(":path").without(":scheme");
    rows.push(row("h2_connect", "RFC 9113, 8.5").sends_http2(connect).gets(&[REFUSED_BY_HTTP2]));
    let extended = http2("CONNECT", "{path}").field(":protocol", "websocket");
    rows.push(row("h2_extended_connect", "RFC 8441, 4").sends_http2(extended).gets(&[REFUSED_BY_HTTP2]));
    rows
}

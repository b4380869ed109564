//! Versions of HTTP on both sides (RFC 9110, 2.5; RFC 9112, 2.3), keep-alive and pipelining.

use crate::{
    row::{OK, Row, Step, http2, row},
    see::See::{self, Body, Broken, Field, FieldStart, Line, LineStart, No, Optional, Status, StatusIn},
};

pub(crate) fn rows() -> Vec<Row> {
    [clients(), refused(), many_requests(), backends()].into_iter().flatten().collect()
}

fn clients() -> Vec<Row> {
    let own_version = [Line("GET {path} HTTP/1.1"), Field("host", "{backend}")];
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    vec![
        row("http_1_0", "RFC 9110, 2.5")
            .sends("GET {path} HTTP/1.0\r\nHost: a\r\n\r\n")
            .arrives(&[&own_version[..], &[FieldStart("via", "1.0 gateway-"), No("connection")]].concat())
            .gets(&[Status(200), Body("ok")]),
        // A client of HTTP/1.0 does not know chunks.
        row("http_1_0_gets_no_chunks", "RFC 9112, 6.1")
            .sends("GET {path} HTTP/1.0\r\nHost: a\r\n\r\n")
            .answers(chunked)
            .arrives(&own_version)
            .gets(&[Status(200), Body("abc"), No("transfer-encoding")]),
        row("http_1_0_with_body", "RFC 9112, 6.2")
            .sends("POST {path} HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc")
            .arrives(&[Line("POST {path} HTTP/1.1"), Body("abc")])
            .gets(&[Status(200)]),
        row("http_1_1", "RFC 9110, 2.5")
            .sends("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .arrives(&[&own_version[..], &[FieldStart("via", "1.1 gateway-")]].concat())
            .gets(&[LineStart("HTTP/1.1 200 "), Body("ok")]),
        row("http_2", "RFC 9113, 3.3")
            .sends_http2(http2("GET", "{path}"))
            .arrives(&[&own_version[..], &[FieldStart("via", "2.0 gateway-")]].concat())
            .gets(&[Line("HTTP/2 200"), Body("ok"), No("connection"), No("transfer-encoding")]),
        row("empty_line_before_request", "RFC 9112, 2.2")
            .sends("\r\nGET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .arrives(&own_version)
            .gets(&[Status(200)]),
        // A single LF may end a line, or it is refused. The backend gets CRLF.
        row("bare_line_feeds", "RFC 9112, 2.2")
            .sends("GET {path} HTTP/1.1\nHost: a\nConnection: close\n\n")
            .arrives(&[&[Optional], &own_version[..]].concat())
            .gets(&[StatusIn(&[200, 400])]),
        row("upgrade_to_h2c_is_not_taken", "RFC 9113, 3.1")
            .sends(
                "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close, http2-settings\r\nUpgrade: h2c\r\n\
                 HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
            )
            .arrives(&[No("upgrade"), No("http2-settings")])
            .gets(&[Status(200)]),
    ]
}

fn refused() -> Vec<Row> {
    #[rustfmt::skip]
    const LINES: &[(&str, &str)] = &[
        ("no_version", "GET {path}"),
        ("version_0_9", "GET {path} HTTP/0.9"),
        ("version_2_0", "GET {path} HTTP/2.0"),
        ("version_1", "GET {path} HTTP/1"),
        ("version_1_10", "GET {path} HTTP/1.10"),
        ("version_in_small_letters", "GET {path} http/1.1"),
        ("other_protocol", "GET {path} ICY/1.1"),
        ("space_after_version", "GET {path} HTTP/1.1 "),
        ("text_after_version", "GET {path} HTTP/1.1 x"),
        ("two_versions", "GET {path} HTTP/1.1 HTTP/1.1"),
    ];
    let refused = |(name, line): &(&str, &str)| {
        let request = format!("{line}\r\nHost: a\r\nConnection: close\r\n\r\n");
        row(name, "RFC 9112, 2.3").sends(&request).refused(&[400, 505])
    };
    LINES.iter().map(refused).collect()
}

fn many_requests() -> Vec<Row> {
    let get = |path: &str, last: &str| format!("GET {{path}}/{path} HTTP/1.1\r\nHost: a\r\n{last}\r\n");
    let close = "Connection: close\r\n";
    let post = "POST {path}/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
    let path = |line: &'static str| vec![Line(line)];
    vec![
        row("pipelined", "RFC 9112, 9.3.2")
            .sends(&(get("1", "") + &get("2", "") + &get("3", close)))
            .arrives(&path("GET {path}/1 HTTP/1.1"))
            .arrives(&path("GET {path}/2 HTTP/1.1"))
            .arrives(&path("GET {path}/3 HTTP/1.1"))
            .gets(&[Status(200)])
            .gets(&[Status(200)])
            .gets(&[Status(200)]),
        row("pipelined_after_body", "RFC 9112, 9.3.2")
            .sends(&(post.to_owned() + &get("2", close)))
            .arrives(&[Line("POST {path}/1 HTTP/1.1"), Body("abc")])
            .arrives(&path("GET {path}/2 HTTP/1.1"))
            .gets(&[Status(200)])
            .gets(&[Status(200)]),
        row("nothing_after_close", "RFC 9112, 9.6")
            .sends(&(get("1", close) + &get("2", "")))
            .arrives(&path("GET {path}/1 HTTP/1.1"))
            .gets(&[Status(200)]),
        row("nothing_after_request_of_http_1_0", "RFC 9112, 9.3")
            .sends(&("GET {path}/1 HTTP/1.0\r\n\r\n".to_owned() + &get("2", "")))
            .arrives(&path("GET {path}/1 HTTP/1.1"))
            .gets(&[Status(200)]),
        row("kept_alive_by_http_1_0", "RFC 9112, 9.3")
            .sends(&("GET {path}/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".to_owned() + &get("2", close)))
            .arrives(&path("GET {path}/1 HTTP/1.1"))
            .arrives(&path("GET {path}/2 HTTP/1.1"))
            .gets(&[Status(200)])
            .gets(&[Status(200)]),
        row("next_request_after_refusal_of_path", "RFC 9112, 9.3")
            .sends(&("GET /other HTTP/1.1\r\nHost: a\r\n\r\n".to_owned() + &get("2", close)))
            .arrives(&path("GET {path}/2 HTTP/1.1"))
            .gets(&[Status(404)])
            .gets(&[Status(200)]),
        row("backend_is_kept_alive", "RFC 9112, 9.3")
            .sends(&(get("1", "") + &get("2", close)))
            .backend(&[Step::Request, Step::Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned())])
            .arrives(&path("GET {path}/1 HTTP/1.1"))
            .arrives(&path("GET {path}/2 HTTP/1.1"))
            .gets(&[Status(200), Body("ok")])
            .gets(&[Status(200), Body("ok")]),
    ]
}

/// What the version of a backend is stays between the gateway and the backend (RFC 9112, 2.3).
fn backends() -> Vec<Row> {
    let get = "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = |name: &str, answer: &str, gets: &[See]| {
        row(name, "RFC 9112, 2.3").sends(get).answers(answer).arrives(&[]).gets(gets)
    };
    let whole = [LineStart("HTTP/1.1 200"), Body("abc"), FieldStart("via", "1.0 gateway-")];
    let old = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc";
    let old_without_length = "HTTP/1.0 200 OK\r\n\r\nabc";
    let mut rows = vec![
        answers("backend_of_http_1_0", old, &whole),
        answers("backend_of_http_1_0_without_length", old_without_length, &whole),
        answers("backend_of_http_1_0_is_cut", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabc", &[Broken]),
        answers("backend_of_http_2_0", "HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
        answers("backend_of_another_protocol", "ICY 200 OK\r\n\r\nabc", &[Status(502)]),
        answers("backend_says_nothing", "", &[Status(502)]),
        answers("backend_close_ends_body", "HTTP/1.1 200 OK\r\n\r\nabc", &[LineStart("HTTP/1.1 200"), Body("abc")]),
    ];
    let over_http2 = row("backend_of_http_1_0_over_h2", "RFC 9113, 8").sends_http2(http2("GET", "{path}"));
    rows.push(over_http2.answers(old).arrives(&[]).gets(&[Line("HTTP/2 200"), Body("abc"), No("connection")]));
    let reason = OK.replace("OK\r\n", "Everything is fine\r\n");
    rows.push(answers("reason_phrase", &reason, &[Status(200), Body("ok")]));
    rows
}

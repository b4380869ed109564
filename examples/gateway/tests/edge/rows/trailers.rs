//! Trailers (RFC 9110, 6.5), in both directions and between versions.

use crate::{
    row::{Row, http2, row},
    see::See::{self, Body, NoTrailer, Status, Trailer},
};

pub(crate) fn rows() -> Vec<Row> {
    [of_requests(), of_answers()].into_iter().flatten().collect()
}

fn request(name: &str, announced: bool, trailers: &[(&str, &str)], arrives: &[See]) -> [Row; 2] {
    let names: Vec<_> = trailers.iter().map(|(name, _)| *name).collect();
    let trailer = if announced { format!("Trailer: {}\r\n", names.join(", ")) } else { String::new() };
    let lines: String = trailers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let first = format!(
        "POST {{path}} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{trailer}Transfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n0\r\n{lines}\r\n"
    );
    let mut second = http2("POST", "{path}").data("abc");
    if announced {
        second = second.field("trailer", &names.join(", "));
    }
    let second = trailers.iter().fold(second, |request, (name, value)| request.trailer(name, value));
    let arrives = [&[Body("abc")], arrives].concat();
    [
        row(name, "RFC 9110, 6.5").sends(&first).arrives(&arrives).gets(&[Status(200)]),
        row(&format!("{name}_h2"), "RFC 9110, 6.5").sends_http2(second).arrives(&arrives).gets(&[Status(200)]),
    ]
}

fn of_requests() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(request("announced", true, &[("x-sum", "42")], &[Trailer("x-sum", "42")]));
    // hyper encodes the trailers that `Trailer` names, and drops the others (RFC 9110, 6.5.1, permits it). Over HTTP/1.1 it
    // must know the names when it writes the head.
    rows.extend(request("not_announced", false, &[("x-sum", "42")], &[NoTrailer("x-sum")]));
    rows.extend(request("high_byte", true, &[("x-sum", "\u{ff}")], &[Trailer("x-sum", "\u{ff}")]));
    for name in FORBIDDEN {
        let trailers = [(*name, "1"), ("x-sum", "42")];
        let arrives = [NoTrailer(name), Trailer("x-sum", "42")];
        let [first, second] = request(&format!("forbidden_{name}"), true, &trailers, &arrives);
        rows.push(first);
        // These make a request of HTTP/2 malformed.
        if !["connection", "keep-alive", "te", "transfer-encoding", "upgrade"].contains(name) {
            rows.push(second);
        }
    }
    rows
}

fn of_answers() -> Vec<Row> {
    let mut rows = Vec::new();
    for (suffix, te) in [("", "TE: trailers\r\n"), ("_not_asked_for", "")] {
        for (name, announced) in [("answer_announced", "Trailer: x-sum\r\n"), ("answer_not_announced", "")] {
            let request = format!("GET {{path}} HTTP/1.1\r\nHost: a\r\n{te}Connection: close\r\n\r\n");
            let gets = [Status(200), Body("abc")];
            // Trailers may be dropped if the client does not say that it reads them (RFC 9110, 6.5.1). hyper drops those
            // that are not announced, too.
            let is_dropped = te.is_empty() || announced.is_empty();
            let trailer = if is_dropped { NoTrailer("x-sum") } else { Trailer("x-sum", "42") };
            let gets = [&gets[..], &[trailer]].concat();
            let row = row(&format!("{name}{suffix}"), "RFC 9110, 6.5.1").sends(&request);
            rows.push(row.answers(&answer(announced, "x-sum: 42\r\n")).arrives(&[]).gets(&gets));
        }
    }
    for (name, announced) in [("answer_announced_h2", "Trailer: x-sum\r\n"), ("answer_not_announced_h2", "")] {
        let row = row(name, "RFC 9113, 8.1").sends_http2(http2("GET", "{path}").field("te", "trailers"));
        let gets = [Status(200), Body("abc"), Trailer("x-sum", "42")];
        rows.push(row.answers(&answer(announced, "x-sum: 42\r\n")).arrives(&[]).gets(&gets));
    }
    for name in FORBIDDEN.iter().chain(&["set-cookie", "x-served-by", "x-degraded", "proxy-authenticate"]) {
        let announced = format!("Trailer: x-sum, {name}\r\n");
        let answer = answer(&announced, &format!("{name}: 1\r\nx-sum: 42\r\n"));
        let request = "GET {path} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n";
        let gets = [Status(200), Body("abc"), NoTrailer(name), Trailer("x-sum", "42")];
        let first = row(&format!("answer_forbidden_{name}"), "RFC 9110, 6.5.1").sends(request);
        rows.push(first.answers(&answer).arrives(&[]).gets(&gets));
        let second = row(&format!("answer_forbidden_{name}_h2"), "RFC 9110, 6.5.1");
        let second = second.sends_http2(http2("GET", "{path}").field("te", "trailers"));
        rows.push(second.answers(&answer).arrives(&[]).gets(&gets));
    }
    rows
}

fn answer(announced: &str, trailers: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\n{announced}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         3\r\nabc\r\n0\r\n{trailers}\r\n"
    )
}

/// Framing, routing, authentication and control data do not belong into trailers (RFC 9110, 6.5.1).
const FORBIDDEN: &[&str] = &[
    "connection",
    "content-length",
    "transfer-encoding",
    "host",
    "cookie",
    "authorization",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "forwarded",
    "via",
    "keep-alive",
    "te",
    "upgrade",
];

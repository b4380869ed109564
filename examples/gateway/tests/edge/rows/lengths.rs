//! The length of a request's body (RFC 9112, 6).

use crate::{
    row::{Row, Step, http2, row},
    see::See::{self, AnyOf, Body, Broken, Field, No, Optional, Status, StatusIn},
};

/// Returns the text of a request with these lines after `Host`.
fn request(method: &str, lines: &str, body: &str) -> String {
    format!("{method} {{path}} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{lines}\r\n{body}")
}

pub(crate) fn rows() -> Vec<Row> {
    [accepted(), both(), refused(), without_body(), cut(), over_http2()].into_iter().flatten().collect()
}

fn accepted() -> Vec<Row> {
    let one = &[Body("abc"), Field("content-length", "3"), No("transfer-encoding")];
    let accepts = |name: &str, rfc, lines: &str| {
        row(name, rfc).sends(&request("POST", lines, "abc")).arrives(one).gets(&[Status(200)])
    };
    let chunked = &[Body("abc"), Field("transfer-encoding", "chunked"), No("content-length")];
    let mut rows = vec![
        row("length_with_zeros", "RFC 9110, 8.6")
            .sends(&request("POST", "Content-Length: 0003\r\n", "abc"))
            .arrives(&[Body("abc"), AnyOf(&[&[Field("content-length", "3")], &[Field("content-length", "0003")]])])
            .gets(&[Status(200)]),
        accepts("length", "RFC 9112, 6.2", "Content-Length: 3\r\n"),
        accepts("length_in_spaces", "RFC 9112, 5.1", "Content-Length: \t 3 \r\n"),
        accepts("same_length_twice", "RFC 9110, 8.6", "Content-Length: 3\r\nContent-Length: 3\r\n"),
        // A name with an underscore is another field.
        accepts("underscore_is_no_coding", "RFC 9110, 5.1", "Content-Length: 3\r\nTransfer_Encoding: chunked\r\n"),
    ];
    for (name, coding) in [("chunked", "chunked"), ("chunked_in_capitals", "CHUNKED")] {
        let lines = format!("Transfer-Encoding: {coding}\r\n");
        let request = request("POST", &lines, "3\r\nabc\r\n0\r\n\r\n");
        rows.push(row(name, "RFC 9112, 7").sends(&request).arrives(chunked).gets(&[Status(200)]));
    }
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"] {
        let whole = request(method, "Content-Length: 3\r\n", "abc");
        rows.push(row(&format!("body_of_{method}"), "RFC 9110, 9.3").sends(&whole).arrives(one).gets(&[Status(200)]));
        let chunks = request(method, "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n");
        let name = format!("chunked_body_of_{method}");
        rows.push(row(&name, "RFC 9112, 6.1").sends(&chunks).arrives(&[Body("abc")]).gets(&[Status(200)]));
    }
    rows
}

/// The coding overrides the length, which hyper removes before anything of the gateway sees it. The connection closes, so
/// that what follows is not a second request: the second request here must neither arrive nor get an answer.
fn both() -> Vec<Row> {
    let arrives = &[Body("abc"), Field("transfer-encoding", "chunked"), No("content-length")];
    let lines = [
        "Content-Length: 14\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 14\r\n",
    ];
    let names = ["length_before_chunked", "length_after_chunked"];
    names
        .into_iter()
        .zip(lines)
        .map(|(name, lines)| {
            let first = format!("POST {{path}} HTTP/1.1\r\nHost: a\r\n{lines}\r\n3\r\nabc\r\n0\r\n\r\n");
            let second = "GET {path}/second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            row(name, "RFC 9112, 6.1").sends(&(first + second)).arrives(arrives).gets(&[Status(200)])
        })
        .collect()
}

fn refused() -> Vec<Row> {
    const LENGTHS: &[(&str, &str)] = &[
        ("different_lengths", "3\r\nContent-Length: 4"),
        ("list_of_lengths", "3, 4"),
        ("empty_length", ""),
        ("negative_length", "-3"),
        ("length_with_plus", "+3"),
        ("hexadecimal_length", "0x3"),
        ("length_with_suffix", "3a"),
        ("two_numbers", "3 3"),
        ("length_with_comma", "3,"),
        ("length_with_quotes", "\"3\""),
        ("length_with_point", "3.0"),
        ("length_beyond_64_bits", "18446744073709551619"),
        ("length_after_vertical_tab", "\u{b}3"),
        ("length_before_form_feed", "3\u{c}"),
    ];
    const CODINGS: &[(&str, &str)] = &[
        ("identity", "identity"),
        ("unknown_coding", "x"),
        ("chunked_not_last", "chunked, gzip"),
        ("chunked_not_last_by_line", "chunked\r\nTransfer-Encoding: identity"),
        ("empty_coding", ""),
        ("chunked_after_vertical_tab", "\u{b}chunked"),
        ("chunked_before_vertical_tab", "chunked\u{b}"),
        ("chunked_with_suffix", "chunkedx"),
        ("chunked_in_quotes", "\"chunked\""),
        ("chunked_with_high_byte", "\u{ff}chunked"),
        ("chunked_twice", "chunked, chunked"),
        ("coding_that_would_be_lost", "gzip, chunked"),
    ];
    let mut rows = Vec::new();
    for (name, value) in LENGTHS {
        let text = request("POST", &format!("Content-Length: {value}\r\n"), "abc");
        rows.push(row(name, "RFC 9112, 6.3").sends(&text).refused(&[400, 413]));
    }
    for (name, value) in CODINGS {
        for (suffix, length) in [("", ""), ("_with_length", "Content-Length: 3\r\n")] {
            let lines = format!("Transfer-Encoding: {value}\r\n{length}");
            let text = request("POST", &lines, "3\r\nabc\r\n0\r\n\r\n");
            rows.push(row(&format!("{name}{suffix}"), "RFC 9112, 6.1").sends(&text).refused(&[400, 501]));
        }
    }
    for (name, line) in [
        ("space_before_colon_of_length", "Content-Length : 3"),
        ("space_before_colon_of_coding", "Transfer-Encoding : chunked"),
        ("tab_before_colon_of_coding", "Transfer-Encoding\t: chunked"),
        ("folded_coding", "Transfer-Encoding:\r\n chunked"),
        ("coding_after_space", " Transfer-Encoding: chunked"),
        ("coding_after_bare_cr", "X: y\rTransfer-Encoding: chunked"),
    ] {
        let text = request("POST", &format!("{line}\r\n"), "3\r\nabc\r\n0\r\n\r\n");
        rows.push(row(name, "RFC 9112, 5.1").sends(&text).refused(&[400]));
    }
    let old = "POST {path} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    rows.push(row("chunked_from_http_1_0", "RFC 9112, 6.1").sends(old).refused(&[400]));
    rows
}

fn without_body() -> Vec<Row> {
    let mut rows = Vec::new();
    for method in ["POST", "PUT", "PATCH"] {
        let row = |name: &str, lines: &str, arrives: &[See]| {
            let row = row(&format!("{method}_{name}"), "RFC 9110, 8.6").sends(&request(method, lines, ""));
            row.arrives(&[&[Body(""), No("transfer-encoding")], arrives].concat()).gets(&[Status(200)])
        };
        rows.push(row("of_length_zero", "Content-Length: 0\r\n", &[Field("content-length", "0")]));
        rows.push(row("without_length", "", &[AnyOf(&[&[No("content-length")], &[Field("content-length", "0")]])]));
    }
    for method in ["GET", "HEAD", "OPTIONS"] {
        let row = row(&format!("{method}_without_length"), "RFC 9110, 8.6").sends(&request(method, "", ""));
        rows.push(row.arrives(&[Body(""), No("content-length"), No("transfer-encoding")]).gets(&[Status(200)]));
    }
    rows
}

/// A body that the client breaks off is never a whole one at the backend, and is the client's fault.
fn cut() -> Vec<Row> {
    let gets: &[See] = &[Optional, StatusIn(&[400, 408])];
    let length = "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc";
    let chunks = "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    [("cut_after_length", length), ("cut_between_chunks", chunks)]
        .into_iter()
        .map(|(name, text)| {
            let steps = [Step::Send(text.to_owned()), Step::Shutdown];
            row(name, "RFC 9112, 8").steps(&steps).arrives(&[Optional, Broken]).gets(gets)
        })
        .collect()
}

fn over_http2() -> Vec<Row> {
    let mut rows = vec![
        row("h2_length", "RFC 9113, 8.1.1")
            .sends_http2(http2("POST", "{path}").field("content-length", "3").data("abc"))
            .arrives(&[Body("abc"), Field("content-length", "3"), No("transfer-encoding")])
            .gets(&[Status(200)]),
        row("h2_without_length", "RFC 9112, 6.1")
            .sends_http2(http2("POST", "{path}").data("ab").data("c"))
            .arrives(&[
                Body("abc"),
                AnyOf(&[&[Field("transfer-encoding", "chunked")], &[Field("content-length", "3")]]),
            ])
            .gets(&[Status(200)]),
        row("h2_get_with_body", "RFC 9112, 6.1")
            .sends_http2(http2("GET", "{path}").data("abc"))
            .arrives(&[Body("abc")])
            .gets(&[Status(200)]),
        row("h2_get_without_body", "RFC 9110, 8.6")
            .sends_http2(http2("GET", "{path}"))
            .arrives(&[Body(""), No("content-length"), No("transfer-encoding")])
            .gets(&[Status(200)]),
        row("h2_get_with_empty_data", "RFC 9110, 8.6")
            .sends_http2(http2("GET", "{path}").data(""))
            .arrives(&[Body("")])
            .gets(&[Status(200)]),
    ];
    for method in ["POST", "PUT", "PATCH"] {
        let arrives = &[Body(""), Field("content-length", "0"), No("transfer-encoding")];
        let row = row(&format!("h2_{method}_without_body"), "RFC 9110, 8.6").sends_http2(http2(method, "{path}"));
        rows.push(row.arrives(arrives).gets(&[Status(200)]));
    }
    // The first part of a body may have left before the contradiction shows.
    let early: &[See] = &[Optional, Broken];
    for (name, length, data) in [
        ("h2_length_beyond_body", "4", &["abc"][..]),
        ("h2_length_below_body", "2", &["abc"]),
        ("h2_length_without_body", "3", &[]),
        ("h2_length_with_plus", "+3", &["abc"]),
        ("h2_length_list", "3, 3", &["abc"]),
        ("h2_length_beyond_64_bits", "18446744073709551619", &["abc"]),
    ] {
        let request = http2("POST", "{path}").field("content-length", length);
        let request = data.iter().fold(request, |request, data| request.data(data));
        rows.push(row(name, "RFC 9113, 8.1.1").sends_http2(request).arrives(early).malformed());
    }
    let two = http2("POST", "{path}").field("content-length", "3").field("content-length", "4").data("abc");
    rows.push(row("h2_different_lengths", "RFC 9113, 8.1.1").sends_http2(two).arrives(early).malformed());
    rows
}

//! Answers of the backend: their lengths (RFC 9112, 6.3), their ends, and what must not reach a client.

use crate::{
    row::{OK, Row, Step, http2, row},
    see::See::{self, AnyOf, Body, Broken, Field, LineStart, Lines, No, Optional, Status},
};

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, method, answer, gets) in ANSWERS {
        let request = format!("{method} {{path}} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        rows.push(row(name, "RFC 9112, 6.3").sends(&request).answers(answer).arrives(&[]).gets(gets));
        // A line of HTTP/2 has no reason, and the connection no fields.
        let row = row(&format!("{name}_h2"), "RFC 9113, 8.1").sends_http2(http2(method, "{path}"));
        let gets = gets.iter().filter(|see| !matches!(see, LineStart(_))).cloned().collect::<Vec<_>>();
        rows.push(row.answers(answer).arrives(&[]).gets(&gets));
    }
    for (name, number, status) in
        [("interim_answers_at_the_limit", 32, 200), ("interim_answers_above_the_limit", 33, 502)]
    {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(number);
        let row = row(name, "RFC 9110, 15.2").sends("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        rows.push(row.answers(&format!("{interim}{OK}")).arrives(&[]).interim(&[]).gets(&[Status(status)]));
    }
    for (name, start, endless, gets) in FLOODS {
        let request = "GET {path} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n";
        let steps = [Step::Request, Step::Send((*start).to_owned()), Step::Flood(endless.repeat(500))];
        let rows_of = [
            row(name, "RFC 9110, 17.5").sends(request),
            row(&format!("{name}_h2"), "RFC 9110, 17.5").sends_http2(http2("GET", "{path}")),
        ];
        rows.extend(rows_of.map(|row| row.backend(&steps).arrives(&[]).gets(gets)));
    }
    rows
}

/// What a backend sends without an end: how it begins, and what follows again and again.
#[rustfmt::skip]
const FLOODS: &[(&str, &str, &str, &[See])] = &[
    ("endless_interim_answers", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", &[Status(502)]),
    ("endless_fields", "HTTP/1.1 200 OK\r\n", "X-A: 1\r\n", &[Status(502)]),
    ("endless_value", "HTTP/1.1 200 OK\r\nX-A: ", "xxxxxxxxxxxxxxxx", &[Status(502)]),
    ("endless_reason", "HTTP/1.1 200 ", "xxxxxxxxxxxxxxxx", &[Status(502)]),
    ("endless_trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "X-A: 1\r\n", &[WRONG]),
    ("endless_extension", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;", "xxxxxxxxxxxxxxxx", &[Optional, WRONG]),
];

/// An answer that is wrong is never taken for a whole one.
const WRONG: See = AnyOf(&[&[Status(502)], &[Broken]]);

/// The coding counts, or the answer is refused.
const CODING_COUNTS: See = AnyOf(&[&[Status(200), Body("0123456789"), No("content-length")], &[Status(502)]]);

#[rustfmt::skip]
const ANSWERS: &[(&str, &str, &str, &[See])] = &[
    // Lengths.
    ("length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[LineStart("HTTP/1.1 200"), Status(200), Body("abc"), Field("content-length", "3")]),
    ("chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", &[Status(200), Body("abc"), No("content-length")]),
    ("both_lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", &[CODING_COUNTS]),
    ("both_lengths_coding_first", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", &[CODING_COUNTS]),
    ("both_lengths_of_which_one_is_zero", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", &[CODING_COUNTS]),
    ("both_lengths_beyond_body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", &[CODING_COUNTS]),
    ("both_lengths_different_too", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n", &[CODING_COUNTS]),
    ("same_length_twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", &[AnyOf(&[&[Status(200), Body("abcd"), Field("content-length", "4")], &[Status(502)]])]),
    ("same_length_in_list", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\n\r\nabcd", &[AnyOf(&[&[Status(200), Body("abcd")], &[Status(502)]])]),
    ("different_lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", &[WRONG]),
    ("different_lengths_in_list", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd", &[WRONG]),
    ("negative_length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc", &[WRONG]),
    ("length_with_plus", "GET", "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc", &[WRONG]),
    ("length_is_no_number", "GET", "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nabc", &[WRONG]),
    ("coding_that_would_be_lost", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", &[WRONG]),
    ("coding_without_chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", &[WRONG]),
    // Answers without a body.
    ("answer_204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", &[Status(204), Body(""), No("content-length")]),
    ("answer_204_with_length_zero", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", &[Status(204), Body(""), No("content-length")]),
    ("answer_204_with_length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", &[AnyOf(&[&[Status(204), Body(""), No("content-length")], &[Status(502)]])]),
    ("answer_204_with_chunks", "GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", &[AnyOf(&[&[Status(204), Body(""), No("transfer-encoding")], &[Status(502)]])]),
    ("answer_304_with_length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nETag: \"a\"\r\n\r\n", &[Status(304), Body(""), Field("etag", "\"a\"")]),
    ("answer_304_with_both_lengths", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", &[AnyOf(&[&[Status(304), Body("")], &[Status(502)]])]),
    ("answer_205_with_length_zero", "GET", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", &[Status(205), Body("")]),
    ("answer_to_head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", &[Status(200), Body(""), Field("content-length", "3")]),
    ("answer_to_head_with_body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Body(""), Field("content-length", "3")]),
    ("answer_to_head_with_chunked", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &[Status(200), Body(""), No("content-length")]),
    ("answer_to_head_with_both_lengths", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", &[AnyOf(&[&[Status(200), Body(""), No("content-length")], &[Status(502)]])]),
    ("answer_to_head_without_length", "HEAD", "HTTP/1.1 200 OK\r\n\r\n", &[Status(200), Body("")]),
    // Ends.
    ("cut_after_length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", &[Broken]),
    ("cut_in_chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", &[Broken]),
    ("cut_between_chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", &[Broken]),
    ("cut_in_trailers", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: ", &[Broken]),
    ("cut_in_head", "GET", "HTTP/1.1 200 OK\r\nContent-Le", &[Status(502)]),
    ("wrong_chunk_size", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx\r\nabc\r\n0\r\n\r\n", &[Broken]),
    ("chunk_size_beyond_64_bits", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10000000000000003\r\nabc\r\n0\r\n\r\n", &[Broken]),
    ("bytes_after_the_end", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", &[Status(200), Body("abc")]),
    ("bytes_after_the_last_chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", &[Status(200), Body("abc")]),
    // Heads.
    ("no_http", "GET", "SSH-2.0-OpenSSH_9.6\r\n", &[Status(502)]),
    ("status_of_two_digits", "GET", "HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("status_of_four_digits", "GET", "HTTP/1.1 2000 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("status_of_letters", "GET", "HTTP/1.1 abc OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("status_099", "GET", "HTTP/1.1 099 Odd\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("status_299", "GET", "HTTP/1.1 299 Own\r\nContent-Length: 3\r\n\r\nabc", &[Status(299), Body("abc")]),
    ("no_reason", "GET", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Body("abc")]),
    ("space_before_colon", "GET", "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 3\r\n\r\nabc", &[AnyOf(&[&[Status(502)], &[Status(200), Body("abc"), No("x-a ")]])]),
    ("folded_field", "GET", "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 3\r\n\r\nabc", &[AnyOf(&[&[Status(502)], &[Status(200), Body("abc"), Field("x-a", "1 2")]])]),
    ("nul_in_value", "GET", "HTTP/1.1 200 OK\r\nX-A: 1\u{0}2\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("bare_cr_in_value", "GET", "HTTP/1.1 200 OK\r\nX-A: 1\rX-B: 2\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("head_split_by_bare_cr", "GET", "HTTP/1.1 200 OK\r\nX-A: 1\r\rHTTP/1.1 200 OK\r\rforged\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("field_without_colon", "GET", "HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
    ("high_bytes_in_value", "GET", "HTTP/1.1 200 OK\r\nX-A: a\u{ff}b\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Field("x-a", "a\u{ff}b")]),
    ("cookies_stay_apart", "GET", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Lines("set-cookie", &["a=1", "b=2"])]),
    // Interim answers.
    ("early_hints", "GET", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Body("abc"), No("link")]),
    ("continue_not_asked_for", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Body("abc")]),
    ("processing", "GET", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(200), Body("abc")]),
    ("only_interim_answers", "GET", "HTTP/1.1 103 Early Hints\r\n\r\n", &[Status(502)]),
    ("unasked_101", "GET", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw bytes", &[Status(502)]),
    ("unasked_101_without_upgrade", "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", &[Status(502)]),
    ("unasked_101_before_200", "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", &[Status(502)]),
];

//! Chunked bodies of requests (RFC 9112, 7.1).

use crate::{
    row::{Row, row},
    see::See::{self, Body, Broken, Optional, Status},
};

const HEAD: &str = "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(crate) fn rows() -> Vec<Row> {
    let accepted = ACCEPTED.iter().map(|(name, chunks)| {
        row(name, "RFC 9112, 7.1").sends(&format!("{HEAD}{chunks}")).arrives(&[Body("abc")]).gets(&[Status(200)])
    });
    // The head and a part of the body may have left before the fault shows. It is the client's fault: 400.
    let cut: &[See] = &[Optional, Broken];
    let refused = REFUSED.iter().map(|(name, chunks)| {
        let chunks = format!("{HEAD}{chunks}\r\n0\r\n\r\nGET {{path}}/second HTTP/1.1\r\nHost: a\r\n\r\n");
        row(name, "RFC 9112, 7.1").sends(&chunks).arrives(cut).gets(&[Status(400)])
    });
    let mut rows: Vec<_> = accepted.chain(refused).collect();
    let long = format!("{HEAD}3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(100_000));
    rows.push(row("long_extension", "RFC 9112, 7.1.1").sends(&long).arrives(cut).gets(&[Status(400)]));
    let many = format!("{HEAD}{}0\r\n\r\n", "1;aaaaaaaa\r\na\r\n".repeat(10_000));
    rows.push(row("many_extensions", "RFC 9112, 7.1.1").sends(&many).arrives(cut).gets(&[Status(400)]));
    let trailers = format!("{HEAD}3\r\nabc\r\n0\r\n{}\r\n", "x: y\r\n".repeat(2_000));
    rows.push(row("many_trailers", "RFC 9112, 7.1.2").sends(&trailers).arrives(cut).gets(&[Status(400)]));
    rows
}

#[rustfmt::skip]
const ACCEPTED: &[(&str, &str)] = &[
    ("one_chunk", "3\r\nabc\r\n0\r\n\r\n"),
    ("three_chunks", "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"),
    ("size_with_zeros", "0003\r\nabc\r\n0\r\n\r\n"),
    ("last_chunk_with_zeros", "3\r\nabc\r\n000\r\n\r\n"),
    ("extension", "3;a=b\r\nabc\r\n0\r\n\r\n"),
    ("extension_after_space", "3 ;a\r\nabc\r\n0\r\n\r\n"),
    ("quoted_extension", "3;a=\"b;c\"\r\nabc\r\n0;d\r\n\r\n"),
    ("trailer_is_no_body", "3\r\nabc\r\n0\r\nx: y\r\n\r\n"),
];

#[rustfmt::skip]
const REFUSED: &[(&str, &str)] = &[
    ("empty_size", "\r\nabc"),
    ("size_with_plus", "+3\r\nabc"),
    ("negative_size", "-3\r\nabc"),
    ("size_with_0x", "0x3\r\nabc"),
    ("size_after_space", " 3\r\nabc"),
    ("size_is_no_number", "g\r\nabc"),
    ("size_with_underscore", "0_3\r\nabc"),
    ("two_sizes", "3 3\r\nabc"),
    ("size_beyond_64_bits", "10000000000000003\r\nabc"),
    ("size_after_high_byte", "\u{ff}3\r\nabc"),
    ("size_before_nul", "3\u{0}\r\nabc"),
    ("bare_lf_after_size", "3\nabc"),
    ("bare_cr_after_size", "3\rabc"),
    ("bare_lf_in_extension", "3;a\nabc"),
    ("bare_cr_in_extension", "3;a\rb\r\nabc"),
    ("no_line_end_after_data", "3\r\nabc3\r\nabc"),
    ("bare_lf_after_data", "3\r\nabc\n0\n\n"),
    ("other_bytes_after_data", "3\r\nabcXX0\r\n"),
    ("data_beyond_size", "2\r\nabc"),
    ("data_short_of_size", "5\r\nabc"),
];

//! The size and the syntax of heads (RFC 9112, 5; RFC 9110, 5.4): one limit for both versions and both directions.

use crate::{
    row::{Row, http2, row},
    see::See::{self, AnyOf, Broken, Field, Status},
};

pub(crate) fn rows() -> Vec<Row> {
    [requests(), sizes(), answers()].into_iter().flatten().collect()
}

fn get(lines: &str) -> String {
    format!("GET {{path}} HTTP/1.1\r\nHost: a\r\n{lines}Connection: close\r\n\r\n")
}

fn requests() -> Vec<Row> {
    #[rustfmt::skip]
    const LINES: &[(&str, &str)] = &[
        ("no_colon", "X-A\r\n"),
        ("empty_name", ": 1\r\n"),
        ("space_in_name", "X A: 1\r\n"),
        ("space_before_colon", "X-A : 1\r\n"),
        ("space_before_name", " X-A: 1\r\n"),
        ("folded_value", "X-A: 1\r\n 2\r\n"),
        ("folded_by_tab", "X-A: 1\r\n\t2\r\n"),
        ("nul_in_value", "X-A: 1\u{0}2\r\n"),
        ("nul_in_name", "X\u{0}A: 1\r\n"),
        ("bare_cr_in_value", "X-A: 1\rX-B: 2\r\n"),
        ("bare_cr_before_line_end", "X-A: 1\r\r\n"),
        ("control_character_in_value", "X-A: 1\u{1}\r\n"),
        ("delete_character_in_value", "X-A: 1\u{7f}\r\n"),
        ("high_byte_in_name", "X-\u{e4}: 1\r\n"),
        ("parenthesis_in_name", "X(A): 1\r\n"),
    ];
    let refused = |(name, lines): &(&str, &str)| row(name, "RFC 9112, 5.1").sends(&get(lines)).refused(&[400]);
    let mut rows: Vec<_> = LINES.iter().map(refused).collect();
    for (name, line, value) in [
        ("no_space_after_colon", "X-A:1\r\n", "1"),
        ("spaces_around_value", "X-A: \t1 \t\r\n", "1"),
        ("tab_in_value", "X-A: 1\t2\r\n", "1\t2"),
        ("high_byte_in_value", "X-A: \u{ff}\r\n", "\u{ff}"),
        ("empty_value", "X-A:\r\n", ""),
        ("colon_in_value", "X-A: a:b: c\r\n", "a:b: c"),
        ("token_characters_in_name", "X!#$%&'*+-.^_`|~A: 1\r\nX-A: 1\r\n", "1"),
    ] {
        rows.push(row(name, "RFC 9112, 5").sends(&get(line)).arrives(&[Field("x-a", value)]).gets(&[Status(200)]));
    }
    rows
}

/// `MAX_HEAD_BYTES` is 65,536 by default.
fn sizes() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, value, fits) in [
        ("head_of_1_kb", 1_000, true),
        ("head_of_20_kb", 20_000, true),
        ("head_of_60_kb", 60_000, true),
        ("head_of_70_kb", 70_000, false),
        ("head_of_300_kb", 300_000, false),
    ] {
        let value = "x".repeat(value);
        let first = row(name, "RFC 6585, 5").sends(&get(&format!("X-A: {value}\r\nX-B: 1\r\n")));
        let second = row(&format!("{name}_h2"), "RFC 9113, 10.5.1");
        let second = second.sends_http2(http2("GET", "{path}").field("x-a", &value).field("x-b", "1"));
        let too_large = AnyOf(&[&[Status(431)], &[Broken]]);
        let gets = |too_large: See| if fits { Status(200) } else { too_large };
        let arrives = |row: Row| if fits { row.arrives(&[Field("x-b", "1")]) } else { row };
        rows.push(arrives(first).gets(&[gets(Status(431))]));
        rows.push(arrives(second).gets(&[gets(too_large)]));
    }
    for (name, fields, fits) in [("fields_90", 90, true), ("fields_10000", 10_000, false)] {
        let lines = "X-A: 1\r\n".repeat(fields) + "X-B: 1\r\n";
        let row = row(name, "RFC 6585, 5").sends(&get(&lines));
        rows.push(match fits {
            true => row.arrives(&[Field("x-b", "1")]).gets(&[Status(200)]),
            false => row.gets(&[Status(431)]),
        });
    }
    rows
}

/// `MAX_RESPONSE_FIELDS` is 256 by default.
fn answers() -> Vec<Row> {
    let answer = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}X-B: 1\r\nContent-Length: 3\r\n\r\nabc");
    let answered = |name: &str, lines: &str, gets: &[See]| {
        row(name, "RFC 9110, 5.4").sends(&get("")).answers(&answer(lines)).arrives(&[]).gets(gets)
    };
    let whole = [Status(200), Field("x-b", "1"), See::Body("abc")];
    vec![
        answered("answer_of_98_fields", &"X-A: 1\r\n".repeat(96), &whole),
        answered("answer_of_120_fields", &"X-A: 1\r\n".repeat(118), &whole),
        answered("answer_of_250_fields", &"X-A: 1\r\n".repeat(248), &whole),
        answered("answer_of_300_fields", &"X-A: 1\r\n".repeat(298), &[Status(502)]),
        answered("answer_head_of_20_kb", &format!("X-A: {}\r\n", "x".repeat(20_000)), &whole),
        answered("answer_head_of_60_kb", &format!("X-A: {}\r\n", "x".repeat(60_000)), &whole),
        answered("answer_head_of_70_kb", &format!("X-A: {}\r\n", "x".repeat(70_000)), &[Status(502)]),
        answered("answer_head_of_1_mb", &format!("X-A: {}\r\n", "x".repeat(1_000_000)), &[Status(502)]),
    ]
}

//! Texts that are no conditions: their errors, and what it costs to find them.
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::thread;

use mainstay_condition::{Condition, Kind, Limits, ParseError, Schema, parse_condition};

fn error(text: &str) -> String {
    parse_condition(text).unwrap_err().to_string()
}

#[test]
fn errors_name_place_and_remedy() {
    let cases = [
        ("", 0, "a name, number, text or parenthesis is missing at the end"),
        ("sevrity > 1", 0, "the name \"sevrity\" is not known: did you mean `severity`?"),
        ("severity > 1 and zebra", 17, "the name \"zebra\" is not known"),
        ("severity > 1 AND step > 1", 13, "\"AND\" is not known: write `and`"),
        ("severity > 1 && step > 1", 13, "`&&` is not an operator: write `and`"),
        ("severity = 1", 9, "`=` is not an operator: write `==`"),
        ("severity => 1", 9, "`=>` is not an operator: write `>=`"),
        ("severity <> 1", 9, "`<>` is not an operator: write `!=`"),
        ("!(severity > 1)", 0, "`!` is not an operator: write `not`"),
        ("severity > 1 < 2", 13, "comparisons cannot be chained: join two of them with `and`"),
        ("severity", 0, "number alone is neither true nor false: compare it, as in `severity >= 0.8`"),
        ("severity > 1 and 5", 17, "number alone is neither true nor false: compare it, as in `severity >= 0.8`"),
        ("severity == 'high'", 9, "`==` cannot compare number with text"),
        ("'a' < 'b'", 4, "`<` compares numbers, not text: use `==` or `!=`"),
        ("(severity > 1) > true", 15, "`>` compares numbers, not bool: use `==` or `!=`"),
        ("(severity > 1", 0, "the parenthesis is not closed"),
        ("severity > 1)", 12, "no parenthesis is open here"),
        ("severity > ", 11, "a name, number, text or parenthesis is missing at the end"),
        ("severity > and", 11, "a name, number, text or parenthesis is missing before \"and\""),
        ("severity > not true", 11, "put `not` and what follows into parentheses"),
        ("severity 1", 9, "`and`, `or` or a comparison is missing before \"1\""),
        ("severity > 1x", 11, "\"1x\" is not a number"),
        ("severity > 1.", 11, "\"1.\" is not a number"),
        ("severity > 1e", 11, "\"1e\" is not a number"),
        ("severity > 1e999", 11, "\"1e999\" is too large for a number"),
        ("severity + 1 > 2", 9, "\"+\" is not part of a condition"),
        ("severity > 'a", 11, "the text has no closing quote"),
        ("'a\u{1b}' == 'a'", 2, "a text cannot contain control characters"),
        ("severity\u{7} > 1", 8, "\"\\u{7}\" is not part of a condition"),
    ];
    for (text, offset, expected) in cases {
        assert_eq!(error(text), format!("condition, byte {offset}: {expected}"), "{text:?}");
    }
}

#[test]
fn limits_are_kept() {
    let long = format!("{} severity > 1", " ".repeat(1_024));
    assert_eq!(error(&long), "condition, byte 1024: 1037 bytes are too long: at most 1024");
    let many = vec!["step>1"; 13].join(" or ");
    assert_eq!(error(&many), "condition, byte 125: too many words and symbols: at most 50");
    assert!(parse_condition(&["step>1"; 12].join(" or ")).is_ok());
    let name = "x".repeat(65);
    assert!(error(&format!("{name} > 1")).ends_with("is too long: at most 64 bytes"));
    let nested = |depth| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    let wide = Limits::new(1_024, 200).unwrap();
    assert!(Condition::parse_within(&nested(32), &Schema::default(), wide).is_ok());
    let error = Condition::parse_within(&nested(33), &Schema::default(), wide).unwrap_err();
    assert_eq!(error.to_string(), "condition, byte 32: parentheses and `not` nest too deep: at most 32");
    assert!(Limits::new(0, 1).is_err() && Limits::new(1, 0).is_err() && Limits::new(65_537, 1).is_err());
}

#[test]
fn condition_is_shown_on_one_line() {
    let condition = parse_condition("severity > 1\n\tand step > 2\r\n").unwrap();
    assert_eq!(condition.to_string(), "severity > 1  and step > 2  ");
}

#[test]
fn names_of_a_schema_are_checked() {
    for name in ["", "1a", "a-b", "a..b", ".a", "a.", "and", "true", "a b", "é", &"x".repeat(65)] {
        let error = Schema::new([(name, Kind::Number)]).unwrap_err().to_string();
        assert!(error.contains("is not a name"), "{error}");
    }
    assert!(Schema::new([("circuit_breaker.state", Kind::Text), ("_1", Kind::Bool)]).is_ok());
}

/// On a stack of 256 KiB, which recursion over the input would exhaust.
#[test]
fn hundred_thousand_parentheses_or_words_end_in_a_short_error() {
    let check = || {
        for piece in
            ["(", ")", "not ", "and ", "true and ", "true or ", "(not ", "-", "'", "a.", "1", "severity == ", "\u{1b}"]
        {
            let text = piece.repeat(100_000);
            let limits = Limits::new(65_536, 8_192).unwrap();
            let check = |error: ParseError| assert!(error.to_string().len() < 300, "{error}");
            check(parse_condition(&text).unwrap_err());
            check(Condition::parse_within(&text, &Schema::default(), limits).unwrap_err());
            let cut = text.get(..65_534).unwrap();
            check(Condition::parse_within(cut, &Schema::default(), limits).unwrap_err());
        }
        let longest = vec!["step>1"; 2_000].join(" or ");
        let condition =
            Condition::parse_within(&longest, &Schema::default(), Limits::new(65_536, 8_192).unwrap()).unwrap();
        assert!(!condition.evaluate(&|_: &str| Some(0.into())));
    };
    thread::Builder::new().stack_size(256 * 1024).spawn(check).unwrap().join().unwrap();
}

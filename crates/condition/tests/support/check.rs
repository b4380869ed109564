//! What holds for every text: shared by the tests and the fuzz target.

use std::collections::BTreeMap;

use mainstay_condition::{Condition, Kind, Limits, ParseError, Schema, Truth, Value};

/// Panics if the text breaks a promise of the crate.
pub(crate) fn check(text: &str) {
    let names = [("a", Kind::Number), ("b", Kind::Integer), ("c.d", Kind::Bool), ("e", Kind::Text)];
    let schema = Schema::new(names).expect("valid names");
    let wide = Limits::new(65_536, 8_192).expect("valid limits");
    let facts: [BTreeMap<&str, Value<'_>>; 3] = [
        BTreeMap::from([
            ("a", 0.5.into()),
            ("b", 9_007_199_254_740_993_i64.into()),
            ("c.d", true.into()),
            ("e", "x".into()),
        ]),
        BTreeMap::from([("a", f64::NAN.into()), ("b", "\u{1b}[2J".into()), ("e", "\u{1b}\n".into())]),
        BTreeMap::new(),
    ];
    let condition = match Condition::parse_within(text, &schema, wide) {
        Ok(condition) => condition,
        Err(error) => return check_error(text, &error),
    };
    if let Err(error) = Condition::parse(text, &schema) {
        check_error(text, &error);
    }
    let opposite = Condition::parse_within(&format!("not ({text})"), &schema, wide);
    let doubled = Condition::parse_within(&format!("({text}) and ({text})"), &schema, wide);
    for facts in &facts {
        let verdict = condition.verdict(facts);
        assert_eq!(condition.evaluate(facts), verdict == Truth::True);
        let explanation = condition.explain(facts);
        assert_eq!(explanation.truth(), verdict, "{text}: {explanation}");
        assert!(!explanation.to_string().contains(char::is_control), "{explanation:?}");
        if let Ok(opposite) = &opposite {
            let expected = match verdict {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            };
            assert_eq!(opposite.verdict(facts), expected, "not ({text})");
        }
        if let Ok(doubled) = &doubled {
            assert_eq!(doubled.verdict(facts), verdict, "({text}) and ({text})");
        }
    }
}

fn check_error(text: &str, error: &ParseError) {
    let message = error.to_string();
    assert!(message.len() < 300, "{} bytes: {message}", message.len());
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(error.offset() <= text.len(), "{message}");
    assert!(text.is_char_boundary(error.offset()), "{message}");
    assert!(!format!("{error:?}").contains(char::is_control));
}

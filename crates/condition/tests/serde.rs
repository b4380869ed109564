//! Conditions and values in settings.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;

use mainstay_condition::{Condition, Value};

#[test]
fn condition_is_read_and_written_as_text() {
    #[derive(Debug, serde::Deserialize, serde::Serialize)]
    struct Rule {
        when: Condition,
    }

    let rule: Rule = toml::from_str("when = 'severity >= 0.8'").unwrap();
    assert_eq!(toml::to_string(&rule).unwrap(), "when = \"severity >= 0.8\"\n");
    let error = toml::from_str::<Rule>("when = 'sevrity >= 0.8'").unwrap_err();
    assert!(error.to_string().contains("byte 0: the name \"sevrity\" is not known"), "{error}");
}

#[test]
fn facts_are_read_from_json() {
    let json = r#"{"severity":0.9,"step":18446744073709551615,"draining":true,"state":"OPEN"}"#;
    let facts: BTreeMap<String, Value<'static>> = serde_json::from_str(json).unwrap();
    assert_eq!(facts["step"], Value::Integer(u64::MAX.into()));
    assert!("severity > 0.8 and step == 18446744073709551615".parse::<Condition>().unwrap().evaluate(&facts));
    let written = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<BTreeMap<String, Value<'static>>>(&written).unwrap(), facts);
}

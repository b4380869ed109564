//! Parses JSON into the tree. serde_json gives no positions, but slices of the text, from which the lines follow.

use std::collections::BTreeMap;

use serde_json::{Value as Json, value::RawValue};

use crate::{
    Error,
    lines::Lines,
    node::{Node, Origin, Value},
};

/// The deepest nesting, as serde_json has it.
const MAX_DEPTH: usize = 128;

struct Parser<'a> {
    text: &'a str,
    lines: Lines,
}

pub(crate) fn parse(text: &str) -> Result<Node, Error> {
    let parsed: &RawValue = serde_json::from_str(text)
        .map_err(|error| Error::message(Origin::Line(error.line()), format!("not JSON: {error}")))?;
    Parser { text, lines: Lines::of(text) }.node(parsed, 0)
}

impl Parser<'_> {
    fn node(&self, raw: &RawValue, depth: usize) -> Result<Node, Error> {
        let text = raw.get();
        let origin = self.lines.at(text.as_ptr().addr().saturating_sub(self.text.as_ptr().addr()));
        let fault = |fault: &dyn std::fmt::Display| Error::message(origin.clone(), format!("not JSON: {fault}"));
        if depth > MAX_DEPTH {
            return Err(fault(&"nested too deeply"));
        }
        let value = match text.as_bytes().first() {
            Some(b'{') => {
                let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|error| fault(&error))?;
                let field = |(key, value)| Ok((key, self.node(value, depth + 1)?));
                Value::Table(fields.into_iter().map(field).collect::<Result<_, _>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| fault(&error))?;
                Value::List(items.into_iter().map(|item| self.node(item, depth + 1)).collect::<Result<_, _>>()?)
            }
            _ => scalar(serde_json::from_str(text).map_err(|error| fault(&error))?),
        };
        Ok(Node { value, origin })
    }
}

fn scalar(value: Json) -> Value {
    match value {
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match (number.as_i128(), number.as_f64()) {
            (Some(whole), _) => Value::Integer(whole),
            (None, Some(number)) => Value::Float(number),
            (None, None) => Value::Text(number.to_string()),
        },
        Json::String(text) => Value::Text(text),
        // Lists and tables do not come here.
        Json::Null | Json::Array(_) | Json::Object(_) => Value::Nothing,
    }
}

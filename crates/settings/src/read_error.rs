//! The error of the deserializer: serde's messages in the words of settings.

use std::fmt;

use mainstay_core::{InvalidSetting, escaped};
use serde::de::{self, Expected, Unexpected};

use crate::node::{Node, Origin, Value};

const OR_OFF: &str = ", or \"off\"";

#[derive(Debug)]
pub(crate) struct ReadError {
    /// The keys that lead to the wrong value, the innermost first.
    path: Vec<String>,
    value: Option<String>,
    origin: Option<Origin>,
    allowed: String,
    optional: bool,
    kind: Kind,
}

/// What is wrong, as far as the message can be improved by what the deserializer does not know.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// A number of this type is expected. Its largest value shows the range of the setting.
    Number(Value),
    /// There is no such setting; the best suggestion and its distance.
    Unknown(Option<(usize, String)>),
    Other,
}

// === impl ReadError ===

impl ReadError {
    fn new(allowed: String) -> Self {
        Self { path: Vec::new(), value: None, origin: None, allowed, optional: false, kind: Kind::Other }
    }

    /// Sets the value and its place, unless an inner node has set them.
    pub(crate) fn at(mut self, node: &Node) -> Self {
        self.value.get_or_insert_with(|| node.as_written());
        self.origin.get_or_insert_with(|| node.origin.clone());
        self
    }

    /// Adds the key of the node that contains the wrong value.
    pub(crate) fn under(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }

    /// Adds "off" to the allowed values.
    pub(crate) fn or_off(mut self) -> Self {
        if self.value.is_none() && !self.optional {
            self.allowed.push_str(OR_OFF);
            self.optional = true;
        }
        self
    }

    /// Returns the largest value of the type, if a number is expected.
    pub(crate) fn largest(&self) -> Option<Value> {
        match &self.kind {
            Kind::Number(largest) => Some(largest.clone()),
            _ => None,
        }
    }

    /// Replaces the allowed values.
    pub(crate) fn with_allowed(mut self, allowed: &str) -> Self {
        allowed.clone_into(&mut self.allowed);
        if self.optional {
            self.allowed.push_str(OR_OFF);
        }
        self
    }

    /// Whether the key at the end of the path names no setting.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self.kind, Kind::Unknown(_))
    }

    pub(crate) fn expects_table(&self) -> bool {
        self.allowed == "must be a table"
    }

    /// Returns the known name that is nearest to the unknown one, and its distance.
    pub(crate) fn suggestion(&self) -> Option<(usize, &str)> {
        match &self.kind {
            Kind::Unknown(Some((distance, known))) => Some((*distance, known)),
            _ => None,
        }
    }

    /// Adds names that the type of the settings does not have, and suggests one if it is nearer.
    pub(crate) fn suggest(&mut self, names: impl Iterator<Item = String>) {
        let [key] = &*self.path else { return };
        let Kind::Unknown(nearest) = &mut self.kind else { return };
        let better =
            nearest_to(key, names).filter(|(distance, _)| nearest.as_ref().is_none_or(|(old, _)| distance < old));
        if let Some((distance, known)) = better {
            self.allowed = format!("no such setting: did you mean {known}?");
            *nearest = Some((distance, known));
        }
    }

    /// Returns the keys that lead to the wrong value, the outermost first.
    pub(crate) fn path(&self) -> Vec<String> {
        self.path.iter().rev().cloned().collect()
    }

    pub(crate) fn into_setting(self, root: &Node) -> (Origin, InvalidSetting) {
        let error = self.at(root);
        let (origin, value) = (error.origin.unwrap_or(Origin::Unknown), error.value.unwrap_or_default());
        if let Some((flat, name)) = origin.flat() {
            let setting = InvalidSetting::new(name, value, format!("must be {}", flat.allowed));
            return (origin, setting);
        }
        // Keys are escaped, because they may hold anything and are written to logs.
        let path: Vec<_> = error.path.iter().rev().map(|key| escaped(key).to_string()).collect();
        // The document as a whole has no name.
        let field = if path.is_empty() { "settings".to_owned() } else { path.join(".") };
        (origin, InvalidSetting::new(field, value, error.allowed))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.allowed)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let kind = largest(&expected).map_or(Kind::Other, Kind::Number);
        Self { kind, ..Self::new(format!("must be {}", in_words(&expected))) }
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let nearest = nearest_to(field, expected.iter().map(|known| (*known).to_owned()));
        let meant = nearest.as_ref().map_or(String::new(), |(_, known)| format!("did you mean {known}? "));
        let allowed = format!("no such setting: {meant}There are {}", expected.join(", "));
        Self { kind: Kind::Unknown(nearest), ..Self::new(allowed) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { value: Some("(not set)".to_owned()), ..Self::new("must be set".to_owned()).under(field) }
    }
}

/// Returns serde's name of a type in plain words.
fn in_words(expected: &str) -> &str {
    match expected {
        "a duration" => "a duration, such as \"250ms\" or \"1m 30s\"",
        "a boolean" => "true or false",
        "socket address" => "an IP address and a port, such as 0.0.0.0:8080",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "newtype variant" | "struct variant" | "tuple variant" => "written with its value: { name = value }",
        "u8" => "a whole number, 0 to 255",
        "u16" => "a whole number, 0 to 65535",
        "u32" => "a whole number, 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        _ if expected.starts_with("struct ") => "a table",
        _ => expected,
    }
}

/// Returns the largest value of a numeric type.
fn largest(expected: &str) -> Option<Value> {
    Some(match expected {
        "u8" => Value::Integer(u8::MAX.into()),
        "u16" => Value::Integer(u16::MAX.into()),
        "u32" => Value::Integer(u32::MAX.into()),
        "u64" | "usize" => Value::Integer(u64::MAX.into()),
        "f32" | "f64" => Value::Float(f32::MAX.into()),
        _ => return None,
    })
}

/// Returns the name that is nearest to `name` and its distance, if it is near enough to be meant.
pub(crate) fn nearest_to(name: &str, known: impl Iterator<Item = String>) -> Option<(usize, String)> {
    let nearest = known.map(|known| (distance(name, &known), known)).min();
    nearest.filter(|(distance, known)| distance * 3 <= known.len())
}

/// Returns the Levenshtein distance: how many letters must be inserted, deleted or replaced.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal + usize::from(x != y);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        row[0] = i + 1;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_matches_known_examples() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("max_atempts", "max_attempts"), 1);
        assert_eq!(distance("flaw", "lawn"), 2);
    }
}

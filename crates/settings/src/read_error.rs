//! The error of the deserializer: serde's messages in the words of settings.

use std::fmt;

use mainstay_core::InvalidSetting;
use serde::de::{self, Expected, Unexpected};

use crate::node::{Node, Origin};

#[derive(Debug)]
pub(crate) struct ReadError {
    /// The keys that lead to the wrong value, the innermost first.
    path: Vec<String>,
    value: Option<String>,
    origin: Option<Origin>,
    allowed: String,
    optional: bool,
}

// === impl ReadError ===

impl ReadError {
    fn new(allowed: String) -> Self {
        Self { path: Vec::new(), value: None, origin: None, allowed, optional: false }
    }

    /// Sets the value and its place, unless an inner node has set them.
    pub(crate) fn at(mut self, node: &Node) -> Self {
        self.value.get_or_insert_with(|| node.to_string());
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
            self.allowed.push_str(", or \"off\"");
            self.optional = true;
        }
        self
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
        let path: Vec<_> = error.path.iter().rev().map(|key| key.escape_debug().to_string()).collect();
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
        Self::new(format!("must be {}", in_words(&expected.to_string())))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let meant = expected.iter().map(|known| (distance(field, known), known)).min();
        let meant = match meant {
            Some((distance, known)) if distance * 3 <= known.len() => format!("did you mean {known}? "),
            _ => String::new(),
        };
        Self::new(format!("no such setting: {meant}There are {}", expected.join(", ")))
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
        "socket address" => "an IP address and a port",
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

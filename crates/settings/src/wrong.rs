//! What is wrong, on its way out of the tree: serde's complaints in the words of settings.

use std::fmt;

use mainstay_core::InvalidSetting;
use serde::de::{self, Expected, Unexpected};

use crate::node::{Node, Origin};

#[derive(Debug)]
pub(crate) struct Wrong {
    /// From the innermost out.
    path: Vec<String>,
    value: Option<String>,
    origin: Option<Origin>,
    allowed: String,
    optional: bool,
}

// === impl Wrong ===

impl Wrong {
    fn new(allowed: String) -> Self {
        Self { path: Vec::new(), value: None, origin: None, allowed, optional: false }
    }

    /// It is wrong at this node, unless something within it is.
    pub(crate) fn at(mut self, node: &Node) -> Self {
        self.value.get_or_insert_with(|| node.to_string());
        self.origin.get_or_insert_with(|| node.origin.clone());
        self
    }

    /// Keys may hold anything, and end up in logs.
    pub(crate) fn under(mut self, key: &str) -> Self {
        self.path.push(key.escape_debug().to_string());
        self
    }

    /// The field can be turned off, too.
    pub(crate) fn or_off(mut self) -> Self {
        if self.value.is_none() && !self.optional {
            self.allowed.push_str(", or \"off\"");
            self.optional = true;
        }
        self
    }

    pub(crate) fn into_setting(self, root: &Node) -> (Origin, InvalidSetting) {
        let mut it = self.at(root);
        it.path.reverse();
        // What is wrong with the whole has no name.
        let field = if it.path.is_empty() { "settings".to_owned() } else { it.path.join(".") };
        let setting = InvalidSetting::new(field, it.value.unwrap_or_default(), it.allowed);
        (it.origin.unwrap_or(Origin::Unknown), setting)
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.allowed)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
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

/// Rust's names of types, for people.
fn in_words(expected: &str) -> &str {
    match expected {
        "a duration" => "a duration, such as \"250ms\" or \"1m 30s\"",
        "a boolean" => "true or false",
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

/// How many letters must be typed, deleted or replaced (Levenshtein).
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
    fn distances_are_those_of_the_books() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("max_atempts", "max_attempts"), 1);
        assert_eq!(distance("flaw", "lawn"), 2);
    }
}

//! The kinds of values.

use std::fmt;

/// The kind of values that a name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A number, with or without a fraction.
    Number,
    /// A whole number. Facts may be floats all the same: all numbers compare exactly.
    Integer,
    /// True or false.
    Bool,
    /// A text, in quotes where it is written.
    Text,
}

// === impl Kind ===

impl Kind {
    /// Returns `"number"`, `"integer"`, `"bool"` or `"text"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Bool => "bool",
            Self::Text => "text",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

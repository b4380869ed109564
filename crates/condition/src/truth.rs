//! The result of a condition: true, false, or unknown.

use std::fmt;

/// The result of a condition. Unknown, if a value that decides it is missing, of another kind, or not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// The facts meet the condition.
    True,
    /// The facts do not meet the condition.
    False,
    /// The facts do not decide the condition.
    Unknown,
}

// === impl Truth ===

impl Truth {
    /// Returns `"true"`, `"false"` or `"unknown"`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Unknown => "unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

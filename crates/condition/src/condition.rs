//! A compiled condition.

use std::{
    fmt::{self, Write},
    str::FromStr,
    sync::Arc,
};

use crate::{Explanation, Facts, Limits, ParseError, Schema, Truth, parser, program::Program};

/// A compiled condition. Clones share it.
///
/// `FromStr`, and with the feature `serde` `Deserialize`, compile against the default [`Schema`].
#[derive(Clone)]
pub struct Condition(Arc<Inner>);

struct Inner {
    text: Box<str>,
    program: Program,
}

/// Compiles a condition over the names of the default [`Schema`]: `severity`, `recurrence_count`, `confidence`, `step` and
/// `duration`.
///
/// # Errors
/// A text that is not a condition; see [`Condition::parse`].
pub fn parse_condition(text: &str) -> Result<Condition, ParseError> {
    Condition::parse(text, &Schema::default())
}

// === impl Condition ===

impl Condition {
    /// Compiles a condition over the names of a schema, within the default [`Limits`].
    ///
    /// # Errors
    /// A text that is not a condition, has an unknown name or values of different kinds, or is too long or too deep. The
    /// error has the place, and the nearest known name.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, ParseError> {
        Self::parse_within(text, schema, Limits::default())
    }

    /// Compiles a condition within other limits.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_within(text: &str, schema: &Schema, limits: Limits) -> Result<Self, ParseError> {
        let program = parser::parse(text, schema, limits)?;
        Ok(Self(Arc::new(Inner { text: text.into(), program })))
    }

    /// Returns whether the facts meet the condition. False, if they do not decide it.
    ///
    /// A rule that acts on `not (a < b)` therefore does not act while `a` is missing, and neither does one on `a < b`.
    #[must_use]
    pub fn evaluate(&self, facts: &(impl Facts + ?Sized)) -> bool {
        self.verdict(facts) == Truth::True
    }

    /// Returns whether the facts meet the condition, do not, or do not decide it.
    #[must_use]
    pub fn verdict(&self, facts: &(impl Facts + ?Sized)) -> Truth {
        self.0.program.evaluate(facts)
    }

    /// Returns the result with the comparisons that decided it. Allocates: for logs and people.
    #[must_use]
    pub fn explain(&self, facts: &(impl Facts + ?Sized)) -> Explanation {
        self.0.program.explain(facts)
    }

    /// Returns the names that the condition reads, in the order of their first use.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.program.names.iter().map(|name| &*name.text)
    }

    /// Returns the text that was compiled.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

impl FromStr for Condition {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse_condition(text)
    }
}

impl fmt::Display for Condition {
    /// Shows the text on one line: tabs and line ends are shown as blanks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str()
            .chars()
            .try_for_each(|character| f.write_char(if character.is_control() { ' ' } else { character }))
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.as_str()).finish()
    }
}

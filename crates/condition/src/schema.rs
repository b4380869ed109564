//! The names that conditions may use.

use std::{collections::BTreeMap, error::Error, fmt};

use crate::{
    kind::Kind,
    quoted::Quoted,
    words::{LONGEST_NAME, is_name},
};

/// The names that conditions may use, and their kinds.
///
/// The default has `severity`, `confidence` and `duration` (numbers), `recurrence_count` and `step` (integers).
///
/// ```
/// use mainstay_condition::{Condition, Kind, Schema};
///
/// let schema = Schema::new([("breaker.state", Kind::Text), ("retry.failures_1h", Kind::Integer)])?;
/// let rule = Condition::parse("breaker.state == 'OPEN' or retry.failures_1h > 50", &schema)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema(BTreeMap<Box<str>, Kind>);

/// A name that no condition can contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(Box<str>);

// === impl Schema ===

impl Schema {
    /// Creates a schema of these names. A name that is given twice has the kind that is given last.
    ///
    /// # Errors
    /// A name that is not made of words of ASCII letters, digits and `_`, joined by dots; that has more than 64 bytes; or
    /// that is a word of the language (`and`, `or`, `not`, `true`, `false`).
    pub fn new<N: Into<Box<str>>>(names: impl IntoIterator<Item = (N, Kind)>) -> Result<Self, InvalidName> {
        let mut schema = Self(BTreeMap::new());
        for (name, kind) in names {
            schema.declare(name, kind)?;
        }
        Ok(schema)
    }

    /// Adds a name, or changes its kind.
    ///
    /// # Errors
    /// An invalid name, as in [`new`](Self::new).
    pub fn declare(&mut self, name: impl Into<Box<str>>, kind: Kind) -> Result<(), InvalidName> {
        let name = name.into();
        if !is_name(&name) {
            return Err(InvalidName(name));
        }
        self.0.insert(name, kind);
        Ok(())
    }

    /// Returns the kind of a name; `None` if the name is not declared.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<Kind> {
        self.0.get(name).copied()
    }

    /// Returns the names and their kinds, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.0.iter().map(|(name, kind)| (&**name, *kind))
    }
}

impl Default for Schema {
    fn default() -> Self {
        let names = [
            ("severity", Kind::Number),
            ("recurrence_count", Kind::Integer),
            ("confidence", Kind::Number),
            ("step", Kind::Integer),
            ("duration", Kind::Number),
        ];
        Self(names.into_iter().map(|(name, kind)| (name.into(), kind)).collect())
    }
}

// === impl InvalidName ===

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Quoted(&self.0);
        write!(
            f,
            "{name} is not a name: words of ASCII letters, digits and _, joined by dots, of at most {LONGEST_NAME} bytes, \
             other than and, or, not, true, false"
        )
    }
}

impl Error for InvalidName {}
